//! Checking the files of a keep before they are committed or pushed.
use crate::config::{Files, Sources};
use crate::failure::Failure;
use crate::store::Keep;

/// Checks every configuration file of the work tree; an invalid one is never committed by us.
pub(super) fn work_tree(keep: &Keep) -> Result<(), Failure> {
    files(&Files::of_work_tree(keep)?).map_err(|failure| failure.hint("nothing was committed"))
}

/// Checks configuration files, wherever they are from.
pub(super) fn files(files: &Files) -> Result<(), Failure> {
    let sources = Sources::read(files)?;
    match sources.problems() {
        [] => Ok(()),
        problems => Err(Failure::problems(problems)),
    }
}
