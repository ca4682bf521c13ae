//! Reading packs from end to end, to see whether every byte is what it was.
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::deflate::Inflater;
use super::hash::{Hasher, object_id};
use super::known::{index_files, open_index};
use super::reader::{Pack, parse_header};
use super::rebuild::EXPANSION;
use super::{Kind, PackError, PackWriter};
use crate::fs::AtPath as _;

/// An entry of a pack: what the index says is there, and where it ends.
#[derive(Clone, Copy, Debug)]
pub struct PackEntry {
    /// The object.
    pub id: ObjectId,
    /// Where the entry begins in the pack.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
    /// The checksum of its bytes in the pack.
    pub(super) crc: Option<u32>,
}

impl PackEntry {
    /// The entry among `bytes` that begin at `start` of the pack, if it is what was written.
    pub(super) fn intact<'b>(&self, start: u64, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let from = self.offset.checked_sub(start)? as usize;
        let raw = bytes.get(from..self.end.checked_sub(start)? as usize)?;
        (self.crc == Some(crc32fast::hash(raw)) && !raw.is_empty()).then_some(raw)
    }
}

/// A pack to be read whole.
pub struct PackScan {
    pack: Pack,
}

impl PackScan {
    /// The indexes in the `objects` folder of a repository.
    pub fn indexes(objects_dir: &Path) -> Result<Vec<PathBuf>, PackError> {
        index_files(&objects_dir.join("pack"))
    }

    /// Whether a writer may count on what an index says: it can be opened, and its pack is there.
    pub fn is_readable(index: &Path) -> bool {
        open_index(index).is_ok() && index.with_extension("pack").exists()
    }

    /// Opens the pack of an index.
    pub fn open(index: &Path) -> Result<Self, PackError> {
        Ok(Self {
            pack: Pack::open(index)?,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.pack.path
    }

    /// Extends `out`, which holds what is at `offset`, to `length` bytes.
    pub(super) fn read(
        &self,
        offset: u64,
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        self.pack.read(offset, length, out)
    }

    /// The sum that ends the pack.
    pub(super) fn sum(&self) -> Result<[u8; 20], PackError> {
        let mut sum = [0; 20];
        let read = self.pack.file.read_exact_at(&mut sum, self.pack.end);
        read.at("read", &self.pack.path)?;
        Ok(sum)
    }

    /// What is wrong with the pack as a whole: its first and last bytes, and its index.
    pub fn check_frame(&self) -> Result<Option<String>, PackError> {
        let pack = &self.pack;
        let mut begin = Vec::new();
        pack.read(0, 12, &mut begin)?;
        let count = begin
            .get(8..12)
            .map(|four| four.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
        let mut end = [0; 20];
        let read = pack.file.read_exact_at(&mut end, pack.end);
        let index = crate::fs::read(&pack.path.with_extension("idx"))?;
        let (content, sums) = index.split_at(index.len().saturating_sub(20));
        let mut hasher = Hasher::default();
        hasher.update(content);
        let wrong = if !begin.starts_with(b"PACK\0\0\0\x02") {
            "it does not begin like a pack"
        } else if count != Some(pack.index.len()) {
            "it says another number of objects than its index"
        } else if hasher.sum() != sums {
            "its index is damaged"
        } else if read.is_err() || !content.ends_with(&end) {
            "it does not end as its index says"
        } else {
            return Ok(None);
        };
        Ok(Some(wrong.to_owned()))
    }

    /// All entries, in the order in which they stand in the pack.
    pub fn entries(&self) -> Vec<PackEntry> {
        let index = &self.pack.index;
        let mut entries: Vec<PackEntry> = (0..index.len())
            .map(|at| PackEntry {
                id: index.id(at),
                offset: index.offset(at),
                end: self.pack.end,
                crc: index.crc(at),
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.offset);
        for at in 1..entries.len() {
            entries[at - 1].end = entries[at].offset;
        }
        entries
    }

    /// Whether an entry only makes sense together with another, as Git writes them.
    pub fn has_deltas(&self) -> Result<bool, PackError> {
        let mut byte = Vec::new();
        for entry in self.entries() {
            byte.clear();
            self.pack.read(entry.offset, 1, &mut byte)?;
            let number = byte.first().map_or(0, |byte| byte >> 4 & 7);
            if matches!(number, 6 | 7) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Replaces `bytes` by those of neighbouring entries.
    pub(super) fn raw(&self, entries: &[PackEntry], bytes: &mut Vec<u8>) -> Result<(), PackError> {
        bytes.clear();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let length = last.end.min(self.pack.end).saturating_sub(first.offset);
        self.pack.read(first.offset, length as usize, bytes)
    }

    /// Copies neighbouring entries as they are, unless their bytes are no longer what was written.
    pub fn copy(
        &self,
        entries: &[PackEntry],
        writer: &mut PackWriter<'_>,
    ) -> Result<(), PackError> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let length = last.end.min(self.pack.end).saturating_sub(first.offset);
        self.pack.read(first.offset, length as usize, &mut bytes)?;
        for entry in entries {
            let start = (entry.offset - first.offset) as usize;
            let raw = bytes.get(start..(entry.end - first.offset) as usize);
            match raw.zip(entry.crc) {
                Some((raw, crc)) if crc32fast::hash(raw) == crc => {
                    writer.add_as_it_is(entry.id, raw)?;
                }
                _ => {
                    return Err(PackError::Damaged {
                        id: entry.id,
                        reason: "its bytes have another checksum than its index says".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads neighbouring entries in one go and calls `found` with the fate of each: the size of
    /// its content, or nothing if it is a delta, or what is wrong.
    pub fn check(
        &self,
        entries: &[PackEntry],
        mut found: impl FnMut(&PackEntry, Result<Option<u64>, String>),
    ) -> Result<(), PackError> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let length = last.end.min(self.pack.end).saturating_sub(first.offset);
        self.pack.read(first.offset, length as usize, &mut bytes)?;
        let (mut inflater, mut content) = (Inflater::new(), Vec::new());
        for entry in entries {
            let start = (entry.offset - first.offset) as usize;
            let end = entry.end.saturating_sub(first.offset) as usize;
            let fate = match bytes.get(start..end) {
                Some(raw) => check_entry(entry, raw, &mut inflater, &mut content),
                None => Err("beyond the end of its pack".to_owned()),
            };
            found(entry, fate);
        }
        Ok(())
    }
}

/// The objects of a repository that are not in packs.
pub fn loose_objects(objects_dir: &Path) -> Vec<ObjectId> {
    let named = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
    let list = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for dir in list(objects_dir).map(|entry| entry.path()) {
        let Some(begin) = named(&dir).filter(|name| name.len() == 2) else {
            continue;
        };
        let ends = list(&dir).filter_map(|entry| named(&entry.path()));
        found.extend(
            ends.filter_map(|end| ObjectId::from_hex((begin.clone() + &end).as_bytes()).ok()),
        );
    }
    found.sort();
    found
}

fn check_entry(
    entry: &PackEntry,
    raw: &[u8],
    inflater: &mut Inflater,
    content: &mut Vec<u8>,
) -> Result<Option<u64>, String> {
    if entry.crc.is_some_and(|crc| crc != crc32fast::hash(raw)) {
        return Err("its bytes have another checksum than its index says".to_owned());
    }
    let header = parse_header(raw).ok_or("no entry where the index says")?;
    let Some(kind) = Kind::from_number(header.number) else {
        return match header.number {
            6 | 7 => Ok(None),
            _ => Err(format!("unknown type {}", header.number)),
        };
    };
    if header.size / EXPANSION > raw.len() {
        return Err(format!("{} bytes cannot be in {}", header.size, raw.len()));
    }
    inflater.inflate(&raw[header.length..], header.size, content)?;
    let id = object_id(kind, content).map_err(|error| error.to_string())?;
    if id == entry.id {
        Ok(Some(header.size as u64))
    } else {
        Err(format!("its content has the id {id}"))
    }
}
