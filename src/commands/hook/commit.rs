//! `hook pre-commit`: what is staged, not what lies in the work tree.
use super::super::{Answer, Context, validate};
use crate::config::{Files, problems, secrets};
use crate::document::Problem;
use crate::failure::Failure;
use crate::store::Called;

pub(super) fn check(cx: &mut Context, called: &Called) -> Result<Answer, Failure> {
    let mut problems = problems(&Files::staged(called)?)?;
    problems.extend(of_checks(called)?);
    if problems.is_empty() {
        return without_secrets(cx, called);
    }
    let what = "the commit was refused: the configuration is not valid";
    let failure = Failure::refused(&problems, what);
    cx.ui
        .error(failure.hint("mend it, `git add` the file, and commit again"));
    Ok(Answer::No)
}

/// What is wrong with the sets of checks that are about to be committed, if this is a keep.
fn of_checks(called: &Called) -> Result<Vec<Problem>, Failure> {
    let mut files = Vec::new();
    for file in called.staged_files()? {
        let path = file.path.to_string();
        if validate::is_of_checks(&path) {
            files.push((path, called.objects().blob(file.blob_id)?));
        }
    }
    if !files.iter().any(|(path, _)| path == "buildkeep.toml") {
        return Ok(Vec::new());
    }
    validate::checks(files)
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
