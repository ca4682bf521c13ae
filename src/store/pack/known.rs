//! Which objects need not be written: those that are there, and those of this session.
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::odb::pack::index;

use super::PackError;
use crate::fs::{AtPath as _, is_absent};

const SHARDS: usize = 64;

/// Ids that were in packs when we began, and ids that were added since.
pub(super) struct Known {
    packed: Vec<index::File<gix::odb::pack::MMap>>,
    added: Vec<Mutex<Ids>>,
}

type Ids = HashSet<ObjectId, BuildHasherDefault<IdHasher>>;

impl Known {
    /// What the packs hold, without those that are not to be trusted and those whose index cannot
    /// be read: their objects are written again.
    pub(super) fn open(pack_dir: &Path, damaged: &[PathBuf]) -> Result<Self, PackError> {
        let mut indexes = index_files(pack_dir)?;
        indexes.retain(|path| !damaged.contains(path));
        Ok(Self {
            packed: indexes
                .iter()
                .filter_map(|path| open_index(path).ok())
                .collect(),
            added: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Whether `id` was there, or was added.
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        self.added(id).contains(id) || self.is_packed(id)
    }

    /// Adds `id`; tells whether it was unknown, and so is the caller's to write.
    pub(super) fn is_new(&self, id: &ObjectId) -> bool {
        let added = self.added(id).insert(*id);
        added && !self.is_packed(id)
    }

    fn added(&self, id: &ObjectId) -> MutexGuard<'_, Ids> {
        let shard = usize::from(id.as_slice()[0]) % SHARDS;
        self.added[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_packed(&self, id: &ObjectId) -> bool {
        self.packed.iter().any(|index| index.lookup(id).is_some())
    }
}

/// Opens an index.
pub(super) fn open_index(path: &Path) -> Result<index::File<gix::odb::pack::MMap>, PackError> {
    index::File::at(path, gix::hash::Kind::Sha1).map_err(|error| PackError::Index {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// The indexes in a folder of packs, in name order; none if there is no such folder.
pub(super) fn index_files(pack_dir: &Path) -> Result<Vec<PathBuf>, PackError> {
    let dir = match std::fs::read_dir(pack_dir) {
        Ok(dir) => dir,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).at("read", pack_dir)?,
    };
    let mut found = Vec::new();
    for entry in dir {
        let path = entry.at("read", pack_dir)?.path();
        if path.extension().is_some_and(|ext| ext == "idx") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Ids are evenly spread already.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(part) = bytes.get(8..16).and_then(|part| part.try_into().ok()) {
            self.0 = u64::from_le_bytes(part);
        }
    }

    // Discriminants and lengths tell nothing.
    fn write_usize(&mut self, _: usize) {}
    fn write_isize(&mut self, _: isize) {}
    fn write_u8(&mut self, _: u8) {}
    fn write_u64(&mut self, _: u64) {}
}
