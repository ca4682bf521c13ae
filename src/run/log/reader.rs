//! Reading a log, also while it grows.
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::{index_path, segment_path, segments};
use crate::fs::{AtPath as _, PathError, read_optional};

/// Output that is not in the log, because no disk had room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Before which byte of the log it is missing.
    pub offset: u64,
    /// How much is missing.
    pub bytes: u64,
}

/// How many bytes a log holds.
pub fn log_size(dir: &Path) -> Result<u64, PathError> {
    Ok(segments(dir)?.iter().map(|(_, size)| size).sum())
}

/// The last `limit` bytes of a log.
pub(in crate::run) fn tail(dir: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
    let mut reader = LogReader::at(dir, log_size(dir)?.saturating_sub(limit))?;
    let mut bytes = Vec::new();
    while reader.read_more(&mut bytes)? > 0 {}
    Ok(bytes)
}

/// The gaps of a log, in order.
pub fn gaps(dir: &Path) -> Result<Vec<Gap>, PathError> {
    let text = read_optional(&index_path(dir))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let gap = |line: &str| {
        let (offset, bytes) = line.strip_prefix("gap ")?.split_once(' ')?;
        Some(Gap {
            offset: offset.parse().ok()?,
            bytes: bytes.parse().ok()?,
        })
    };
    let mut gaps: Vec<Gap> = Vec::new();
    for gap in text.lines().filter_map(gap) {
        match gaps.last_mut() {
            // It went on before anything could be written.
            Some(last) if last.offset == gap.offset => last.bytes += gap.bytes,
            _ => gaps.push(gap),
        }
    }
    Ok(gaps)
}

/// How many bytes are missing from a log.
pub(in crate::run) fn dropped(dir: &Path) -> Result<u64, PathError> {
    Ok(gaps(dir)?.iter().map(|gap| gap.bytes).sum())
}

/// A place in a log, from which it is read on.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    number: u32,
    file: Option<File>,
    skip: u64,
}

impl LogReader {
    /// Reads from the beginning.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            number: 1,
            file: None,
            skip: 0,
        }
    }

    /// Reads from `offset`.
    pub fn at(dir: &Path, offset: u64) -> Result<Self, PathError> {
        let mut reader = Self::new(dir);
        reader.skip = offset;
        for (number, size) in segments(dir)? {
            reader.number = number;
            if reader.skip < size {
                break;
            }
            if segment_path(dir, number + 1).exists() {
                reader.skip -= size;
            }
        }
        Ok(reader)
    }

    /// Reads from the beginning of the line that has the byte at `offset`, if it is not too long;
    /// returns from where.
    pub fn at_line(dir: &Path, offset: u64) -> Result<(Self, u64), PathError> {
        const LINE: u64 = 64 << 10;
        let from = offset.saturating_sub(LINE);
        let mut before = Vec::new();
        let mut reader = Self::at(dir, from)?;
        let length = (offset - from) as usize;
        while before.len() < length && reader.read_more(&mut before)? > 0 {}
        before.truncate(length);
        let end = before.iter().rposition(|byte| *byte == b'\n');
        let start = match end {
            Some(end) => from + end as u64 + 1,
            None if from == 0 => 0,
            None => offset,
        };
        Ok((Self::at(dir, start)?, start))
    }

    /// Appends what comes next to `bytes`, up to a megabyte; 0 if there is nothing more by now.
    pub fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<usize, PathError> {
        loop {
            let count = self.read_here(bytes)?;
            // The writer begins a new segment only when it is done with the one before.
            if count > 0 || !segment_path(&self.dir, self.number + 1).exists() {
                return Ok(count);
            }
            let late = self.read_here(bytes)?;
            if late > 0 {
                return Ok(late);
            }
            self.number += 1;
            self.file = None;
        }
    }

    fn read_here(&mut self, bytes: &mut Vec<u8>) -> Result<usize, PathError> {
        let path = segment_path(&self.dir, self.number);
        if self.file.is_none() {
            if !path.exists() {
                return Ok(0);
            }
            let mut file = File::open(&path).at("open", &path)?;
            file.seek(SeekFrom::Start(self.skip)).at("read", &path)?;
            self.skip = 0;
            self.file = Some(file);
        }
        let Some(file) = &self.file else {
            return Ok(0);
        };
        file.take(1 << 20).read_to_end(bytes).at("read", &path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(parts: &[&[u8]]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (at, part) in parts.iter().enumerate() {
            let path = segment_path(dir.path(), at as u32 + 1);
            crate::fs::write_durable(&path, part).unwrap();
        }
        dir
    }

    #[test]
    fn segments_read_as_one() {
        let dir = log(&[b"abc", b"", b"defg"]);
        assert_eq!(log_size(dir.path()).unwrap(), 7);
        assert_eq!(tail(dir.path(), 100).unwrap(), b"abcdefg");
        for cut in 0..=7 {
            let expected = &b"abcdefg"[7 - cut..];
            assert_eq!(tail(dir.path(), cut as u64).unwrap(), expected, "{cut}");
        }
    }

    #[test]
    fn a_line_is_read_from_its_beginning_over_segments() {
        let dir = log(&[b"one\ntw", b"o\nthree"]);
        for (offset, expected) in [(0, 0), (2, 0), (4, 4), (6, 4), (7, 4), (8, 8), (13, 8)] {
            let (mut reader, start) = LogReader::at_line(dir.path(), offset).unwrap();
            assert_eq!(start, expected, "{offset}");
            let mut bytes = Vec::new();
            while reader.read_more(&mut bytes).unwrap() > 0 {}
            assert_eq!(bytes, b"one\ntwo\nthree"[start as usize..]);
        }
    }

    #[test]
    fn a_reader_goes_on_when_the_log_grows_over_a_segment() {
        let dir = log(&[b"abc"]);
        let mut reader = LogReader::new(dir.path());
        let mut bytes = Vec::new();
        while reader.read_more(&mut bytes).unwrap() > 0 {}
        crate::fs::write_durable(&segment_path(dir.path(), 2), b"def").unwrap();
        while reader.read_more(&mut bytes).unwrap() > 0 {}
        assert_eq!(bytes, b"abcdef");
    }

    #[test]
    fn gaps_are_summed_and_torn_lines_ignored() {
        let dir = log(&[b"abc"]);
        let index = b"at 0 1\ngap 2 10\nat 3 5\ngap 3 7\nat 3 9\ngap 3 1\ngap 3";
        crate::fs::write_durable(&index_path(dir.path()), index).unwrap();
        assert_eq!(dropped(dir.path()).unwrap(), 18);
        let places: Vec<_> = gaps(dir.path()).unwrap();
        let places: Vec<_> = places.iter().map(|gap| (gap.offset, gap.bytes)).collect();
        assert_eq!(places, [(2, 10), (3, 8)]);
    }

    #[test]
    fn no_log_is_an_empty_log() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(tail(&dir.path().join("log"), 10).unwrap(), b"");
    }
}
