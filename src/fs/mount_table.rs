//! What is mounted where, as this process sees it.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// One line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The folder, or file, that it lies on.
    pub place: PathBuf,
    /// Which part of the file system is seen there.
    pub root: PathBuf,
    /// The number of the device, `8:1`.
    pub device: String,
    /// Options of the mount.
    pub options: String,
    /// Which file system, `ext4`.
    pub kind: String,
    /// Where it comes from, `/dev/sda1`.
    pub source: String,
    /// Options of the file system.
    pub super_options: String,
}

/// All mounts; a later one lies on top of earlier ones at the same place.
pub fn mounts() -> Vec<Mount> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    parse(&table)
}

/// All mounts of a text in the form of `mountinfo`.
pub(super) fn parse(table: &[u8]) -> Vec<Mount> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = words.iter().skip(6).position(|word| *word == b"-")? + 6;
    let text = |at: usize| words.get(at).map(|word| plain(word));
    let string = |at: usize| text(at).map(|text| text.to_string_lossy().into_owned());
    Some(Mount {
        device: string(2)?,
        root: text(3)?.into(),
        place: text(4)?.into(),
        options: string(5)?,
        kind: string(dash + 1)?,
        source: string(dash + 2)?,
        super_options: string(dash + 3)?,
    })
}

/// A word with `\040` and its like as what they stand for.
fn plain(word: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(word.len());
    let mut at = 0;
    while let Some(byte) = word.get(at) {
        let digits = word.get(at + 1..at + 4).filter(|_| *byte == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.unwrap_or(*byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    OsString::from_vec(plain)
}

/// The mount that `path` is on.
pub fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.place));
    // Of several at one place, the last lies on top.
    above.max_by_key(|mount| OsStr::as_bytes(mount.place.as_os_str()).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:30 / /mnt/a\\040b rw - tmpfs tmpfs rw,size=4k\n\
        31 22 8:17 / /mnt/lfs rw,noatime shared:5 master:1 - ext4 /dev/sdb1 rw\n\
        32 31 0:5 / /mnt/lfs/dev rw,nosuid - devtmpfs udev rw\n\
        torn 31 0:5\n";

    #[test]
    fn lines_are_read_with_all_that_they_say() {
        let mounts = parse(TABLE);
        assert_eq!(mounts.len(), 4);
        assert_eq!(mounts[1].place, Path::new("/mnt/a b"));
        let lfs = mount_of(&mounts, Path::new("/mnt/lfs/usr/bin")).unwrap();
        assert_eq!(
            (
                lfs.source.as_str(),
                lfs.options.as_str(),
                lfs.device.as_str()
            ),
            ("/dev/sdb1", "rw,noatime", "8:17")
        );
        assert_eq!(
            mount_of(&mounts, Path::new("/mnt/lfs2")).unwrap().kind,
            "ext4"
        );
        assert_eq!(
            mount_of(&mounts, Path::new("/mnt/lfs2")).unwrap().source,
            "/dev/sda1"
        );
    }

    #[test]
    fn a_backslash_that_means_itself_stays() {
        assert_eq!(plain(b"a\\x41\\"), "a\\x41\\");
        assert_eq!(plain(b"a\\134b\\040"), "a\\b ");
    }

    #[test]
    fn this_process_sees_its_root() {
        assert!(mount_of(&mounts(), Path::new("/")).is_some());
    }
}
