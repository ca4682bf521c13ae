//! What all workers of one snapshot share.
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Source;
use super::cache::{Cache, NewCache};
use super::file::StoredFile;
use super::job::CreateQueue;
use super::mapped::Mapped;
use super::mounts::FileSystems;
use super::only::Only;
use super::problem::{Problem, Trouble};
use crate::store::ObjectId;
use crate::store::pack::Excludes;
use crate::vault::meta::{Kind, Record};
use crate::vault::stat::{Key, Moment, NO_KEY, Stat};
use crate::vault::{LeftOut, Progress};

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
    /// The file systems that are entered.
    pub(super) systems: FileSystems,
    /// A folder that is left out, by file system and inode: the vault itself.
    pub(super) vault: Option<(u64, u64)>,
    pub(super) left_out: &'c LeftOut,
    pub(super) excludes: Excludes,
    /// What alone is taken, if not all.
    pub(super) only: Option<&'c Only>,
    pub(super) cache: &'c Cache,
    pub(super) next: NewCache<'c>,
    pub(super) queue: CreateQueue<'c>,
    pub(super) counts: Counts,
    pub(super) progress: &'c (dyn Progress + Sync),
    owners: Mutex<OwnerIds>,
    shared: Mutex<HashMap<(u64, u64), (Key, StoredFile)>>,
    mapped: OnceLock<Mapped>,
    problems: Mutex<Vec<Problem>>,
    tree_id: Mutex<Option<ObjectId>>,
}

impl<'c> Session<'c> {
    pub(super) fn new(
        (root, stat): (PathBuf, &Stat),
        source: &'c Source,
        cache: &'c Cache,
        progress: &'c (dyn Progress + Sync),
    ) -> Self {
        Self {
            systems: FileSystems::of(&root, stat, source.mounts),
            root,
            vault: None,
            left_out: &source.left_out,
            excludes: Excludes::new(&source.left_out.patterns),
            only: source.only.as_ref(),
            cache,
            next: NewCache::default(),
            queue: CreateQueue::default(),
            counts: Counts::default(),
            progress,
            owners: Mutex::default(),
            shared: Mutex::default(),
            mapped: OnceLock::new(),
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
        let (key, file) = shared.get(&(stat.file_system, stat.inode))?;
        (*key == stat.key()).then(|| file.clone())
    }

    /// Keeps a file for the other names that it has.
    pub(super) fn share(&self, stat: &Stat, file: StoredFile) {
        locked(&self.shared).insert((stat.file_system, stat.inode), (stat.key(), file));
    }

    /// The key of a file, unless it could change without looking as if it had; `began` is when the
    /// reading of it did.
    pub(super) fn settled_key(&self, stat: &Stat, began: Moment) -> Key {
        let mapped = self.mapped.get_or_init(Mapped::look);
        if mapped.has(stat.inode) {
            return NO_KEY;
        }
        stat.key_if_settled(began.min(mapped.looked()))
    }

    /// The facts that the snapshot keeps of an entry.
    pub(super) fn record(&self, stat: &Stat, kind: Kind, name: &[u8]) -> Record {
        let mut record = stat.record(kind, name);
        let system = self.systems.number(stat.file_system);
        let shared = stat.is_shared().then_some(system).flatten();
        record.hard_link = shared.map(|system| (system, stat.inode));
        record
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
