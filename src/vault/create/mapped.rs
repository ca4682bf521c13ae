//! Files that some process may write to through its memory.
//!
//! The times of a file are set when a page of it is written to for the first time since the page
//! was stored. As long as a process has it mapped, it can go on and write more without any sign.
//! So a file that is mapped for writing when it is read is read again next time, however it looks.
use std::collections::HashSet;

use crate::vault::stat::Moment;

/// Which files are mapped, and since when others could have been without our knowing.
#[derive(Debug)]
pub(super) struct Mapped {
    inodes: HashSet<u64>,
    looked: Moment,
}

impl Mapped {
    /// Looks at all processes that we may look at.
    pub(super) fn look() -> Self {
        let looked = Moment::now();
        let mut inodes = HashSet::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                let maps = std::fs::read(entry.path().join("maps")).unwrap_or_default();
                inodes.extend(maps.split(|byte| *byte == b'\n').filter_map(written));
            }
        }
        Self { inodes, looked }
    }

    /// When it was looked.
    pub(super) fn looked(&self) -> Moment {
        self.looked
    }

    /// Whether a file of this number was mapped on some file system.
    pub(super) fn has(&self, inode: u64) -> bool {
        self.inodes.contains(&inode)
    }
}

/// The inode of a line of `maps`, if what is written there goes to a file.
fn written(line: &[u8]) -> Option<u64> {
    let mut fields = line.split(|byte| *byte == b' ').skip(1);
    let rights = fields.next()?;
    let is_written = rights.get(1) == Some(&b'w') && rights.get(3) == Some(&b's');
    let inode = std::str::from_utf8(fields.nth(2)?).ok()?.parse().ok()?;
    (is_written && inode != 0).then_some(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shared_and_may_be_written_counts() {
        let line = |rights: &str| {
            written(format!("7f00-7f01 {rights} 00000000 08:01 4242                /a").as_bytes())
        };
        assert_eq!(line("rw-s"), Some(4242));
        assert_eq!(
            (line("rw-p"), line("r--s"), line("r-xp")),
            (None, None, None)
        );
        assert_eq!(written(b"7f00-7f01 rw-s 00000000 00:00 0 "), None);
        assert_eq!(written(b""), None);
    }
}
