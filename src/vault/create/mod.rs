//! Taking a snapshot of a folder.
//!
//! Workers take folders and large files from one queue. A folder is opened by descriptor, listed,
//! and compared with the stat cache: if it and all its entries look as they did, only its
//! subfolders are visited, and if those are the same trees, so is it. Otherwise what changed is
//! read, hashed, compressed and appended to the worker's pack at once. The worker that does the
//! last part of a folder writes its metadata and tree, and so on up to the source folder. Nothing
//! refers to any of it until the snapshot's commit and tag are written, last.

mod block;
mod cache;
mod complete;
mod content;
mod file;
mod job;
mod mapped;
mod measure;
mod mounts;
mod node;
mod only;
mod problem;
mod session;
mod walk;
mod worker;

pub(super) use content::{CHUNK_MAX, LARGEST_BLOB, chunk, cut, store_bytes};
pub use measure::measure;
pub use mounts::Mounts;
pub use only::Only;
pub use problem::{Problem, Trouble};

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cache::{Base, Cache, Place};
use job::Folder;
use node::Node;
use session::{Counts, Session};
use worker::Worker;

use super::heal::Damaged;
use super::queue::Job;
use super::snapshot::{Facts, Missing, Snapshot, SnapshotInfo};
use super::stat::Stat;
use super::{Error, LeftOut, Progress, Vault};
use crate::fs::AtPath as _;
use crate::store::ObjectId;
use crate::store::pack::{PackError, Packs, Written};
use crate::world::World;

/// What to take a snapshot of.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder.
    pub root: PathBuf,
    /// What its snapshots are filed under.
    pub set: String,
    /// What to leave out.
    pub left_out: LeftOut,
    /// What becomes of what is mounted inside.
    pub mounts: Mounts,
    /// The only paths to take, from the folder; all if none are named.
    pub only: Option<Only>,
}

impl Source {
    /// All of a folder.
    pub fn new(root: PathBuf, set: String) -> Self {
        Self {
            root,
            set,
            left_out: LeftOut::default(),
            mounts: Mounts::default(),
            only: None,
        }
    }
}

/// A snapshot that was just taken.
#[derive(Clone, Debug)]
pub struct Created {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Bytes read from the source.
    pub bytes_read: u64,
    /// Bytes added to the vault.
    pub bytes_added: u64,
    /// Files that were known and not read.
    pub unchanged: u64,
    /// How long it took.
    pub duration: Duration,
    /// What is missing, or left out.
    pub problems: Vec<Problem>,
}

/// Takes a snapshot.
pub fn create(
    vault: &Vault,
    source: &Source,
    info: &SnapshotInfo,
    world: &World,
    progress: &(dyn Progress + Sync),
) -> Result<Created, Error> {
    let began = world.clock.since_boot();
    let (dir, root) = open_source(&source.root)?;
    if std::fs::canonicalize(vault.path()).is_ok_and(|vault| root.starts_with(vault)) {
        return Err(Error::InsideVault(source.root.clone()));
    }
    let _lock = vault.lock(world)?;
    let place = Place::of(vault.path(), &info.host, &root)?;
    let damaged = vault.damaged()?;
    let cache = known(vault, source, (&place, &damaged));
    let open = (dir, root);
    let read = Read::all((vault, &damaged), source, &open, (&cache, progress));
    let empty = Cache::default();
    let (cache, read) = match read {
        // The cache promised what is not there.
        Err(Error::Pack(PackError::Missing(_))) if cache.base().is_some() => {
            let again = Read::all((vault, &damaged), source, &open, (&empty, progress))?;
            (&empty, again)
        }
        read => (&cache, read?),
    };
    let session = read.session;
    let problems = session.take_problems();
    let facts = facts(&session.counts, (read.tree_id, &problems), cache);
    let snapshot = vault.record((source, info), &facts, world)?;
    let base = Base {
        commit_id: snapshot.commit_id,
        tag: snapshot.tag.clone(),
    };
    let (bytes_read, unchanged) = (load(&session.counts.read), load(&session.counts.unchanged));
    if source.only.is_none() {
        session.next.save(&place, cache, &base)?;
    }
    Ok(Created {
        snapshot,
        bytes_read,
        bytes_added: read.written.bytes,
        unchanged,
        duration: world.clock.since_boot().saturating_sub(began),
        problems,
    })
}

/// What is known of the source, if that can be relied on.
fn known(vault: &Vault, source: &Source, (place, damaged): (&Place, &Damaged)) -> Cache {
    // What is known of the whole folder does not fit a part of it.
    if source.only.is_some() || damaged.noted || !damaged.packs.is_empty() {
        return Cache::default();
    }
    let is_there = |base: &Base| vault.commit_of(&base.tag) == Some(base.commit_id);
    let cache = Cache::load(place, is_there);
    let tree_id = cache.base().and_then(|base| {
        let commit = vault.repo().commit(base.commit_id).ok()?;
        Some(commit.tree_id)
    });
    // It is of another tree if somebody else wrote it.
    let fits = cache.folder(b"").map(|top| top.tree_id()) == tree_id;
    if fits { cache } else { Cache::default() }
}

/// A source that was read whole.
struct Read<'c> {
    session: Session<'c>,
    written: Written,
    tree_id: ObjectId,
}

impl<'c> Read<'c> {
    fn all(
        (vault, damaged): (&Vault, &Damaged),
        source: &'c Source,
        (dir, root): &(OwnedFd, PathBuf),
        (cache, progress): (&'c Cache, &'c (dyn Progress + Sync)),
    ) -> Result<Self, Error> {
        let stat = Stat::from(rustix::fs::fstat(dir).at("read", root)?);
        let dir = dir.try_clone().at("read", root)?;
        let mut session = Session::new((root.clone(), &stat), source, cache, progress);
        session.vault = id_of(vault.path());
        let written = run((vault, damaged), &session, (dir, stat))?;
        let Some(tree_id) = session.tree_id() else {
            return Err(Error::SourceVanished(source.root.clone()));
        };
        Ok(Self {
            session,
            written,
            tree_id,
        })
    }
}

fn load(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn facts(counts: &Counts, (tree_id, problems): (ObjectId, &[Problem]), cache: &Cache) -> Facts {
    Facts {
        missing: Missing::of(problems),
        tree_id,
        files: load(&counts.files),
        dirs: load(&counts.dirs),
        bytes: load(&counts.bytes),
        base: cache.base().map(|base| base.tag.clone()),
    }
}

fn open_source(path: &Path) -> Result<(OwnedFd, PathBuf), Error> {
    let root = std::fs::canonicalize(path).at("open", path)?;
    let dir = walk::open_folder(rustix::fs::CWD, root.as_os_str().as_encoded_bytes());
    Ok((dir.at("open", path)?, root))
}

/// File system and inode of a folder.
fn id_of(path: &Path) -> Option<(u64, u64)> {
    let stat = Stat::from(rustix::fs::stat(path).ok()?);
    Some((stat.file_system, stat.inode))
}

/// Lets all cores work from the source folder down, and waits until what they wrote is durable.
fn run(
    (vault, damaged): (&Vault, &Damaged),
    session: &Session<'_>,
    (dir, stat): (OwnedFd, Stat),
) -> Result<Written, Error> {
    let packs = Packs::begin(&vault.objects_dir(), &damaged.packs)?;
    let salvaged = vault.salvage(damaged, &packs)?;
    session.queue.push(Job::Folder(Folder {
        parent: Arc::new(dir),
        name: b".".to_vec(),
        file_system: stat.file_system,
        stat,
        node: Arc::new(Node::new(None, Vec::new(), None)),
    }));
    let worked = session.queue.work(super::threads(), || {
        Worker::new(session, packs.writer()).run()
    });
    let is_lost = !salvaged.lost.iter().all(|id| packs.has(id));
    let written = packs.finish();
    worked?;
    let written = written?;
    vault.retire(damaged, is_lost)?;
    Ok(written)
}
