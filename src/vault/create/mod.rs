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
mod node;
mod only;
mod problem;
mod session;
mod walk;
mod worker;

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
use super::snapshot::{Facts, Snapshot, SnapshotInfo};
use super::stat::Stat;
use super::{Error, Progress, Vault};
use crate::fs::AtPath as _;
use crate::store::pack::{Excludes, Packs, Written};
use crate::world::World;

/// What to take a snapshot of.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder.
    pub root: PathBuf,
    /// What its snapshots are filed under.
    pub set: String,
    /// What to leave out, in the syntax of `.gitignore`.
    pub excludes: Vec<String>,
    /// The only paths to take, from the folder; all if none are named.
    pub only: Option<Only>,
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
    let stat = Stat::from(rustix::fs::fstat(&dir).at("read", &root)?);
    let _lock = vault.lock(world)?;
    let place = Place::of(vault.path(), &root)?;
    let damaged = vault.damaged()?;
    let cache = Cache::load(&place, |base| {
        let snapshot = vault.commit_of(&base.tag);
        !damaged.noted && damaged.packs.is_empty() && snapshot == Some(base.commit_id)
    })?;
    // What is known of the whole folder does not fit a part of it.
    let cache = if source.only.is_some() {
        Cache::default()
    } else {
        cache
    };
    let excludes = Excludes::new(&source.excludes);
    let mut session = Session::new((root, &stat), excludes, &cache, progress);
    session.only = source.only.as_ref();
    session.vault_inode = inode_on(vault.path(), stat.file_system);
    let written = run((vault, &damaged), &session, (dir, stat))?;
    let Some(tree_id) = session.tree_id() else {
        return Err(Error::SourceVanished(source.root.clone()));
    };
    let facts = facts(&session.counts, tree_id, &cache);
    let snapshot = vault.record((source, info), &facts, world)?;
    let base = Base {
        commit_id: snapshot.commit_id,
        tag: snapshot.tag.clone(),
    };
    let problems = session.take_problems();
    let (bytes_read, unchanged) = (load(&session.counts.read), load(&session.counts.unchanged));
    if source.only.is_none() {
        session.next.save(&place, &cache, &base)?;
    }
    Ok(Created {
        snapshot,
        bytes_read,
        bytes_added: written.bytes,
        unchanged,
        duration: world.clock.since_boot().saturating_sub(began),
        problems,
    })
}

fn load(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn facts(counts: &Counts, tree_id: crate::store::ObjectId, cache: &Cache) -> Facts {
    Facts {
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

/// The inode of a folder, if it lies on this file system.
fn inode_on(path: &Path, file_system: u64) -> Option<u64> {
    let stat = Stat::from(rustix::fs::stat(path).ok()?);
    (stat.file_system == file_system).then_some(stat.inode)
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
