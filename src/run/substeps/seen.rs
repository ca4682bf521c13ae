//! The file `substeps.seen`: how long the script's own file was, and when.
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use super::READ;
use crate::fs::{open_stream, read};
use crate::run::AttemptDir;

/// The size of a record: a length, and milliseconds since boot, little-endian.
const RECORD: usize = 16;

/// What was seen of it.
#[derive(Default)]
pub(super) struct Seen(Vec<(u64, u64)>);

impl Seen {
    pub(super) fn read(dir: &AttemptDir) -> Self {
        let bytes = read(&dir.substeps_seen()).unwrap_or_default();
        let (records, _) = bytes.as_chunks::<RECORD>();
        let number = |bytes: &[u8]| {
            bytes
                .first_chunk()
                .map_or(0, |eight| u64::from_le_bytes(*eight))
        };
        let record = |record: &[u8; RECORD]| (number(record), number(&record[8..]));
        Self(records.iter().map(record).collect())
    }

    /// When the line that ends at `end` was there at the latest.
    pub(super) fn time_of(&self, end: u64) -> Option<u64> {
        let found = self.0.iter().find(|(length, _)| *length >= end);
        found.map(|(_, ms)| *ms)
    }
}

/// Notes when the script of the attempt in `dir` told something; `known` is how long its file was
/// the last time. Returns whether there is something new.
///
/// Nothing about this may fail a run: what cannot be noted has no time.
pub fn note_substeps(dir: &AttemptDir, known: &mut u64, now: Duration) -> bool {
    let Ok(meta) = std::fs::symlink_metadata(dir.substeps()) else {
        return false;
    };
    let length = meta.len().min(READ);
    if !meta.is_file() || length == *known {
        return false;
    }
    *known = length;
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&length.to_le_bytes());
    let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    record[8..].copy_from_slice(&ms.to_le_bytes());
    if let Ok(file) = open_stream(&dir.substeps_seen()) {
        let whole = file.metadata().map_or(0, |meta| meta.len() / RECORD as u64);
        let _ = file.write_all_at(&record, whole * RECORD as u64);
    }
    true
}
