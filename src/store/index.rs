//! Git's index, kept in step so that plain `git status` is right after our commits.
//!
//! The index is a cache of the commit and the work tree: losing it costs `git reset`, never data.
use std::collections::BTreeMap;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::index::entry::{Flags, Mode, Stat};

use super::clean::{EXACT, stat_while};
use super::error::During as _;
use super::git_lock::GitLock;
use super::{Error, FileChange, Repo, worktree};
use crate::fs::Batch;

/// Brings the index in line with files that were changed, in the work tree and in the tree of the
/// next commit, with the stat of those that hold the content of that; returns its filled lock.
///
/// What a person staged elsewhere, as new, other or gone, stays staged.
pub(super) fn refresh(
    lock: GitLock,
    (repo, root): (&Repo, &Path),
    (tree_id, changes): (ObjectId, &[FileChange]),
    batch: &mut Batch,
) -> Result<GitLock, Error> {
    let Ok(mut index) = repo.gix().open_index() else {
        return rebuild(lock, (repo, root), tree_id, batch);
    };
    let changed: BTreeMap<&BString, &FileChange> = changes
        .iter()
        .map(|change| (&change.path, change))
        .collect();
    index.remove_entries(|_, path, _| changed.contains_key(&path.to_owned()));
    settle_racy(&mut index, root);
    for (path, change) in changed {
        if let Some((mode, content)) = &change.content {
            let id = Repo::blob_id(content)?;
            let mode = Mode::from(gix::objs::tree::EntryMode::from(mode.kind()));
            let stat = stat_of(root, path, id);
            index.dangerously_push_entry(stat, id, Flags::empty(), mode, path.as_bstr());
        }
    }
    index.sort_entries();
    // It tells of trees that are no more.
    index.remove_tree();
    fill(lock, &index, batch)
}

/// Makes the index that of a tree.
pub(super) fn rebuild(
    lock: GitLock,
    (repo, root): (&Repo, &Path),
    tree_id: ObjectId,
    batch: &mut Batch,
) -> Result<GitLock, Error> {
    let index = repo.gix().index_from_tree(&tree_id);
    let mut index = index.during("make an index")?;
    for at in 0..index.entries().len() {
        let path = index.entries()[at].path(&index).to_owned();
        let id = index.entries()[at].id;
        index.entries_mut()[at].stat = stat_of(root, &path, id);
    }
    fill(lock, &index, batch)
}

/// A file that was changed when the old index was written may have changed since within the same
/// tick of the clock. Next to a new index its stat would look settled, so it is read again.
fn settle_racy(index: &mut gix::index::File, root: &Path) {
    let written = index.timestamp();
    for at in 0..index.entries().len() {
        let entry = &index.entries()[at];
        if entry.stage_raw() == 0 && entry.stat.is_racy(written, EXACT) {
            let path = entry.path(index).to_owned();
            let stat = stat_of(root, &path, entry.id);
            index.entries_mut()[at].stat = stat;
        }
    }
}

fn fill(mut lock: GitLock, index: &gix::index::File, batch: &mut Batch) -> Result<GitLock, Error> {
    let mut bytes = Vec::new();
    index
        .write_to(&mut bytes, gix::index::write::Options::default())
        .during("write the index")?;
    lock.fill(&bytes, batch)?;
    Ok(lock)
}

/// The stat of the file, if its content is that of the entry; else none, so that Git looks itself.
fn stat_of(root: &Path, path: &BString, blob_id: ObjectId) -> Stat {
    let Ok(file) = worktree::on_disk(root, path) else {
        return Stat::default();
    };
    let read = || {
        let (_, content) = worktree::read_work_file(&file).ok()?;
        Repo::blob_id(&content).ok()
    };
    match stat_while(&file, read) {
        Some((stat, found)) if found == blob_id => stat,
        _ => Stat::default(),
    }
}

/// Locks the index: without that, a commit of plain Git could be made from an index that does not
/// know ours, and would silently take ours back.
pub(super) fn lock(repo: &Repo) -> Result<GitLock, Error> {
    GitLock::acquire(&repo.git_dir().join("index"))
}
