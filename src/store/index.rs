//! Git's index, kept in step so that plain `git status` is right after our commits.
//!
//! The index is a cache of the commit and the work tree: losing it costs `git reset`, never data.
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::index::entry::Stat;

use super::error::During as _;
use super::{Error, Repo, worktree};
use crate::fs::{AtPath as _, PathError, rename_durable};

/// Makes the index that of a commit, with the stat of the files that hold its content.
///
/// `changed` are the paths whose entries may differ from the index that is there; `None`: all.
pub(super) fn refresh(
    repo: &Repo,
    root: &Path,
    commit_id: ObjectId,
    changed: Option<&[BString]>,
) -> Result<(), Error> {
    let tree_id = repo.commit(commit_id)?.tree_id;
    let mut fresh = repo
        .gix()
        .index_from_tree(&tree_id)
        .during("make an index")?;
    let old = repo.gix().open_index().ok();
    let keep_old = |path: &BString| changed.is_some_and(|changed| !changed.contains(path));
    let mut staged = Vec::new();
    let entries = fresh.entries().len();
    for at in 0..entries {
        let path = fresh.entries()[at].path(&fresh).to_owned();
        let before = old
            .as_ref()
            .and_then(|old| old.entry_by_path(path.as_bstr()));
        if let Some(entry) = before.filter(|_| keep_old(&path)) {
            staged.push((at, entry.stat, entry.id, entry.mode));
        } else {
            let entry = &fresh.entries()[at];
            staged.push((at, stat_of(root, &path, entry.id), entry.id, entry.mode));
        }
    }
    for (at, stat, id, mode) in staged {
        let entry = &mut fresh.entries_mut()[at];
        (entry.stat, entry.id, entry.mode) = (stat, id, mode);
    }
    write(repo, &fresh)
}

/// The stat of the file, if its content is that of the entry; else none, so that Git looks itself.
fn stat_of(root: &Path, path: &BString, blob_id: ObjectId) -> Stat {
    let stat = || -> Result<Option<Stat>, Error> {
        let file = worktree::on_disk(root, path)?;
        let (_, content) = worktree::read_work_file(&file)?;
        if Repo::blob_id(&content)? != blob_id {
            return Ok(None);
        }
        let meta = gix::index::fs::Metadata::from_path_no_follow(&file).at("look at", &file)?;
        Ok(Stat::from_fs(&meta).ok())
    };
    stat().ok().flatten().unwrap_or_default()
}

/// Git's own protocol: `index.lock` is created exclusively, synced and renamed.
fn write(repo: &Repo, index: &gix::index::File) -> Result<(), Error> {
    let lock = repo.git_dir().join("index.lock");
    let mut bytes = Vec::new();
    index
        .write_to(&mut bytes, gix::index::write::Options::default())
        .during("write the index")?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&lock)
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        })
        .at("write", &lock);
    let renamed = written.and_then(|()| rename_durable(&lock, &repo.git_dir().join("index")));
    renamed.inspect_err(|error| discard(error, &lock))?;
    Ok(())
}

/// Takes our lock file away, but never one that somebody else made.
fn discard(error: &PathError, lock: &Path) {
    if error.source.kind() != std::io::ErrorKind::AlreadyExists {
        // The first error is the one to report.
        let _ = fs::remove_file(lock);
    }
}
