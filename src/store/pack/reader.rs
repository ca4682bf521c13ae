//! Reading objects with `pread`.
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::{Exists as _, Find as _};

use super::deflate::Inflater;
use super::delta::BY_OFFSET;
use super::known::index_files;
use super::rebuild::{AnyIndex, EXPANSION};
use super::{Kind, PackError};
use crate::fs::{AtPath as _, is_absent};

/// Bytes that the first read asks for: most objects are smaller.
const FIRST_READ: usize = 8 * 1024;
/// The checksum that ends a pack.
const TRAILER: u64 = 20;

/// All objects of a repository as they were when this was opened; shared by all workers.
pub struct Objects {
    packs: Vec<Pack>,
    objects_dir: PathBuf,
}

/// A pack and its index.
pub(super) struct Pack {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) end: u64,
    pub(super) index: AnyIndex,
}

impl Pack {
    pub(super) fn open(index_path: &Path) -> Result<Self, PackError> {
        let index = AnyIndex::open(index_path)?;
        let path = index_path.with_extension("pack");
        let file = File::open(&path).at("open", &path)?;
        let length = file.metadata().at("read", &path)?.len();
        Ok(Self {
            index,
            end: length.saturating_sub(TRAILER),
            file,
            path,
        })
    }

    /// Extends `out`, which holds what is at `offset`, to `length` bytes, fewer at the end.
    pub(super) fn read(
        &self,
        offset: u64,
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let start = out.len();
        out.resize(length.min(left).max(start), 0);
        let read = self
            .file
            .read_exact_at(&mut out[start..], offset + start as u64);
        Ok(read.at("read", &self.path)?)
    }
}

impl Objects {
    /// Opens the `objects` folder of a repository. What is in packs that are damaged as a whole is
    /// missing; a pack that we may not read is an error.
    pub fn open(objects_dir: &Path) -> Result<Self, PackError> {
        let (objects, damaged) = Self::open_intact(objects_dir)?;
        let mut refused = damaged
            .into_iter()
            .filter(|error| matches!(error, PackError::Io(error) if !is_absent(&error.source)));
        refused.next().map_or(Ok(objects), Err)
    }

    /// The same without the packs that cannot be opened, and why they cannot.
    pub fn open_intact(objects_dir: &Path) -> Result<(Self, Vec<PackError>), PackError> {
        let (mut packs, mut damaged) = (Vec::new(), Vec::new());
        for index in index_files(&objects_dir.join("pack"))? {
            match Pack::open(&index) {
                Ok(pack) => packs.push(pack),
                Err(error) => damaged.push(error),
            }
        }
        let objects = Self {
            packs,
            objects_dir: objects_dir.to_owned(),
        };
        Ok((objects, damaged))
    }

    /// A reader for one worker.
    pub fn reader(&self) -> ObjectReader<'_> {
        ObjectReader {
            objects: self,
            others: None,
            inflater: Inflater::new(),
            raw: Vec::new(),
        }
    }
}

/// Reads objects, with buffers of its own.
pub struct ObjectReader<'a> {
    objects: &'a Objects,
    others: Option<gix::odb::Handle>,
    inflater: Inflater,
    raw: Vec<u8>,
}

impl ObjectReader<'_> {
    /// Replaces `out` by the content of an object.
    pub fn read(&mut self, id: &ObjectId, out: &mut Vec<u8>) -> Result<Kind, PackError> {
        let mut damaged = None;
        for pack in &self.objects.packs {
            let Some(at) = pack.index.lookup(id) else {
                continue;
            };
            match self.read_at(pack, (id, pack.index.offset(at)), out) {
                Ok(Some(kind)) => return Ok(kind),
                Ok(None) => break,
                // Another pack may have it whole.
                Err(error) => damaged = Some(error),
            }
        }
        let otherwise = self.read_otherwise(id, out);
        otherwise.map_err(|error| damaged.unwrap_or(error))
    }

    /// Replaces `out` by the content of a blob.
    pub fn blob(&mut self, id: &ObjectId, out: &mut Vec<u8>) -> Result<(), PackError> {
        self.expect(Kind::Blob, id, out)
    }

    /// Replaces `out` by the content of an object of this kind.
    pub fn expect(
        &mut self,
        kind: Kind,
        id: &ObjectId,
        out: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        let found = self.read(id, out)?;
        if found == kind {
            return Ok(());
        }
        let reason = format!("a {} where a {} belongs", found.name(), kind.name());
        Err(PackError::Damaged { id: *id, reason })
    }

    /// Whether the object is there; reads nothing.
    pub fn contains(&mut self, id: &ObjectId) -> Result<bool, PackError> {
        let packs = &self.objects.packs;
        let packed = packs.iter().any(|pack| pack.index.lookup(id).is_some());
        Ok(packed || self.others()?.exists(id))
    }

    /// What gix knows; opened when it is first needed.
    fn others(&mut self) -> Result<&gix::odb::Handle, PackError> {
        if self.others.is_none() {
            let dir = &self.objects.objects_dir;
            self.others = Some(gix::odb::at(dir, gix::hash::Kind::Sha1).at("open", dir)?);
        }
        Ok(self.others.as_ref().expect("it was opened just now"))
    }

    /// The content of an entry; nothing if that leads out of its pack.
    fn read_at(
        &mut self,
        pack: &Pack,
        (id, offset): (&ObjectId, u64),
        out: &mut Vec<u8>,
    ) -> Result<Option<Kind>, PackError> {
        let header = self.header(pack, (id, offset))?;
        let Some(kind) = Kind::from_number(header.number) else {
            return match header.number {
                BY_OFFSET => self.read_delta(pack, (id, offset), out),
                _ => Ok(None),
            };
        };
        self.inflate(pack, (id, offset), header, out)?;
        Ok(Some(kind))
    }

    /// Reads the beginning of an entry.
    pub(super) fn header(
        &mut self,
        pack: &Pack,
        (id, offset): (&ObjectId, u64),
    ) -> Result<Header, PackError> {
        self.raw.clear();
        pack.read(offset, FIRST_READ, &mut self.raw)?;
        parse_header(&self.raw).ok_or_else(|| PackError::Damaged {
            id: *id,
            reason: format!("no entry at byte {offset} of its pack"),
        })
    }

    /// What was read of an entry last.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Replaces `out` by what the stream after a header that was just read holds.
    pub(super) fn inflate(
        &mut self,
        pack: &Pack,
        (id, offset): (&ObjectId, u64),
        header: Header,
        out: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        let damaged = |reason| PackError::Damaged { id: *id, reason };
        let most = header.length + stream_bound(header.size);
        if self.raw.len() < most {
            pack.read(offset, most, &mut self.raw)?;
        }
        if header.size / EXPANSION > self.raw.len() {
            return Err(damaged(format!(
                "{} bytes cannot be in its pack",
                header.size
            )));
        }
        let stream = &self.raw[header.length..];
        let inflated = self.inflater.inflate(stream, header.size, out);
        inflated.map_err(damaged)
    }

    fn read_otherwise(&mut self, id: &ObjectId, out: &mut Vec<u8>) -> Result<Kind, PackError> {
        out.clear();
        match self.others()?.try_find(id, out) {
            Ok(Some(object)) => Ok(object.kind.into()),
            Ok(None) => Err(PackError::Missing(*id)),
            Err(error) => Err(PackError::Damaged {
                id: *id,
                reason: error.to_string(),
            }),
        }
    }
}

/// What stands before the zlib stream of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u8,
    pub(super) size: usize,
    pub(super) length: usize,
}

pub(super) fn parse_header(bytes: &[u8]) -> Option<Header> {
    let first = *bytes.first()?;
    let (mut size, mut shift, mut length, mut byte) = (usize::from(first & 0x0f), 4, 1, first);
    while byte & 0x80 != 0 {
        byte = *bytes.get(length)?;
        let part = usize::from(byte & 0x7f).checked_shl(shift)?;
        size |= part;
        shift += 7;
        length += 1;
    }
    (shift <= 60 && size < 1 << 40).then_some(Header {
        number: first >> 4 & 7,
        size,
        length,
    })
}

/// More than any sensible zlib stream of `size` bytes needs.
pub(super) fn stream_bound(size: usize) -> usize {
    size + size / 1024 + 256
}
