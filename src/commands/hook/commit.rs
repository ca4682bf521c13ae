//! `hook pre-commit`: what is staged, not what lies in the work tree.
use super::super::{Answer, Context};
use crate::config::{Files, problems};
use crate::failure::Failure;
use crate::store::Called;

pub(super) fn check(cx: &mut Context, called: &Called) -> Result<Answer, Failure> {
    let problems = problems(&Files::staged(called)?)?;
    if problems.is_empty() {
        return Ok(Answer::Yes);
    }
    let what = "the commit was refused: the configuration is not valid";
    let failure = Failure::refused(&problems, what);
    cx.ui
        .error(failure.hint("mend it, `git add` the file, and commit again"));
    Ok(Answer::No)
}
