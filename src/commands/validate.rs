//! Checking the files of a keep before they are committed or pushed.
use std::collections::BTreeMap;

use crate::check;
use crate::config::{Files, Sources};
use crate::document::Problem;
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::store::{Change, Keep};

/// Where sets of checks are named.
const SETTINGS: &str = "buildkeep.toml";

/// Checks what a commit of these changes would hold, whatever else lies in the work tree.
pub(super) fn commit_of(keep: &Keep, changes: &[Change]) -> Result<(), Failure> {
    let valid = files(&committed_with(keep, changes)?).and_then(|()| {
        let problems = checks_committed_with(keep, changes)?;
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::problems(&problems))
    });
    valid.map_err(|failure| {
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

/// What is wrong with the sets of checks of the work tree, and with their names in its settings.
pub(super) fn checks_of_work_tree(keep: &Keep) -> Result<Vec<Problem>, Failure> {
    let settings = read_optional(&keep.root().join(SETTINGS))?.unwrap_or_default();
    let texts = check::own_texts(keep.root())?;
    Ok(check::problems(
        &texts,
        &String::from_utf8_lossy(&settings),
    )?)
}

/// The same of the last commit with these changes of the work tree.
fn checks_committed_with(keep: &Keep, changes: &[Change]) -> Result<Vec<Problem>, Failure> {
    let is_ours = |path: &str| is_of_checks(path);
    if !changes
        .iter()
        .any(|change| is_ours(&change.path.to_string()))
    {
        return Ok(Vec::new());
    }
    let mut all = BTreeMap::new();
    if let Some(head) = keep.repo().head()? {
        for (path, bytes) in keep.state_files_at(head, "checks/")? {
            all.insert(path, bytes);
        }
        let settings = keep.repo().file_at(head, SETTINGS)?;
        all.extend(settings.map(|bytes| (SETTINGS.to_owned(), bytes)));
    }
    for change in keep.file_changes(changes)? {
        let path = change.path.to_string();
        match change.content {
            Some((_, bytes)) => all.insert(path, bytes),
            None => all.remove(&path),
        };
    }
    checks(all)
}

/// Whether a file has to do with checks.
pub(super) fn is_of_checks(path: &str) -> bool {
    path == SETTINGS || check::set_at(path).is_some()
}

/// What is wrong with the sets of checks among these files, and with their names in the settings.
pub(super) fn checks(
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Result<Vec<Problem>, Failure> {
    let (mut texts, mut settings) = (Vec::new(), String::new());
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match check::set_at(&path) {
            Some(name) => texts.push((name.to_owned(), text)),
            None if path == SETTINGS => settings = text,
            None => {}
        }
    }
    Ok(check::problems(&texts, &settings)?)
}
