//! Vaults: snapshots of whole folders in bare Git repositories.
//!
//! A vault is a repository that `git fsck --strict` accepts and that plain Git can read. A
//! snapshot is a commit without a parent, named by an annotated tag; its tree is the folder that
//! was backed up, with one [`meta`] blob in each folder for what Git cannot store.
//! `docs/design/vault-format.md` describes the format, [`create()`] how snapshots are taken.

pub mod archive;
pub mod compare;
pub mod content;
mod create;
mod error;
pub mod find;
mod folder;
mod forget;
mod going;
mod heal;
mod left_out;
mod lineage;
pub mod meta;
pub mod offsite;
mod optimize;
pub mod owners;
mod queue;
mod reach;
pub mod registry;
pub mod repair;
pub mod restore;
pub mod retention;
mod share;
pub mod show;
mod snapshot;
mod stat;
pub mod verify;
mod wanted;
mod xattrs;

pub use create::{Created, Mounts, Only, Problem, Source, Trouble, create, measure};
pub use error::Error;
pub use forget::Reclaimed;
pub use left_out::LeftOut;
pub use lineage::{lineage, newest};
pub use optimize::Optimized;
pub use share::Share;
pub use snapshot::{Missing, Snapshot, SnapshotInfo, Step, checkpoint, shortest};

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fs::{Holder, Lock, create_dirs_durable, sweep_temporaries};
use crate::store::Repo;
use crate::world::World;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings that keep stock Git from searching deltas in what will not shrink, and from rewriting
/// packs while a backup is under way.
const SETTINGS: &[(&str, &str)] = &[
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("pack.window", "0"),
    ("pack.compression", "0"),
    ("repack.writeBitmaps", "false"),
    ("transfer.unpackLimit", "1"),
    ("trailer.buildkeep-kind.key", "Buildkeep-Kind"),
];

/// Is told how the work goes on, from any thread.
pub trait Progress {
    /// So many more entries were looked at.
    fn seen(&self, _entries: u64) {}
    /// So many more bytes were read or written.
    fn read(&self, _bytes: u64) {}
}

/// Tells nobody.
impl Progress for () {}

/// A vault.
pub struct Vault {
    repo: Repo,
}

impl Vault {
    /// Makes a vault at `path`, or opens the one that is there.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        if path.join("HEAD").exists() {
            return Self::open(path);
        }
        if !is_free(path) {
            // Somebody else may have made it between the two looks: `HEAD` comes before the rest.
            return Self::open(path).map_err(|_| Error::Occupied {
                path: path.to_owned(),
            });
        }
        Repo::init_bare(path, SETTINGS)?;
        create_dirs_durable(&path.join("buildkeep"))?;
        Self::open(path)
    }

    /// Opens the vault at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.join("HEAD").exists() {
            return Err(Error::NoVault {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            repo: Repo::open(path)?,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.repo.git_dir()
    }

    /// Its repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The bytes that its packs use.
    pub fn size(&self) -> u64 {
        let packs = std::fs::read_dir(self.objects_dir().join("pack"));
        let files = packs.into_iter().flatten().flatten();
        files
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum()
    }

    fn objects_dir(&self) -> PathBuf {
        self.repo.objects_dir()
    }

    /// Takes the lock that every writer holds.
    fn lock(&self, world: &World) -> Result<Lock, Error> {
        let dir = self.path().join("buildkeep");
        create_dirs_durable(&dir)?;
        let me = Holder {
            pid: std::process::id(),
            command: format!("buildkeep {}", world.argv.join(" ")),
            since: world.clock.stamp(),
        };
        let lock = Lock::acquire(&dir.join("lock"), &me, PATIENCE)?;
        // Whoever held it before may have been killed.
        if lock.was_left() {
            self.repo.clear_left_overs()?;
            self.finish_removal()?;
            sweep_temporaries(&dir)?;
            sweep_temporaries(&dir.join("cache"))?;
        }
        Ok(lock)
    }
}

/// Where the vault of a keep lies in the keep's private folder, unless another one is named.
pub fn default_path(private: &Path) -> PathBuf {
    private.join("vault.git")
}

/// Whether a folder is empty, or holds no more than a vault that was begun, perhaps just now.
fn is_free(path: &Path) -> bool {
    const BEGUN: [&str; 6] = ["objects", "refs", "info", "hooks", "config", "HEAD"];
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        // Asking again whether it exists could find what another process has made since.
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
    };
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        BEGUN.iter().any(|begun| begun.as_bytes() == name) || crate::fs::is_temporary(name)
    })
}

/// The path of an entry of a folder.
fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// How many workers to start.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_may_make_the_same_vault_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..30 {
            let path = dir.path().join(round.to_string());
            std::thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| drop(Vault::open_or_create(&path).unwrap()));
                }
            });
        }
    }
}
