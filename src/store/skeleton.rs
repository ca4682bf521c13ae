//! A new repository, laid out durably.
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Error;
use crate::fs::{Folder, create_dirs_durable, is_temporary, read_optional, write_durable};

/// What is in no commit.
const EXCLUDE: &[u8] = b"/.buildkeep/\n.buildkeep-tmp-*\n";

/// What sort of repository to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without a work tree.
    Bare,
    /// With one around it.
    WorkTree,
}

/// Makes the folders and files of a SHA-1 repository with file refs: always these formats, as
/// newer Git has other defaults. `HEAD` comes last, since it makes the folder a repository.
pub(super) fn create(git_dir: &Path, kind: Kind, settings: &[(&str, &str)]) -> Result<(), Error> {
    for folder in [
        "objects/info",
        "objects/pack",
        "refs/heads",
        "refs/tags",
        "info",
        "hooks",
    ] {
        create_dirs_durable(&git_dir.join(folder))?;
    }
    sweep_dead(git_dir);
    sweep_dead(&git_dir.join("info"));
    write_durable(&git_dir.join("config"), config(kind, settings).as_bytes())?;
    write_exclude(git_dir)?;
    write_durable(&git_dir.join("HEAD"), b"ref: refs/heads/main\n")?;
    Ok(())
}

/// Deletes temporary files of processes that are no more: others may make the same repository now.
pub(super) fn sweep_dead(folder: &Path) {
    // They are in nobody's way.
    let _ = Folder::open(folder).and_then(|folder| folder.sweep());
}

/// Whether this is what an interrupted [`create`] left: no `HEAD`, and nothing that anybody wrote.
pub(super) fn is_begun(git_dir: &Path) -> bool {
    let is_empty = |inside: &str| {
        let mut entries = std::fs::read_dir(git_dir.join(inside))
            .into_iter()
            .flatten();
        !entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_file()))
    };
    let is_ours = |name: &OsStr| {
        ["config", "objects", "refs", "info", "hooks"]
            .iter()
            .any(|ours| *ours == name)
            || is_temporary(name.as_bytes())
    };
    let mut entries = std::fs::read_dir(git_dir).into_iter().flatten().flatten();
    entries.all(|entry| is_ours(&entry.file_name()))
        && ["objects/pack", "refs/heads", "refs/tags", "hooks"]
            .into_iter()
            .all(is_empty)
        && std::fs::read_dir(git_dir.join("objects"))
            .into_iter()
            .flatten()
            .count()
            <= 2
}

/// Makes a repository that somebody else made fit for a keep: what it has stays.
pub(super) fn adopt(git_dir: &Path, settings: &[(&str, &str)]) -> Result<(), Error> {
    sweep_dead(git_dir);
    sweep_dead(&git_dir.join("info"));
    write_exclude(git_dir)?;
    append_once(&git_dir.join("config"), print(settings).as_bytes())
}

/// Keeps our private folder, and what a crash leaves, out of every commit.
pub(super) fn write_exclude(git_dir: &Path) -> Result<(), Error> {
    create_dirs_durable(&git_dir.join("info"))?;
    append_once(&git_dir.join("info/exclude"), EXCLUDE)
}

/// Whether commits leave our private folder out.
pub(super) fn is_excluded(git_dir: &Path) -> bool {
    let text = std::fs::read(git_dir.join("info/exclude")).unwrap_or_default();
    let rule = EXCLUDE.split_inclusive(|byte| *byte == b'\n').next();
    rule.is_some_and(|rule| {
        text.split_inclusive(|byte| *byte == b'\n')
            .any(|line| line == rule)
    })
}

/// Appends lines to a file, unless it has them.
fn append_once(path: &Path, lines: &[u8]) -> Result<(), Error> {
    let mut text = read_optional(path)?.unwrap_or_default();
    if text.windows(lines.len()).any(|window| window == lines) {
        return Ok(());
    }
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(lines);
    Ok(write_durable(path, &text)?)
}

/// Git's own settings of a new repository.
pub(super) fn config(kind: Kind, settings: &[(&str, &str)]) -> String {
    let bare = kind == Kind::Bare;
    let mut text = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = {bare}\n\tlogallrefupdates = {}\n",
        !bare
    );
    text.push_str(&print(settings));
    text
}

fn print(settings: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in settings {
        let (section, name) = key.rsplit_once('.').unwrap_or(("core", key));
        let header = match section.split_once('.') {
            Some((section, sub)) => format!("[{section} \"{sub}\"]"),
            None => format!("[{section}]"),
        };
        text.push_str(&format!("{header}\n\t{name} = {value}\n"));
    }
    text
}
