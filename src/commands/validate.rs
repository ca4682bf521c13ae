//! Checking the files of a keep before they are committed or pushed.
use crate::config::{Files, Sources};
use crate::failure::Failure;
use crate::store::{Change, Keep};

/// Checks what a commit of these changes would hold, whatever else lies in the work tree.
pub(super) fn commit_of(keep: &Keep, changes: &[Change]) -> Result<(), Failure> {
    files(&committed_with(keep, changes)?).map_err(|failure| {
        let failure = failure.hint("nothing was committed");
        match why_only_here(keep, changes) {
            Some(why) => failure.hint(why),
            None => failure,
        }
    })
}

/// Why the work tree is valid and a commit of these changes is not, if that is so.
fn why_only_here(keep: &Keep, changes: &[Change]) -> Option<&'static str> {
    work_tree(keep).ok()?;
    Some(if keep.changes().ok()?.len() > changes.len() {
        "with all changes of the work tree it is valid: `buildkeep commit`"
    } else {
        "the work tree is valid: Git ignores a file that it needs; `git status --ignored` names it"
    })
}

/// Checks the files of the work tree.
pub(super) fn work_tree(keep: &Keep) -> Result<(), Failure> {
    files(&Files::of_work_tree(keep)?)
}

/// The configuration files of the last commit with these changes of the work tree.
pub(super) fn committed_with(keep: &Keep, changes: &[Change]) -> Result<Files, Failure> {
    let committed = match keep.repo().head()? {
        Some(head) => Files::of_commit(keep.repo(), head)?,
        None => Files::default(),
    };
    Ok(committed.with(&keep.file_changes(changes)?))
}

/// Checks configuration files, wherever they are from.
pub(super) fn files(files: &Files) -> Result<(), Failure> {
    let sources = Sources::read(files)?;
    match sources.problems() {
        [] => Ok(()),
        problems => Err(Failure::problems(problems)),
    }
}
