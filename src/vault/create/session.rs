//! What all workers of one snapshot share.
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cache::{Cache, NewCache};
use super::file::StoredFile;
use super::job::CreateQueue;
use super::only::Only;
use super::problem::{Problem, Trouble};
use crate::store::ObjectId;
use crate::store::pack::Excludes;
use crate::vault::Progress;
use crate::vault::stat::{Key, Stat};

/// Counts while the work goes on.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) files: AtomicU64,
    pub(super) dirs: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) read: AtomicU64,
    pub(super) unchanged: AtomicU64,
}

/// Adds to a counter that is read when all is done.
pub(super) fn count(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

/// Numbers of users and groups.
#[derive(Debug, Default)]
pub(super) struct OwnerIds {
    pub(super) users: BTreeSet<u32>,
    pub(super) groups: BTreeSet<u32>,
}

/// What all workers share.
pub(super) struct Session<'c> {
    /// The source folder.
    pub(super) root: PathBuf,
    /// The file system that we stay on.
    pub(super) file_system: u64,
    /// A folder that is left out, by inode: the vault itself.
    pub(super) vault_inode: Option<u64>,
    pub(super) excludes: Excludes,
    /// What alone is taken, if not all.
    pub(super) only: Option<&'c Only>,
    pub(super) cache: &'c Cache,
    pub(super) next: NewCache<'c>,
    pub(super) queue: CreateQueue<'c>,
    pub(super) counts: Counts,
    pub(super) progress: &'c (dyn Progress + Sync),
    owners: Mutex<OwnerIds>,
    shared: Mutex<HashMap<u64, (Key, StoredFile)>>,
    problems: Mutex<Vec<Problem>>,
    tree_id: Mutex<Option<ObjectId>>,
}

impl<'c> Session<'c> {
    pub(super) fn new(
        (root, stat): (PathBuf, &Stat),
        excludes: Excludes,
        cache: &'c Cache,
        progress: &'c (dyn Progress + Sync),
    ) -> Self {
        Self {
            root,
            file_system: stat.file_system,
            vault_inode: None,
            excludes,
            only: None,
            cache,
            next: NewCache::default(),
            queue: CreateQueue::default(),
            counts: Counts::default(),
            progress,
            owners: Mutex::default(),
            shared: Mutex::default(),
            problems: Mutex::default(),
            tree_id: Mutex::default(),
        }
    }

    /// Remembers that the snapshot has files of these owners.
    pub(super) fn note_owners(&self, users: &[u32], groups: &[u32]) {
        let mut owners = locked(&self.owners);
        owners.users.extend(users);
        owners.groups.extend(groups);
    }

    pub(super) fn take_owners(&self) -> OwnerIds {
        std::mem::take(&mut *locked(&self.owners))
    }

    /// A file that was read under another of its names and has not changed since.
    pub(super) fn shared(&self, stat: &Stat) -> Option<StoredFile> {
        let shared = locked(&self.shared);
        let (key, file) = shared.get(&stat.inode)?;
        (*key == stat.key()).then(|| file.clone())
    }

    /// Keeps a file for the other names that it has.
    pub(super) fn share(&self, stat: &Stat, file: StoredFile) {
        locked(&self.shared).insert(stat.inode, (stat.key(), file));
    }

    /// Remembers what could not be taken in.
    pub(super) fn problem(&self, path: &[u8], trouble: Trouble, reason: Option<String>) {
        locked(&self.problems).push(Problem {
            path: String::from_utf8_lossy(path).into_owned(),
            trouble,
            reason,
        });
    }

    /// All problems, by path.
    pub(super) fn take_problems(&self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut *locked(&self.problems));
        problems.sort();
        problems
    }

    /// The tree of the source folder is known.
    pub(super) fn finish(&self, tree_id: ObjectId) {
        *locked(&self.tree_id) = Some(tree_id);
    }

    pub(super) fn tree_id(&self) -> Option<ObjectId> {
        *locked(&self.tree_id)
    }
}

/// A worker that panicked ends the whole snapshot; its data is no worse for it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
