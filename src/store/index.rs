//! Git's index, kept in step so that plain `git status` is right after our commits.
//!
//! The index is a cache of the commit and the work tree: losing it costs `git reset`, never data.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::index::Entry;
use gix::index::entry::Stat;

use super::clean::stat_while;
use super::error::During as _;
use super::git_lock::GitLock;
use super::{Error, Repo, worktree};

/// Makes the index that of a tree, with the stat of the files that hold its content.
///
/// `changed` are the paths that differ from the tree before. What a person staged elsewhere, as new,
/// other or gone, stays staged. Returns the folder that is to be synced.
pub(super) fn refresh(
    mut lock: GitLock,
    (repo, root): (&Repo, &Path),
    tree_id: ObjectId,
    changed: &[BString],
) -> Result<PathBuf, Error> {
    let mut fresh = repo
        .gix()
        .index_from_tree(&tree_id)
        .during("make an index")?;
    let old = repo.gix().open_index().ok();
    let staged = old.as_ref().map_or_else(BTreeMap::new, staged_in);
    let changed: BTreeSet<&BString> = changed.iter().collect();
    let ours = |path: &BString| old.is_none() || changed.contains(path);
    fresh.remove_entries(|_, path, _| !ours(&path.to_owned()) && !staged.contains_key(path));
    for at in 0..fresh.entries().len() {
        let path = fresh.entries()[at].path(&fresh).to_owned();
        let id = fresh.entries()[at].id;
        let before = staged.get(&path).filter(|_| !ours(&path));
        let entry = &mut fresh.entries_mut()[at];
        match before {
            Some(old) => (entry.stat, entry.id, entry.mode) = (old.stat, old.id, old.mode),
            None => entry.stat = stat_of(root, &path, id),
        }
    }
    let known: BTreeSet<BString> = paths_of(&fresh).collect();
    let added = staged
        .iter()
        .filter(|(path, _)| !ours(path) && !known.contains(*path));
    for (path, old) in added {
        fresh.dangerously_push_entry(old.stat, old.id, old.flags, old.mode, path.as_bstr());
    }
    fresh.sort_entries();
    let mut bytes = Vec::new();
    fresh
        .write_to(&mut bytes, gix::index::write::Options::default())
        .during("write the index")?;
    lock.write(&bytes)?;
    lock.commit_unsettled()
}

/// The files of an index; those with a conflict are left out.
fn staged_in(index: &gix::index::File) -> BTreeMap<BString, Entry> {
    let entries = index.entries().iter();
    let settled = entries.filter(|entry| entry.stage_raw() == 0);
    settled
        .map(|entry| (entry.path(index).to_owned(), entry.clone()))
        .collect()
}

fn paths_of(index: &gix::index::File) -> impl Iterator<Item = BString> {
    index
        .entries()
        .iter()
        .map(|entry| entry.path(index).to_owned())
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
