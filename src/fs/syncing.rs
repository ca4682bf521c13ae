//! How the file system at hand makes much durable at little cost.
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{major, minor, statfs};

/// How many changes are made durable together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    /// Through a log in which everything has its place: who waits for the last change has waited
    /// for all before it.
    Log,
    /// The whole file system at once, whatever else is waiting to be written to it.
    Whole,
    /// The same as long as that is little, else each for itself.
    WholeOrEach,
    /// Every file and every folder for itself, which works everywhere.
    Each,
}

/// As `statfs` tells ext2, ext3 and ext4.
const EXT: u64 = 0xEF53;
/// As `statfs` tells XFS.
const XFS: u64 = 0x5846_5342;

impl Syncing {
    /// The best way for the file system that `path` lies on.
    ///
    /// Whatever is not known for sure is done in the way that works everywhere.
    pub fn at(path: &Path) -> Self {
        let (Ok(system), Ok(meta)) = (statfs(path), fs::metadata(path)) else {
            return Self::Each;
        };
        match u64::try_from(system.f_type) {
            Ok(EXT) if has_ordered_log(meta.dev()) => Self::Log,
            Ok(EXT) => Self::WholeOrEach,
            Ok(XFS) if is_plain_xfs(meta.dev()) => Self::Log,
            _ => Self::Each,
        }
    }

    /// As it is called in a configuration; a log cannot be had by asking for it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "each" => Some(Self::Each),
            "whole" => Some(Self::Whole),
            _ => None,
        }
    }
}

/// Whether an ext4 has a journal of whole transactions, on the same disk, with its data ahead.
fn has_ordered_log(device: u64) -> bool {
    let Some(name) = name_of(device) else {
        return false;
    };
    // The journal is a file of the file system itself, inode 8; on another disk it has another name.
    let has_own = Path::new("/proc/fs/jbd2")
        .join(format!("{name}-8"))
        .exists();
    let options = Path::new("/proc/fs/ext4").join(name).join("options");
    has_own && fs::read_to_string(options).is_ok_and(|options| keeps_order(&options))
}

/// Fast commits log something else than transactions, and have earned less trust yet.
fn keeps_order(options: &str) -> bool {
    let has = |wanted: &str| options.lines().any(|option| option == wanted);
    let is_fast = |option: &str| option.starts_with("fc_") || option.starts_with("fast_commit");
    has("rw")
        && has("data=ordered")
        && !has("journal_async_commit")
        && !options.lines().any(is_fast)
}

/// The kernel's name of a disk.
fn name_of(device: u64) -> Option<String> {
    let link = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let target = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// Whether an XFS has all its data on the disk whose cache its log flushes.
fn is_plain_xfs(device: u64) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let number = format!("{}:{}", major(device), minor(device));
    is_mounted_plain(&mounts, &number)
}

fn is_mounted_plain(mounts: &str, number: &str) -> bool {
    let mut here = mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(number))
        .filter_map(|line| line.split_once(" - xfs "))
        .peekable();
    here.peek().is_some() && here.all(|(_, told)| !told.contains("rtdev="))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERED: &str = "rw\nbsddf\ndelalloc\nbarrier\ndata=ordered\ncommit=5\n";

    #[test]
    fn an_ext4_must_say_that_it_keeps_order() {
        assert!(keeps_order(ORDERED));
        assert!(!keeps_order(&ORDERED.replace("=ordered", "=writeback")));
        assert!(!keeps_order(&ORDERED.replace("data=ordered\n", "")));
        assert!(!keeps_order(&format!("{ORDERED}fc_debug_force\n")));
        assert!(!keeps_order(&format!("{ORDERED}journal_async_commit\n")));
        assert!(!keeps_order(""));
    }

    #[test]
    fn an_xfs_with_a_realtime_device_is_not_plain() {
        let line = "44 27 7:1 / /mnt rw,relatime - xfs /dev/loop1 rw,inode64,noquota";
        assert!(is_mounted_plain(line, "7:1"));
        assert!(!is_mounted_plain(line, "7:11") && !is_mounted_plain("", "7:1"));
        assert!(!is_mounted_plain(&format!("{line},rtdev=/dev/sdb"), "7:1"));
    }

    #[test]
    fn what_is_no_disk_syncs_each() {
        assert_eq!(Syncing::at(Path::new("/proc")), Syncing::Each);
        assert_eq!(Syncing::at(Path::new("/nowhere")), Syncing::Each);
        assert_eq!(Syncing::named("each"), Some(Syncing::Each));
        assert_eq!(Syncing::named("log"), None);
    }
}
