//! From the FIFO into the log, without a moment in which the bytes are only in our memory.
use std::fs::File;
use std::io::{self, Cursor, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};

use super::gap::Backlog;
use super::{index_path, segment_path, segments};
use crate::fs::{PathError, create_dirs_durable, is_absent, open_stream, set_mode};

/// How much a segment holds.
const SEGMENT: u64 = 64 << 20;
/// How much is moved by one call.
const CHUNK: usize = 1 << 20;
/// How many calls before the caller may look after other things.
const BURST: u32 = 64;
/// How often the index gets a line.
const STAMP_MS: u64 = 1000;

/// The writing end of a log; there is one at a time.
pub(in crate::run) struct LogWriter {
    dir: PathBuf,
    number: u32,
    segment: File,
    /// Where the next byte goes in the segment.
    at: u64,
    /// Bytes in the segments before.
    before: u64,
    index: File,
    index_at: u64,
    stamped_ms: i64,
    splices: bool,
    backlog: Option<Backlog>,
}

impl LogWriter {
    /// Opens the log in `dir`, and goes on where an earlier writer ended.
    pub(in crate::run) fn open(dir: &Path) -> Result<Self, PathError> {
        create_dirs_durable(dir)?;
        // Scripts print what others on this machine must not read.
        set_mode(dir, 0o700)?;
        let known = segments(dir)?;
        let (number, at) = known.last().copied().unwrap_or((1, 0));
        let index = open_stream(&index_path(dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            number,
            segment: open_stream(&segment_path(dir, number))?,
            at,
            before: known.iter().map(|(_, size)| size).sum::<u64>() - at,
            index_at: index.metadata().map_or(0, |meta| meta.len()),
            index,
            stamped_ms: i64::MIN,
            splices: true,
            backlog: None,
        })
    }

    /// Moves what the FIFO holds into the log; never blocks, and never fails: what no disk takes is
    /// kept in memory as far as it fits.
    pub(in crate::run) fn drain(&mut self, fifo: &OwnedFd, now_ms: i64) {
        self.stamp(now_ms);
        for _ in 0..BURST {
            if self.backlog.is_some() && !self.clear_backlog() {
                if !self.keep_some(fifo) {
                    return;
                }
                continue;
            }
            match self.move_some(fifo) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(_) => self.rotate(),
                Err(Errno::INTR) => {}
                Err(Errno::INVAL) if self.splices => self.splices = false,
                Err(_) if !self.keep_some(fifo) => return,
                Err(_) => {}
            }
        }
    }

    /// Whether output waits in memory for a disk with room.
    pub(in crate::run) fn is_behind(&self) -> bool {
        self.backlog.is_some()
    }

    /// The bytes in the log.
    pub(in crate::run) fn size(&self) -> u64 {
        self.before + self.at
    }

    /// Waits until the disk has the log.
    pub(in crate::run) fn sync(&self) -> io::Result<()> {
        self.segment.sync_data()?;
        self.index.sync_data()
    }

    fn move_some(&mut self, fifo: &OwnedFd) -> Result<usize, Errno> {
        if self.splices {
            let flags = SpliceFlags::NONBLOCK;
            return splice(fifo, None, &self.segment, Some(&mut self.at), CHUNK, flags);
        }
        let mut buffer = [0; 16 << 10];
        let count = rustix::io::read(fifo, &mut buffer)?;
        let written = self.segment.write_all_at(&buffer[..count], self.at);
        match written {
            Ok(()) => self.at += count as u64,
            Err(_) => self.hold(&buffer[..count]),
        }
        Ok(count)
    }

    /// Reads into memory; returns whether there was anything.
    fn keep_some(&mut self, fifo: &OwnedFd) -> bool {
        let mut buffer = [0; 16 << 10];
        match rustix::io::read(fifo, &mut buffer) {
            Ok(count) => self.hold(&buffer[..count]),
            Err(_) => return false,
        }
        true
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.backlog.get_or_insert_default().push(bytes);
    }

    /// Writes the mark of the gap and what was kept; returns whether all of it is written.
    fn clear_backlog(&mut self) -> bool {
        let Some(mut backlog) = self.backlog.take() else {
            return true;
        };
        let place = self.size();
        let marked = backlog.dropped() == 0 || self.note("gap", place, backlog.dropped() as i64);
        if marked {
            backlog.forget_dropped();
        }
        if !marked || backlog.write(&self.segment, &mut self.at).is_err() {
            self.backlog = Some(backlog);
            return false;
        }
        self.rotate();
        true
    }

    /// Begins a new segment once this one is full.
    fn rotate(&mut self) {
        if self.at < SEGMENT {
            return;
        }
        let next = match open_stream(&segment_path(&self.dir, self.number + 1)) {
            Ok(next) => next,
            Err(error) if is_absent(&error.source) => return self.start_over(),
            Err(_) => return,
        };
        // A failure shows again at the next write; the log is data, not a promise.
        let _ = self.segment.sync_data();
        self.segment = next;
        self.number += 1;
        self.before += self.at;
        self.at = 0;
    }

    /// Uses the space again of a log that was deleted while it grew: nobody can read it.
    fn start_over(&mut self) {
        if self.segment.set_len(0).is_ok() {
            self.at = 0;
        }
    }

    fn stamp(&mut self, now_ms: i64) {
        // Also when the clock was set back.
        if now_ms.abs_diff(self.stamped_ms) >= STAMP_MS {
            self.note("at", self.size(), now_ms);
            self.stamped_ms = now_ms;
        }
    }

    /// Writes a line into the index, without allocating.
    fn note(&mut self, word: &str, offset: u64, value: i64) -> bool {
        let mut line = Cursor::new([0; 64]);
        if writeln!(line, "{word} {offset} {value}").is_err() {
            return false;
        }
        let line = &line.get_ref()[..line.position() as usize];
        let written = self.index.write_all_at(line, self.index_at).is_ok();
        if written {
            self.index_at += line.len() as u64;
        }
        written
    }
}
