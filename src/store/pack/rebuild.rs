//! The index of a pack: as it lies on the disk, or made again from the pack if it is damaged.
use std::path::Path;

use gix::ObjectId;
use gix::odb::pack::{MMap, cache, data, index};

use super::hash::{Hasher, object_id};
use super::index::{IndexEntry, encode};
use super::known::open_index;
use super::{Kind, PackError};

/// How many times its size an entry can have as content: more than deflate can do.
pub(super) const EXPANSION: usize = 1100;
/// Where the first entry of a pack stands.
const FIRST: u64 = 12;

/// An index.
pub(super) enum AnyIndex {
    Mapped(index::File<MMap>),
    Made(index::File<Vec<u8>>),
}

impl AnyIndex {
    /// Opens an index whose checksum is right, or makes it again.
    pub(super) fn open(path: &Path) -> Result<Self, PackError> {
        let damaged = match open_whole(path) {
            Ok(index) => return Ok(Self::Mapped(index)),
            Err(error @ PackError::Index { .. }) => error,
            Err(error) => return Err(error),
        };
        let made = made_again(&path.with_extension("pack"))
            .and_then(|bytes| from_bytes(bytes, path))
            .ok_or(damaged)?;
        Ok(Self::Made(made))
    }

    pub(super) fn lookup(&self, id: &ObjectId) -> Option<u32> {
        match self {
            Self::Mapped(index) => index.lookup(id),
            Self::Made(index) => index.lookup(id),
        }
    }

    pub(super) fn offset(&self, at: u32) -> u64 {
        match self {
            Self::Mapped(index) => index.pack_offset_at_index(at),
            Self::Made(index) => index.pack_offset_at_index(at),
        }
    }

    pub(super) fn id(&self, at: u32) -> ObjectId {
        match self {
            Self::Mapped(index) => index.oid_at_index(at).to_owned(),
            Self::Made(index) => index.oid_at_index(at).to_owned(),
        }
    }

    pub(super) fn crc(&self, at: u32) -> Option<u32> {
        match self {
            Self::Mapped(index) => index.crc32_at_index(at),
            Self::Made(index) => index.crc32_at_index(at),
        }
    }

    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Mapped(index) => index.num_objects(),
            Self::Made(index) => index.num_objects(),
        }
    }
}

fn open_whole(path: &Path) -> Result<index::File<MMap>, PackError> {
    let index = open_index(path)?;
    let bytes = crate::fs::read(path)?;
    let (content, sum) = bytes.split_at(bytes.len().saturating_sub(20));
    let mut hasher = Hasher::default();
    hasher.update(content);
    if hasher.sum() == sum {
        return Ok(index);
    }
    Err(PackError::Index {
        path: path.to_owned(),
        reason: "its checksum is another".to_owned(),
    })
}

fn from_bytes(bytes: Vec<u8>, path: &Path) -> Option<index::File<Vec<u8>>> {
    index::File::from_data(bytes, path.to_owned(), gix::hash::Kind::Sha1).ok()
}

/// The index of all entries up to the first that cannot be read.
fn made_again(pack: &Path) -> Option<Vec<u8>> {
    let pack = data::File::at(pack, gix::hash::Kind::Sha1).ok()?;
    let end = pack.pack_end() as u64;
    let (mut entries, mut offset) = (Vec::new(), FIRST);
    let (mut inflate, mut content) = (gix::zlib::Inflate::default(), Vec::new());
    while offset < end {
        let Some(entry) = read_entry(&pack, offset, (&mut inflate, &mut content)) else {
            break;
        };
        offset = entry.1;
        entries.push(entry.0);
    }
    let sum = pack.checksum().as_slice().try_into().ok()?;
    Some(encode(&mut entries, &sum))
}

/// The entry at `offset`, and where the next one stands.
fn read_entry(
    pack: &data::File,
    offset: u64,
    (inflate, content): (&mut gix::zlib::Inflate, &mut Vec<u8>),
) -> Option<(IndexEntry, u64)> {
    let entry = pack.entry(offset).ok()?;
    let left = pack
        .pack_end()
        .checked_sub(usize::try_from(entry.data_offset).ok()?)?;
    if usize::try_from(entry.decompressed_size).ok()? / EXPANSION > left {
        return None;
    }
    let start = entry.data_offset;
    let no_base = |_: &gix::oid, _: &mut Vec<u8>| Ok(None);
    content.clear();
    let decoded = pack
        .decode_entry(entry, content, inflate, &no_base, &mut cache::Never)
        .ok()?;
    let next = start + decoded.compressed_size as u64;
    let raw = pack.entry_slice(offset..next)?;
    let entry = IndexEntry {
        id: object_id(Kind::from(decoded.kind), content).ok()?,
        crc: crc32fast::hash(raw),
        offset,
    };
    Some((entry, next))
}
