//! The file systems that a snapshot is of.
//!
//! Usually that is the one of the source: what is mounted inside is an empty folder. If told to, a
//! snapshot also enters what is mounted, but for file systems that the kernel or memory makes up
//! (`proc`, `sysfs`, `tmpfs`, …), and what is in the snapshot already (bind mounts).
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::vault::stat::Stat;

/// Types of file systems without anything that could be restored.
const MADE_UP: &[&[u8]] = &[
    b"autofs",
    b"binfmt_misc",
    b"bpf",
    b"cgroup",
    b"cgroup2",
    b"configfs",
    b"debugfs",
    b"devpts",
    b"devtmpfs",
    b"efivarfs",
    b"fuse.buildkeep",
    b"fusectl",
    b"hugetlbfs",
    b"mqueue",
    b"nfsd",
    b"nsfs",
    b"proc",
    b"pstore",
    b"ramfs",
    b"rpc_pipefs",
    b"securityfs",
    b"selinuxfs",
    b"sysfs",
    b"tmpfs",
    b"tracefs",
];

/// What becomes of the folders where something is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mounts {
    /// They are empty.
    #[default]
    LeftEmpty,
    /// They are entered.
    Entered,
}

/// The file systems that a snapshot is of.
#[derive(Debug, Default)]
pub(super) struct FileSystems {
    /// Their numbers within the snapshot, by those of the system; 0 is that of the source.
    numbers: HashMap<u64, u64>,
    /// The mount points that are entered, from the source.
    entered: HashMap<Vec<u8>, u64>,
}

impl FileSystems {
    /// Those of a source that lies at `root`.
    pub(super) fn of(root: &Path, source: &Stat, mounts: Mounts) -> Self {
        let mut systems = Self {
            numbers: HashMap::from([(source.file_system, 0)]),
            entered: HashMap::new(),
        };
        if mounts == Mounts::LeftEmpty {
            return systems;
        }
        let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        for path in inside(&table, root.as_os_str().as_bytes()) {
            let there = rustix::fs::lstat(root.join(OsStr::from_bytes(&path))).map(Stat::from);
            if let Ok(there) = there {
                let next = systems.numbers.len() as u64;
                systems.numbers.entry(there.file_system).or_insert(next);
                systems.entered.insert(path, there.file_system);
            }
        }
        systems
    }

    /// Whether what is mounted at a path belongs to the snapshot.
    pub(super) fn enters(&self, path: &[u8], file_system: u64) -> bool {
        self.entered.get(path) == Some(&file_system)
    }

    /// The number of a file system within the snapshot; none if it is not of the snapshot, as with
    /// a single file that is mounted over another.
    pub(super) fn number(&self, file_system: u64) -> Option<u64> {
        self.numbers.get(&file_system).copied()
    }
}

/// A line of the table of mounts.
struct Mount {
    device: Vec<u8>,
    /// The folder of the file system that is mounted.
    part: Vec<u8>,
    point: Vec<u8>,
    kind: Vec<u8>,
}

/// The mount points below `root` that are to be entered, from there, in the order of their names.
fn inside(table: &[u8], root: &[u8]) -> Vec<Vec<u8>> {
    let all: Vec<Mount> = table
        .split(|byte| *byte == b'\n')
        .filter_map(parse)
        .collect();
    let around = all
        .iter()
        .filter(|mount| below(root, &mount.point).is_some());
    let around = around.max_by_key(|mount| mount.point.len());
    let mut covered: Vec<(&[u8], Vec<u8>)> = around
        .iter()
        .map(|mount| {
            (
                &mount.device[..],
                joined(&mount.part, below(root, &mount.point)),
            )
        })
        .collect();
    let mut last: HashMap<&[u8], &Mount> = HashMap::new();
    for mount in &all {
        last.insert(&mount.point, mount);
    }
    let mut mounts: Vec<_> = last.into_values().collect();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    let mut entered = Vec::new();
    for mount in mounts {
        let path = below(&mount.point, root).filter(|path| !path.is_empty());
        let is_covered = covered
            .iter()
            .any(|(device, part)| *device == mount.device && below(&mount.part, part).is_some());
        if let Some(path) = path
            && !is_covered
            && !MADE_UP.contains(&&mount.kind[..])
        {
            covered.push((&mount.device, mount.part.clone()));
            entered.push(path.to_vec());
        }
    }
    entered
}

/// What comes after `above` in `path`, if it lies there.
fn below<'p>(path: &'p [u8], above: &[u8]) -> Option<&'p [u8]> {
    let rest = path.strip_prefix(above.strip_suffix(b"/").unwrap_or(above))?;
    match rest.split_first() {
        None => Some(b""),
        Some((b'/', rest)) => Some(rest),
        Some(_) => None,
    }
}

fn joined(part: &[u8], rest: Option<&[u8]>) -> Vec<u8> {
    let part = part.strip_suffix(b"/").unwrap_or(part);
    match rest {
        Some(rest) if !rest.is_empty() => [part, b"/", rest].concat(),
        _ if part.is_empty() => b"/".to_vec(),
        _ => part.to_vec(),
    }
}

fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = fields.nth(2)?.to_vec();
    let (part, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?.to_vec();
    Some(Mount {
        device,
        part,
        point,
        kind,
    })
}

/// Spaces and their like are octal numbers there.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), field);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let number = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let number = number.and_then(|number| u8::from_str_radix(number, 8).ok());
        out.push(number.unwrap_or(*first));
        rest = if number.is_some() { &after[3..] } else { after };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_is_entered_once_unless_it_is_made_up() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 8:1 /mnt/lfs/bound /mnt/lfs/again rw - ext4 /dev/sda1 rw
3 1 0:5 / /mnt/lfs/dev rw - devtmpfs udev rw
4 1 8:2 / /mnt/lfs/home rw shared:7 master:1 - xfs /dev/sdb1 rw
5 1 8:2 / /mnt/lfs/twice rw - xfs /dev/sdb1 rw
6 1 8:3 / /mnt/lfs/with\\040space rw - vfat /dev/sdc1 rw
7 4 8:4 / /mnt/lfs/home/deep rw - ext4 /dev/sdd1 rw
8 1 0:9 / /mnt/lfs/tmp rw - tmpfs tmpfs rw
9 1 8:5 / /mnt/lfsother rw - ext4 /dev/sde1 rw
10 1 8:1 /srv /mnt/lfs/srv rw - ext4 /dev/sda1 rw
";
        let found = inside(table, b"/mnt/lfs");
        let shown: Vec<_> = found
            .iter()
            .map(|path| String::from_utf8_lossy(path))
            .collect();
        assert_eq!(shown, ["home", "home/deep", "srv", "with space"]);
        assert_eq!(inside(b"nonsense\n\n1 2", b"/"), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn subvolumes_of_one_disk_are_no_bind_mounts() {
        let table = b"1 0 0:30 /@ / rw - btrfs /dev/sda1 rw
2 1 0:30 /@home /home rw - btrfs /dev/sda1 rw
3 1 0:30 /@/var /mnt/var rw - btrfs /dev/sda1 rw
";
        assert_eq!(inside(table, b"/"), [b"home".to_vec()]);
    }
}
