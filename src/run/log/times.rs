//! When what in a log was written, as far as its index tells.
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::index_path;
use crate::fs::{AtPath as _, PathError, is_absent};

/// The index has a line at most once in so many milliseconds; what follows one was written within
/// them.
const STAMP_MS: i64 = 1000;

/// The times in the index of a log, also while it grows.
#[derive(Debug)]
pub struct LogTimes {
    path: PathBuf,
    read: u64,
    torn: Vec<u8>,
    /// From which byte on, and when, in milliseconds since 1970.
    stamps: Vec<(u64, i64)>,
}

impl LogTimes {
    /// Of the log in `dir`.
    pub fn of(dir: &Path) -> Result<Self, PathError> {
        let mut times = Self {
            path: index_path(dir),
            read: 0,
            torn: Vec::new(),
            stamps: Vec::new(),
        };
        times.refresh()?;
        Ok(times)
    }

    /// Reads what came since the last look.
    pub fn refresh(&mut self) -> Result<(), PathError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).at("open", &self.path),
        };
        let start = SeekFrom::Start(self.read);
        file.seek(start).at("read", &self.path)?;
        let count = file.read_to_end(&mut self.torn).at("read", &self.path)?;
        self.read += count as u64;
        let whole = self.torn.iter().rposition(|byte| *byte == b'\n');
        let lines: Vec<u8> = self.torn.drain(..whole.map_or(0, |at| at + 1)).collect();
        let lines = String::from_utf8_lossy(&lines);
        self.stamps.extend(lines.lines().filter_map(stamp));
        Ok(())
    }

    /// When the byte at `offset` was written, within a second.
    pub fn at(&self, offset: u64) -> Option<i64> {
        let after = self.stamps.partition_point(|(from, _)| *from <= offset);
        Some(self.stamps[after.checked_sub(1)?].1)
    }

    /// From which byte on the log was written at `ms` or later; nothing if there was no more.
    pub fn since(&self, ms: i64) -> Option<u64> {
        // The wall clock may have been set back: what is shown too early is no loss.
        let found = self.stamps.iter().find(|(_, at)| at + STAMP_MS > ms);
        found.map(|(offset, _)| *offset)
    }
}

fn stamp(line: &str) -> Option<(u64, i64)> {
    let (offset, ms) = line.strip_prefix("at ")?.split_once(' ')?;
    Some((offset.parse().ok()?, ms.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_time_of_the_stamp_before_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = index_path(dir.path());
        std::fs::write(&path, "at 0 1000\nat 50 5000\ngap 50 7\nat 50 9000\nat 7").unwrap();
        let mut times = LogTimes::of(dir.path()).unwrap();
        let shown = |times: &LogTimes| [0, 49, 50, 99].map(|offset| times.at(offset));
        assert_eq!(
            shown(&times),
            [Some(1000), Some(1000), Some(9000), Some(9000)]
        );
        let since = [0, 1500, 2000, 5999, 9999, 10_000].map(|ms| times.since(ms));
        assert_eq!(
            since,
            [Some(0), Some(0), Some(50), Some(50), Some(50), None]
        );
        std::fs::write(
            &path,
            "at 0 1000\nat 50 5000\ngap 50 7\nat 50 9000\nat 70 20000\n",
        )
        .unwrap();
        times.refresh().unwrap();
        assert_eq!(times.at(99), Some(20_000));
        assert_eq!(times.since(10_000), Some(70));
    }

    #[test]
    fn without_an_index_no_time_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let times = LogTimes::of(dir.path()).unwrap();
        assert_eq!((times.at(0), times.since(0)), (None, None));
    }
}
