//! What the file system says about a file.
use rustix::fs::{FileType, major, minor};

use super::meta::{FileTime, Kind, Record};
use crate::fs::file_clock;

/// What `stat` tells, as far as we keep or compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Nothing for a socket.
    pub(super) kind: Option<Kind>,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: FileTime,
    pub(super) ctime: FileTime,
    pub(super) size: u64,
    pub(super) blocks: u64,
    pub(super) links: u64,
    pub(super) device: (u32, u32),
    pub(super) file_system: u64,
    pub(super) inode: u64,
}

/// Inode, size, mtime and ctime: if these are the same, so is the file.
pub(super) type Key = [u8; 40];

/// A key that no file has: it is read again next time.
pub(super) const NO_KEY: Key = [0; 40];

impl Stat {
    /// The facts that a snapshot keeps, under this name.
    pub(super) fn record(&self, kind: Kind, name: &[u8]) -> Record {
        Record {
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            size: self.size,
            device: self.device,
            ..Record::new(kind, name)
        }
    }

    /// Whether the file has several names.
    pub(super) fn is_shared(&self) -> bool {
        self.links > 1 && self.kind != Some(Kind::Folder)
    }

    /// Whether fewer blocks are used than its size needs.
    pub(super) fn has_holes(&self) -> bool {
        self.blocks.saturating_mul(512) < self.size
    }

    pub(super) fn key(&self) -> Key {
        let mut key = NO_KEY;
        key[..8].copy_from_slice(&self.inode.to_le_bytes());
        key[8..16].copy_from_slice(&self.size.to_le_bytes());
        for (at, time) in [(16, self.mtime), (28, self.ctime)] {
            key[at..at + 8].copy_from_slice(&time.seconds.to_le_bytes());
            key[at + 8..at + 12].copy_from_slice(&time.nanos.to_le_bytes());
        }
        key
    }

    /// The key, unless the file was changed so shortly before `read` that it could change once
    /// more within the same tick of the clock.
    pub(super) fn key_if_settled(&self, read: Moment) -> Key {
        let tick = if self.ctime.nanos == 0 {
            Moment::COARSE
        } else {
            Moment::TICK
        };
        let changed = i128::from(self.ctime.seconds) * 1_000_000_000 + i128::from(self.ctime.nanos);
        if changed + tick < read.0 {
            self.key()
        } else {
            NO_KEY
        }
    }
}

/// A reading of the clock that stamps files, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i128);

impl Moment {
    /// Longer than any kernel's tick.
    const TICK: i128 = 20_000_000;
    /// For file systems that store whole or even seconds.
    const COARSE: i128 = 2_000_000_000;

    pub(super) fn now() -> Self {
        let (seconds, nanos) = file_clock();
        Self(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
    }
}

impl From<rustix::fs::Stat> for Stat {
    #[allow(
        clippy::useless_conversion,
        reason = "the number of links has 32 bits on some machines"
    )]
    fn from(stat: rustix::fs::Stat) -> Self {
        Self {
            kind: kind(FileType::from_raw_mode(stat.st_mode)),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mtime: time(stat.st_mtime, stat.st_mtime_nsec),
            ctime: time(stat.st_ctime, stat.st_ctime_nsec),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            blocks: u64::try_from(stat.st_blocks).unwrap_or(0),
            links: stat.st_nlink.into(),
            device: (major(stat.st_rdev), minor(stat.st_rdev)),
            file_system: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

fn time(seconds: i64, nanos: impl TryInto<u32>) -> FileTime {
    FileTime {
        seconds,
        nanos: nanos.try_into().unwrap_or(0),
    }
}

fn kind(file_type: FileType) -> Option<Kind> {
    match file_type {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Folder),
        FileType::Symlink => Some(Kind::Link),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        FileType::Fifo => Some(Kind::Fifo),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(seconds: i64, nanos: u32) -> Stat {
        let here = rustix::fs::lstat("/").unwrap();
        Stat {
            ctime: FileTime { seconds, nanos },
            ..Stat::from(here)
        }
    }

    #[test]
    fn a_file_changed_just_now_is_not_trusted() {
        let read = Moment(100_000_000_000);
        assert_eq!(changed(99, 990_000_000).key_if_settled(read), NO_KEY);
        assert_eq!(changed(100, 1).key_if_settled(read), NO_KEY);
        assert_ne!(changed(99, 1).key_if_settled(read), NO_KEY);
        assert_eq!(changed(99, 0).key_if_settled(read), NO_KEY, "whole seconds");
        assert_ne!(changed(97, 0).key_if_settled(read), NO_KEY);
    }
}
