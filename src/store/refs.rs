//! Refs, moved durably.
//!
//! gix writes them without syncing: after a power cut a ref, or the whole of `packed-refs`, can be
//! an empty file. So this does it, in the order that Git has: lock, compare, write the new value, log,
//! rename, each step before the next one. A deleted ref leaves `packed-refs` first, and then its own
//! file, so that no older value shows through in between.
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::refs::FullName;

use super::error::During as _;
use super::git_lock::GitLock;
use super::{Error, Expect, Repo, Signature, reflog};
use crate::fs::{AtPath as _, Batch, create_dirs, read_optional, remove_file_durable};

/// A ref to be moved.
#[derive(Clone, Debug)]
pub(super) struct RefEdit {
    /// Its whole name.
    pub(super) name: String,
    /// What it must be.
    pub(super) expect: Expect,
    /// What it is to be; nothing if it is to go.
    pub(super) target: Option<ObjectId>,
    /// Why, for its log.
    pub(super) why: String,
}

/// A ref, locked.
struct Locked<'a> {
    edit: &'a RefEdit,
    before: Option<ObjectId>,
    lock: GitLock,
}

/// Refs that nobody else can move any more, and that nobody saw move yet.
#[must_use = "nothing moves before it is committed"]
pub(super) struct Prepared<'a> {
    repo: &'a Repo,
    edits: Vec<Locked<'a>>,
}

/// Locks the refs, sees that each is what it must be, and writes what they are to be.
pub(super) fn prepare<'a>(
    repo: &'a Repo,
    edits: &'a [RefEdit],
    batch: &mut Batch,
) -> Result<Prepared<'a>, Error> {
    let mut locked = Vec::new();
    for edit in edits {
        refuse_in_the_way(repo, edit)?;
        let path = path_of(repo, &edit.name);
        create_dirs(path.parent().unwrap_or(repo.git_dir()), batch)?;
        let mut lock = GitLock::acquire(&path)?;
        let before = compare(repo, edit)?;
        if let Some(target) = edit.target {
            remove_empty_folders(&path);
            lock.fill(format!("{target}\n").as_bytes(), batch)?;
        }
        locked.push(Locked { edit, before, lock });
    }
    Ok(Prepared {
        repo,
        edits: locked,
    })
}

impl Prepared<'_> {
    /// Moves the refs, each before the next one; what the batch holds lasts before the last one does.
    pub(super) fn commit(
        self,
        signature: Option<&Signature>,
        mut batch: Batch,
    ) -> Result<(), Error> {
        for one in &self.edits {
            if let (Some(after), Some(signature)) = (one.edit.target, signature) {
                let moved = (one.before, after);
                for line in reflog::lines(self.repo, one.edit, moved, signature)? {
                    line.append(&mut batch)?;
                }
            }
        }
        let edits = self.edits.iter().map(|one| one.edit);
        let gone = edits.filter(|edit| edit.target.is_none());
        let gone: BTreeSet<&str> = gone.map(|edit| edit.name.as_str()).collect();
        let count = self.edits.len();
        for (at, Locked { edit, lock, .. }) in self.edits.into_iter().enumerate() {
            if at > 0 || count == 1 {
                batch.order()?;
            }
            if edit.target.is_some() {
                lock.commit_with(&mut batch)?;
            } else {
                batch.order()?;
                unpack(self.repo, &gone)?;
                remove_file_durable(&path_of(self.repo, &edit.name))?;
                reflog::remove(self.repo, &edit.name)?;
            }
        }
        Ok(batch.settle()?)
    }
}

/// What a ref is now, read past every cache: the caller has its lock.
fn current(repo: &Repo, name: &str) -> Result<Option<ObjectId>, Error> {
    let path = path_of(repo, name);
    let loose = match std::fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => None,
        Err(error) if crate::fs::is_absent(&error) => None,
        read => Some(read.at("read", &path)?),
    };
    match loose {
        Some(text) if text.starts_with(b"ref:") => repo.find_ref(name),
        Some(text) => Ok(Some(
            ObjectId::from_hex(text.trim_ascii()).during("read a ref")?,
        )),
        None => packed(repo, name),
    }
}

/// What `packed-refs` says of a ref.
fn packed(repo: &Repo, name: &str) -> Result<Option<ObjectId>, Error> {
    let text = read_optional(&packed_refs(repo))?.unwrap_or_default();
    let line = text
        .split(|byte| *byte == b'\n')
        .find(|line| named(line) == Some(name.as_bytes()));
    let id = line.and_then(|line| ObjectId::from_hex(&line[..40]).ok());
    Ok(id)
}

/// The name in a line of `packed-refs`: id, space, name.
fn named(line: &[u8]) -> Option<&[u8]> {
    (line.get(40) == Some(&b' ')).then(|| &line[41..])
}

/// Takes refs out of `packed-refs`, each with the line that tells what its tag points at.
fn unpack(repo: &Repo, gone: &BTreeSet<&str>) -> Result<(), Error> {
    let path = packed_refs(repo);
    let is_gone = |line: &[u8]| {
        let name = named(line.trim_ascii_end());
        name.is_some_and(|name| gone.iter().any(|gone| gone.as_bytes() == name))
    };
    let text = read_optional(&path)?.unwrap_or_default();
    if !text.split(|byte| *byte == b'\n').any(is_gone) {
        return Ok(());
    }
    let mut lock = GitLock::acquire(&path)?;
    let text = read_optional(&path)?.unwrap_or_default();
    let mut kept = Vec::with_capacity(text.len());
    let mut skips = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        skips = is_gone(line) || (skips && line.starts_with(b"^"));
        if !skips {
            kept.extend_from_slice(line);
        }
    }
    lock.write(&kept)?;
    lock.commit()
}

/// What the ref is now, if that is what it must be.
fn compare(repo: &Repo, edit: &RefEdit) -> Result<Option<ObjectId>, Error> {
    let now = current(repo, &edit.name)?;
    let name = edit.name.clone();
    match edit.expect {
        Expect::Absent if now.is_some() => Err(Error::Exists { name }),
        Expect::At(id) if now != Some(id) => Err(Error::Moved { name }),
        _ => Ok(now),
    }
}

/// Folders of refs that are gone may be where a new ref is to be.
fn remove_empty_folders(path: &Path) {
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        remove_empty_folders(&entry.path());
    }
    // What is not empty is refused by the rename that follows.
    let _ = std::fs::remove_dir(path);
}

/// Refs are files: a new one cannot be where a folder is, nor below another file.
fn refuse_in_the_way(repo: &Repo, edit: &RefEdit) -> Result<(), Error> {
    let is_new = edit.target.is_some() && !matches!(edit.expect, Expect::At(_));
    match is_new.then(|| in_the_way(repo, &edit.name)).flatten() {
        Some(other) => Err(Error::InTheWay {
            name: edit.name.clone(),
            other,
        }),
        None => Ok(()),
    }
}

/// A ref that is a folder of this one, or lies in it.
fn in_the_way(repo: &Repo, name: &str) -> Option<String> {
    let parents = name.match_indices('/').map(|(at, _)| &name[..at]);
    let mut there = parents.filter(|parent| matches!(repo.find_ref(parent), Ok(Some(_))));
    let below = || repo.refs(&format!("{name}/")).ok()?.into_iter().next();
    let parent = there.next().map(str::to_owned);
    parent.or_else(|| below().map(|(name, _)| name))
}

fn path_of(repo: &Repo, name: &str) -> PathBuf {
    repo.git_dir().join(name)
}

fn packed_refs(repo: &Repo) -> PathBuf {
    repo.git_dir().join("packed-refs")
}

/// A name that Git allows for a ref.
pub(super) fn full_name(name: &str) -> Result<FullName, Error> {
    FullName::try_from(name).map_err(|_| Error::BadRefName {
        name: name.to_owned(),
    })
}
