//! What to do with output while no disk has room for it.
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// How much of the newest output is kept until there is room again.
const CAPACITY: usize = 1 << 20;

/// The newest output, and how much was given up before it.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Backlog {
    /// Adds output, giving up the oldest where it does not fit.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() < CAPACITY {
            self.bytes.reserve_exact(CAPACITY);
        }
        let bytes_kept = &bytes[bytes.len().saturating_sub(CAPACITY)..];
        let overflow = (self.bytes.len() + bytes_kept.len()).saturating_sub(CAPACITY);
        self.bytes.drain(..overflow);
        self.bytes.extend(bytes_kept);
        self.dropped += (overflow + bytes.len() - bytes_kept.len()) as u64;
    }

    /// How much was given up.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What was given up is on record now.
    pub(super) fn forget_dropped(&mut self) {
        self.dropped = 0;
    }

    /// Writes what was kept at `offset` of `file`; what could not be written stays here.
    pub(super) fn write(&mut self, file: &File, offset: &mut u64) -> io::Result<()> {
        while !self.bytes.is_empty() {
            let written = file.write_at(self.bytes.as_slices().0, *offset)?;
            self.bytes.drain(..written);
            *offset += written as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(backlog: &Backlog) -> Vec<u8> {
        backlog.bytes.iter().copied().collect()
    }

    #[test]
    fn the_newest_stays_and_the_rest_is_counted() {
        let mut backlog = Backlog::default();
        backlog.push(b"oldest");
        backlog.push(&vec![b'x'; CAPACITY - 2]);
        assert_eq!(backlog.dropped(), 4);
        assert!(content(&backlog).starts_with(b"stx"));
        backlog.push(&vec![b'y'; CAPACITY + 5]);
        assert_eq!(backlog.dropped(), 4 + CAPACITY as u64 + 5);
        assert_eq!(content(&backlog), vec![b'y'; CAPACITY]);
    }

    #[test]
    fn all_that_was_kept_is_written_at_its_place() {
        let file = tempfile::tempfile().unwrap();
        let mut backlog = Backlog::default();
        backlog.push(b"hello");
        let mut offset = 3;
        backlog.write(&file, &mut offset).unwrap();
        assert_eq!(offset, 8);
        let mut read = [0; 8];
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(&read, b"\0\0\0hello");
    }
}
