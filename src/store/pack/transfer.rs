//! Taking packs over from another repository, compressed as they are.
use super::index::{IndexEntry, encode};
use super::scan::{PackEntry, PackScan};
use super::writer::{Packs, UNFINISHED, UNFINISHED_INDEX};
use super::{PackError, PackWriter};
use crate::fs::{NewFile, sync_dir};

/// Bytes that are copied at once.
const PIECE: usize = 4 << 20;
/// What stands before the first entry of a pack, and after the last.
const HEADER: u64 = 12;
const TRAILER: usize = 20;

/// Some entries of a pack.
pub struct Part<'a> {
    /// The pack.
    pub scan: &'a PackScan,
    /// The entries, in the order in which they stand in the pack.
    pub entries: &'a [PackEntry],
}

impl Packs {
    /// Copies a pack of another repository whole, durably; `copied` is told how many bytes.
    ///
    /// Each entry is compared with its checksum on the way.
    pub fn adopt(&self, part: &Part<'_>, copied: &mut dyn FnMut(u64)) -> Result<(), PackError> {
        let name = part.scan.path().file_name().unwrap_or_default();
        let target = self.dir().join(name);
        if target.with_extension("idx").exists() && target.exists() {
            return Ok(());
        }
        let mut file = NewFile::create(self.dir(), UNFINISHED)?;
        let sum = copy(part, &mut file, copied)?;
        let mut index = NewFile::create(self.dir(), UNFINISHED_INDEX)?;
        let entries = part.entries.iter().map(|entry| IndexEntry {
            id: entry.id,
            crc: entry.crc.unwrap_or_default(),
            offset: entry.offset,
        });
        index.write(&encode(&mut entries.collect::<Vec<_>>(), &sum))?;
        file.publish(&target, 0o444)?;
        index.publish(&target.with_extension("idx"), 0o444)?;
        Ok(sync_dir(self.dir())?)
    }
}

/// Copies all of a pack; returns the sum that ends it.
fn copy(
    part: &Part<'_>,
    file: &mut NewFile,
    copied: &mut dyn FnMut(u64),
) -> Result<[u8; TRAILER], PackError> {
    let mut bytes = Vec::with_capacity(PIECE + PIECE / 2);
    part.scan.read(0, HEADER as usize, &mut bytes)?;
    file.write(&bytes)?;
    let mut at = HEADER;
    for piece in pieces(part.entries) {
        let end = piece.last().map_or(at, |last| last.end);
        if piece[0].offset != at || end < at {
            return Err(damaged(
                &piece[0],
                "its index leaves out a part of its pack",
            ));
        }
        bytes.clear();
        part.scan.read(at, (end - at) as usize, &mut bytes)?;
        for entry in piece {
            let raw = bytes.get((entry.offset - at) as usize..(entry.end - at) as usize);
            if raw.is_none_or(|raw| entry.crc.is_some_and(|crc| crc != crc32fast::hash(raw))) {
                return Err(damaged(
                    entry,
                    "its bytes have another checksum than its index says",
                ));
            }
        }
        file.write(&bytes)?;
        copied(end - at);
        at = end;
    }
    let sum = part.scan.sum()?;
    file.write(&sum)?;
    Ok(sum)
}

fn damaged(entry: &PackEntry, reason: &str) -> PackError {
    PackError::Damaged {
        id: entry.id,
        reason: reason.to_owned(),
    }
}

/// Neighbouring entries, some megabytes at a time.
fn pieces(entries: &[PackEntry]) -> impl Iterator<Item = &[PackEntry]> {
    let piece = |entry: &PackEntry| entry.offset / PIECE as u64;
    entries.chunk_by(move |a, b| piece(a) == piece(b))
}

/// Writes single objects of another repository, those whose entries can be copied as they are.
pub fn copy_entries(part: &Part<'_>, writer: &mut PackWriter<'_>) -> Result<(), PackError> {
    for run in part.entries.chunk_by(|a, b| a.end == b.offset) {
        for piece in pieces(run) {
            part.scan.copy(piece, writer)?;
        }
    }
    Ok(())
}
