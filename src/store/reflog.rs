//! The logs of refs: what `git reflog` shows. Nothing of ours depends on them, except that `undo`
//! still knows commits that plain Git amended.
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::error::During as _;
use super::refs::RefEdit;
use super::{Error, Repo, Signature};
use crate::fs::{AtPath as _, Batch, PathError, create_dirs, remove_file_durable};

/// Logs a move of a branch, and that of `HEAD` if the branch is checked out; state branches only
/// ever grow, and need no log.
pub(super) fn lines(
    repo: &Repo,
    edit: &RefEdit,
    moved: (Option<ObjectId>, ObjectId),
    signature: &Signature,
) -> Result<Vec<Line>, Error> {
    let branch = edit.name.strip_prefix("refs/heads/");
    let is_logged = branch.is_some_and(|branch| !branch.starts_with("state/"));
    if !is_logged || is_off(repo) {
        return Ok(Vec::new());
    }
    let text = line(moved, &edit.why, signature)?;
    let is_head = repo.head_branch().is_ok_and(|head| head == edit.name);
    let logs = [Some(edit.name.as_str()), is_head.then_some("HEAD")];
    let line = |name| Line {
        path: path_of(repo, name),
        text: text.clone(),
    };
    Ok(logs.into_iter().flatten().map(line).collect())
}

/// A line that a log gets.
#[derive(Debug)]
pub(super) struct Line {
    path: PathBuf,
    text: Vec<u8>,
}

impl Line {
    /// Appends it.
    pub(super) fn append(&self, batch: &mut Batch) -> Result<(), PathError> {
        append_line(&self.path, &self.text, batch)
    }
}

/// Whether the log says that a ref was moved from this commit to another one.
pub(super) fn was_left(repo: &Repo, name: &str, commit_id: ObjectId) -> bool {
    let log = std::fs::read(path_of(repo, name)).unwrap_or_default();
    let start = format!("{commit_id} ");
    let mut lines = log.split(|byte| *byte == b'\n');
    lines.any(|line| line.starts_with(start.as_bytes()))
}

/// Deletes the log of a ref that is gone.
pub(super) fn remove(repo: &Repo, name: &str) -> Result<(), Error> {
    Ok(remove_file_durable(&path_of(repo, name))?)
}

fn is_off(repo: &Repo) -> bool {
    let setting = repo.setting("core.logAllRefUpdates");
    matches!(setting.as_deref(), Some("false" | "no" | "off" | "0"))
}

/// Before, after, who, when, why.
fn line(
    (before, after): (Option<ObjectId>, ObjectId),
    why: &str,
    signature: &Signature,
) -> Result<Vec<u8>, Error> {
    let before = before.unwrap_or(ObjectId::null(gix::hash::Kind::Sha1));
    let mut line = format!("{before} {after} ").into_bytes();
    let person = signature.to_gix();
    person.write_to(&mut line).during("write a reflog")?;
    let why = why.replace('\n', " ");
    line.extend_from_slice(format!("\t{why}\n").as_bytes());
    Ok(line)
}

/// Appends in one call, behind what a crash may have torn: Git skips such a line.
fn append_line(path: &Path, line: &[u8], batch: &mut Batch) -> Result<(), PathError> {
    let folder = path.parent().unwrap_or(path);
    create_dirs(folder, batch)?;
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .at("open", path)?;
    let mut last = [b'\n'];
    if file.metadata().is_ok_and(|meta| meta.len() > 0) {
        file.seek(SeekFrom::End(-1))
            .and_then(|_| file.read_exact(&mut last))
            .at("read", path)?;
    }
    let torn: &[u8] = if last == [b'\n'] { b"" } else { b"\n" };
    file.write_all(&[torn, line].concat())
        .at("append to", path)?;
    batch.wrote(file, path)?;
    if is_new { batch.named(folder) } else { Ok(()) }
}

fn path_of(repo: &Repo, name: &str) -> PathBuf {
    repo.git_dir().join("logs").join(name)
}
