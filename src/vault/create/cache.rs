//! The stat cache: which content each file and folder had when it was last seen.
//!
//! Only a cache: deleting it costs time, never truth. It belongs to one source folder and one
//! snapshot; when that snapshot is gone, it is not used, since its objects may be gone too. A small
//! file beside it names the snapshot, so that an unchanged tree rewrites only that.
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::block::Block;
use crate::fs::{PathError, create_dirs_durable, write_disposable};
use crate::store::ObjectId;
use crate::store::pack::{Kind, PackError, object_id};

const MAGIC: &[u8; 8] = b"BKCACHE\x01";

/// Where the cache of a source folder lies inside a vault.
#[derive(Debug)]
pub(super) struct Place {
    blocks: PathBuf,
    base: PathBuf,
}

impl Place {
    pub(super) fn of(vault: &Path, host: &str, source: &Path) -> Result<Self, PackError> {
        let dir = vault.join("buildkeep/cache");
        create_dirs_durable(&dir)?;
        // Machines that share a vault may have the same folders.
        let named = [
            host.as_bytes(),
            b"\0",
            source.as_os_str().as_encoded_bytes(),
        ]
        .concat();
        let name = object_id(Kind::Blob, &named)?.to_string();
        Ok(Self {
            base: dir.join(format!("{name}.base")),
            blocks: dir.join(name),
        })
    }

    /// The snapshot that the cache was made for, with the checksum of the cache.
    fn base(&self) -> Option<(Base, u32)> {
        let text = read_own(&self.base)?;
        let mut words = std::str::from_utf8(&text).ok()?.split_whitespace();
        let (sum, commit, tag) = (words.next()?, words.next()?, words.next()?);
        let base = Base {
            commit_id: ObjectId::from_hex(commit.as_bytes()).ok()?,
            tag: tag.to_owned(),
        };
        Some((base, u32::from_str_radix(sum, 16).ok()?))
    }

    fn set_base(&self, base: &Base, sum: u32) -> Result<(), PathError> {
        let text = format!("{sum:08x} {} {}\n", base.commit_id, base.tag);
        write_disposable(&self.base, &[text.as_bytes()])
    }
}

/// The snapshot that a cache was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) commit_id: ObjectId,
    pub(super) tag: String,
}

/// The cache as it was.
#[derive(Debug, Default)]
pub(super) struct Cache {
    base: Option<Base>,
    sum: u32,
    bytes: Vec<u8>,
    folders: HashMap<Vec<u8>, Range<usize>>,
}

impl Cache {
    /// Reads the cache if it is intact and `is_there` says so of its snapshot; else it is empty.
    pub(super) fn load(place: &Place, is_there: impl FnOnce(&Base) -> bool) -> Self {
        Self::read(place, is_there).unwrap_or_default()
    }

    fn read(place: &Place, is_there: impl FnOnce(&Base) -> bool) -> Option<Self> {
        let (base, sum) = place.base().filter(|(base, _)| is_there(base))?;
        let bytes = read_own(&place.blocks)?;
        if crc32fast::hash(&bytes) != sum || !bytes.starts_with(MAGIC) {
            return None;
        }
        Some(Self {
            base: Some(base),
            sum,
            folders: index(&bytes)?,
            bytes,
        })
    }

    /// The snapshot that it was made for.
    pub(super) fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// What is known of a folder.
    pub(super) fn folder(&self, path: &[u8]) -> Option<Block<'_>> {
        let range = self.folders.get(path)?.clone();
        Some(Block::again(&self.bytes[range]))
    }
}

/// A file that nobody but us, or root, can have written.
fn read_own(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let stat = file.metadata().ok()?;
    let is_own = [0, rustix::process::geteuid().as_raw()].contains(&stat.uid());
    let mut bytes = Vec::new();
    let read = is_own && stat.mode() & 0o022 == 0 && file.read_to_end(&mut bytes).is_ok();
    read.then_some(bytes)
}

fn index(bytes: &[u8]) -> Option<HashMap<Vec<u8>, Range<usize>>> {
    let mut folders = HashMap::new();
    let mut at = MAGIC.len();
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let range = at..at + length as usize;
        let block = Block::read(bytes.get(range.clone())?)?;
        folders.insert(block.path().to_vec(), range.clone());
        at = range.end;
    }
    Some(folders)
}

/// The cache as it will be: blocks of the old one, and new blocks.
#[derive(Debug, Default)]
pub(super) struct NewCache<'c>(Mutex<Parts<'c>>);

#[derive(Debug, Default)]
struct Parts<'c> {
    kept: Vec<Block<'c>>,
    new: Vec<Vec<u8>>,
}

impl<'c> NewCache<'c> {
    /// Takes over what was known of a folder.
    pub(super) fn keep(&self, block: Block<'c>) {
        self.parts().kept.push(block);
    }

    /// Adds what is now known of a folder.
    pub(super) fn add(&self, block: Vec<u8>) {
        self.parts().new.push(block);
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, Parts<'c>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the cache for the snapshot `base`; only its name if nothing else is new.
    pub(super) fn save(self, place: &Place, old: &Cache, base: &Base) -> Result<(), PathError> {
        let parts = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if parts.new.is_empty() && parts.kept.len() == old.folders.len() && old.base.is_some() {
            return place.set_base(base, old.sum);
        }
        let kept = parts.kept.iter().map(Block::bytes);
        let new = parts.new.iter().map(Vec::as_slice);
        let all: Vec<&[u8]> = std::iter::once(&MAGIC[..]).chain(kept).chain(new).collect();
        let mut hasher = crc32fast::Hasher::new();
        for part in &all {
            hasher.update(part);
        }
        write_disposable(&place.blocks, &all)?;
        place.set_base(base, hasher.finalize())
    }
}
