//! Packing: many small files become one, under our lock.
//!
//! The `git` program writes the pack; it and its folder are synced before anything that it holds
//! is deleted elsewhere, and only what a pack provably holds is deleted. Nothing is ever dropped
//! because nobody refers to it, except loose objects that are older than two weeks. Reflogs stay.
//! Readers need not care: whoever misses an object looks again for packs.
use std::fs;
use std::path::{Path, PathBuf};

use gix::hash::Kind;
use gix::odb::pack::index;

use super::gc_lock::GcLock;
use super::{Error, GitProgram, Keep, WriteGuard};
use crate::fs::{AtPath as _, remove_file_durable, sync_dir, sync_file};

/// More packs than this are made one.
const MOST_PACKS: usize = 50;
/// So many loose objects are left to be.
const MOST_LOOSE: usize = 4000;

/// What packing led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Loose objects before.
    pub loose_before: usize,
    /// Loose objects now.
    pub loose_after: usize,
    /// Packs now.
    pub packs: usize,
}

impl Keep {
    /// Whether there are so many loose objects that packing them pays off; a look at one folder of
    /// 256 tells, as names are evenly spread.
    pub fn wants_packing(&self) -> bool {
        let folder = self.repo().objects_dir().join("17");
        let count = fs::read_dir(folder).map_or(0, Iterator::count);
        count * 256 > MOST_LOOSE
    }

    /// Packs loose objects and refs; of many packs it makes one.
    pub fn pack(&self, _guard: &WriteGuard, git: &GitProgram) -> Result<Packed, Error> {
        pack(self.repo().git_dir(), git)
    }
}

/// Packs the repository at `git_dir`; the caller has our lock.
pub(super) fn pack(git_dir: &Path, git: &GitProgram) -> Result<Packed, Error> {
    let _no_other = GcLock::acquire(git_dir)?;
    let objects = git_dir.join("objects");
    let folder = objects.join("pack");
    let loose_before = count_loose(&objects);
    let old = packs(&folder);
    let mut args = vec![
        "pack-objects",
        "--quiet",
        "--all",
        "--reflog",
        "--indexed-objects",
        "--local",
        "--non-empty",
        "--honor-pack-keep",
        "--delta-base-offset",
    ];
    if old.len() > MOST_PACKS {
        args.extend(["--keep-unreachable", "--pack-loose-unreachable"]);
    } else {
        args.extend(["--incremental", "--unpacked"]);
    }
    args.push("objects/pack/pack");
    git.run(git_dir, &args)?;
    sync_new(&folder, &old)?;
    git.run(git_dir, &["prune-packed", "--quiet"])?;
    drop_redundant(&folder, &old)?;
    pack_refs(git_dir, git)?;
    git.run(git_dir, &["prune", "--expire=2.weeks.ago"])?;
    Ok(Packed {
        loose_before,
        loose_after: count_loose(&objects),
        packs: packs(&folder).len(),
    })
}

/// The packs in a folder.
fn packs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut packs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
        .collect();
    packs.sort();
    packs
}

pub(super) fn count_loose(objects: &Path) -> usize {
    let fans = fs::read_dir(objects).into_iter().flatten().flatten();
    let fans = fans.filter(|entry| entry.file_name().len() == 2);
    fans.map(|fan| fs::read_dir(fan.path()).map_or(0, Iterator::count))
        .sum()
}

/// Makes the new packs durable, with their indexes and their names.
fn sync_new(folder: &Path, old: &[PathBuf]) -> Result<(), Error> {
    for pack in packs(folder).iter().filter(|pack| !old.contains(pack)) {
        for kind in ["pack", "idx", "rev"] {
            sync_file(&pack.with_extension(kind))?;
        }
    }
    Ok(sync_dir(folder)?)
}

/// Deletes old packs all of whose objects are in one new pack.
fn drop_redundant(folder: &Path, old: &[PathBuf]) -> Result<(), Error> {
    let index = |pack: &PathBuf| index::File::at(pack.with_extension("idx"), Kind::Sha1).ok();
    let new = packs(folder).into_iter().filter(|pack| !old.contains(pack));
    let new: Vec<_> = new.filter_map(|pack| index(&pack)).collect();
    for pack in old
        .iter()
        .filter(|pack| !pack.with_extension("keep").exists())
    {
        let Some(index) = index(pack) else { continue };
        let holds = |new: &&index::File| index.iter().all(|entry| new.lookup(entry.oid).is_some());
        if new.iter().any(|new| holds(&new)) {
            // The index first: without it, nobody begins to read the pack.
            for kind in ["idx", "rev", "bitmap", "pack"] {
                remove_file_durable(&pack.with_extension(kind))?;
            }
        }
    }
    Ok(())
}

/// Refs into one file; the files of their own go once that one is durable.
fn pack_refs(git_dir: &Path, git: &GitProgram) -> Result<(), Error> {
    git.run(git_dir, &["pack-refs", "--all", "--no-prune"])?;
    sync_file(&git_dir.join("packed-refs"))?;
    sync_dir(git_dir)?;
    git.run(git_dir, &["pack-refs", "--all", "--prune"])?;
    fs::metadata(git_dir.join("packed-refs"))
        .map(drop)
        .at("find", git_dir)?;
    Ok(sync_dir(git_dir)?)
}
