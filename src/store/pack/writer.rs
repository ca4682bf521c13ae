//! Writing packs: hash, compress, append, while the content is in the cache.
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::deflate::Deflater;
use super::hash::{Hasher, object_id};
use super::index::IndexEntry;
use super::known::Known;
use super::publish::{Finished, Publisher, Sender, forsake};
use super::{Kind, PackError, Written};
use crate::fs::{AtPath as _, NewFile, create_dirs_durable, remove_file_durable};

/// Bytes after which a pack is closed.
const PACK_LIMIT: u64 = 1 << 30;
/// Bytes that are hashed and written at once.
const PIECE: usize = 512 * 1024;
/// Bytes after which the disk is asked to begin.
const SYNC_AFTER: u64 = 64 << 20;
/// How the names of unfinished packs begin; `git gc` deletes them.
pub(super) const UNFINISHED: &str = "tmp_pack_";
/// How the names of unfinished indexes begin.
pub(super) const UNFINISHED_INDEX: &str = "tmp_idx_";

/// What sort of objects a pack is begun for.
///
/// A pack says in its first bytes how many objects follow, so the number is fixed up front; a pack
/// that ends short has to be hashed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Whole files and folders: thousands.
    Small,
    /// Chunks of large files: hundreds.
    Chunks,
}

impl Size {
    fn objects(self) -> u32 {
        match self {
            Self::Small => 8192,
            Self::Chunks => 512,
        }
    }
}

/// One session of writing: what is known, and the thread that makes packs durable.
#[must_use = "packs are durable only once the session is finished"]
pub struct Packs {
    dir: PathBuf,
    known: Known,
    publisher: Publisher,
}

impl Packs {
    /// Begins a session in the `objects` folder of a repository whose lock the caller holds. What
    /// is in `damaged` packs, named by their indexes, counts as unknown.
    pub fn begin(objects_dir: &Path, damaged: &[PathBuf]) -> Result<Self, PackError> {
        let dir = objects_dir.join("pack");
        create_dirs_durable(&dir)?;
        sweep(&dir)?;
        Ok(Self {
            known: Known::open(&dir, damaged)?,
            publisher: Publisher::start(&dir),
            dir,
        })
    }

    /// A writer for one worker.
    pub fn writer(&self) -> PackWriter<'_> {
        PackWriter {
            packs: self,
            sender: self.publisher.sender(),
            deflater: Deflater::new(),
            open: None,
        }
    }

    /// Where the packs lie.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the repository has an object, or this session wrote it.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.known.has(id)
    }

    /// Waits until every pack is durable. Call it when all writers are finished.
    pub fn finish(self) -> Result<Written, PackError> {
        self.publisher.finish()
    }
}

/// Deletes what a killed session left unfinished. Its names are unlike those that Git makes up.
fn sweep(dir: &Path) -> Result<(), PackError> {
    for entry in std::fs::read_dir(dir).at("read", dir)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = [UNFINISHED, UNFINISHED_INDEX].iter().any(|prefix| {
            let number = name
                .strip_prefix(prefix)
                .and_then(|rest| rest.split_once('-'));
            number.is_some_and(|(pid, count)| {
                pid.parse::<u32>().is_ok() && count.parse::<u32>().is_ok()
            })
        });
        if ours {
            forsake_unindexed(dir, &entry.path())?;
            remove_file_durable(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the pack that an unfinished index is of: its writer died between the two names.
fn forsake_unindexed(dir: &Path, index: &Path) -> Result<(), PackError> {
    let bytes = std::fs::read(index).at("read", index)?;
    let Some((_, sums)) = bytes.split_last_chunk::<40>() else {
        return Ok(());
    };
    let (sum, _) = sums.split_at(20);
    if let Ok(sum) = ObjectId::try_from(sum) {
        let name = dir.join(format!("pack-{sum}"));
        forsake(&name.with_extension("pack"), &name.with_extension("idx"))?;
    }
    Ok(())
}

/// Adds objects to packs of its own.
#[must_use = "the last pack is lost unless the writer is finished"]
pub struct PackWriter<'a> {
    packs: &'a Packs,
    sender: Sender,
    deflater: Deflater,
    open: Option<OpenPack>,
}

impl PackWriter<'_> {
    /// Adds an object unless the repository has it; returns its id.
    pub fn add(&mut self, kind: Kind, content: &[u8], size: Size) -> Result<ObjectId, PackError> {
        let id = object_id(kind, content)?;
        if !self.packs.known.is_new(&id) {
            return Ok(id);
        }
        let mut pack = self.begun(size)?;
        pack.append((kind, id), content, &mut self.deflater);
        self.added(pack)?;
        Ok(id)
    }

    /// Whether the repository has an object, or this session wrote it.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.packs.has(id)
    }

    /// Adds the entry of another pack, compressed as it is there, unless the repository has it.
    pub(super) fn add_as_it_is(&mut self, id: ObjectId, raw: &[u8]) -> Result<(), PackError> {
        if !self.packs.known.is_new(&id) {
            return Ok(());
        }
        let mut pack = self.begun(Size::Small)?;
        pack.append_as_it_is(id, raw);
        self.added(pack)
    }

    /// The pack that is open, or a new one.
    fn begun(&mut self, size: Size) -> Result<OpenPack, PackError> {
        match self.open.take() {
            Some(pack) => Ok(pack),
            None => OpenPack::create(&self.packs.dir, size.objects()),
        }
    }

    /// Writes what is worth writing, and closes the pack if it is full.
    fn added(&mut self, mut pack: OpenPack) -> Result<(), PackError> {
        if pack.drain_if_large()? {
            self.sender.sync_early(&pack.file);
        }
        if pack.is_full() {
            self.sender.send(pack.close()?)?;
        } else {
            self.open = Some(pack);
        }
        Ok(())
    }

    /// Closes the last pack.
    pub fn finish(mut self) -> Result<(), PackError> {
        match self.open.take() {
            Some(pack) => self.sender.send(pack.close()?),
            None => Ok(()),
        }
    }
}

struct OpenPack {
    file: NewFile,
    promised: u32,
    hasher: Hasher,
    buffer: Vec<u8>,
    drained: u64,
    synced: u64,
    entries: Vec<IndexEntry>,
}

impl OpenPack {
    fn create(dir: &Path, promised: u32) -> Result<Self, PackError> {
        let mut buffer = Vec::with_capacity(2 * PIECE);
        buffer.extend_from_slice(b"PACK\0\0\0\x02");
        buffer.extend_from_slice(&promised.to_be_bytes());
        Ok(Self {
            file: NewFile::create(dir, UNFINISHED)?,
            promised,
            hasher: Hasher::default(),
            buffer,
            drained: 0,
            synced: 0,
            entries: Vec::new(),
        })
    }

    fn append(&mut self, (kind, id): (Kind, ObjectId), content: &[u8], deflater: &mut Deflater) {
        let start = self.buffer.len();
        append_header(kind, content.len(), &mut self.buffer);
        deflater.append(content, &mut self.buffer);
        self.note(id, start);
    }

    fn append_as_it_is(&mut self, id: ObjectId, raw: &[u8]) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(raw);
        self.note(id, start);
    }

    /// Notes for the index what was appended to the buffer.
    fn note(&mut self, id: ObjectId, start: usize) {
        self.entries.push(IndexEntry {
            id,
            crc: crc32fast::hash(&self.buffer[start..]),
            offset: self.drained + start as u64,
        });
    }

    /// Writes the buffer if it is worth it; tells whether the disk should be asked to begin.
    fn drain_if_large(&mut self) -> Result<bool, PackError> {
        if self.buffer.len() < PIECE {
            return Ok(false);
        }
        self.drain()?;
        let due = self.drained - self.synced >= SYNC_AFTER;
        if due {
            self.synced = self.drained;
        }
        Ok(due)
    }

    fn drain(&mut self) -> Result<(), PackError> {
        self.hasher.update(&self.buffer);
        self.file.write(&self.buffer)?;
        self.drained += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.entries.len() as u32 == self.promised || self.drained >= PACK_LIMIT
    }

    fn close(mut self) -> Result<Finished, PackError> {
        self.drain()?;
        let count = self.entries.len() as u32;
        let sum = if count == self.promised {
            std::mem::take(&mut self.hasher).sum()
        } else {
            self.file.rewrite(8, &count.to_be_bytes())?;
            self.hash_again()?
        };
        self.file.write(&sum)?;
        Ok(Finished {
            file: self.file,
            entries: self.entries,
            sum,
            bytes: self.drained + 20,
        })
    }

    fn hash_again(&self) -> Result<[u8; 20], PackError> {
        let mut hasher = Hasher::default();
        let mut piece = vec![0; PIECE];
        let mut offset = 0;
        loop {
            let length = self.file.read_at(offset, &mut piece)?;
            if length == 0 {
                return Ok(hasher.sum());
            }
            hasher.update(&piece[..length]);
            offset += length as u64;
        }
    }
}

/// Type and size, four bits and then seven at a time.
pub(super) fn append_header(kind: Kind, size: usize, out: &mut Vec<u8>) {
    let mut byte = (kind as u8) << 4 | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}
