//! `hook pre-commit`: what is staged, not what lies in the work tree.
use super::super::{Answer, Context};
use crate::config::{Files, problems, secrets};
use crate::failure::Failure;
use crate::store::Called;

pub(super) fn check(cx: &mut Context, called: &Called) -> Result<Answer, Failure> {
    let problems = problems(&Files::staged(called)?)?;
    if problems.is_empty() {
        return without_secrets(cx, called);
    }
    let what = "the commit was refused: the configuration is not valid";
    let failure = Failure::refused(&problems, what);
    cx.ui
        .error(failure.hint("mend it, `git add` the file, and commit again"));
    Ok(Answer::No)
}

fn without_secrets(cx: &mut Context, called: &Called) -> Result<Answer, Failure> {
    let today = cx.world.clock.now().date_naive();
    let problems = secrets::staged(called, today)?;
    if problems.is_empty() {
        return Ok(Answer::Yes);
    }
    let failure = Failure::refused(&problems, "the commit was refused: it would hold a secret");
    cx.ui
        .error(failure.hint("take it out, `git add` the file, and commit again"));
    Ok(Answer::No)
}
