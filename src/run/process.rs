//! Which process is meant: a number alone is reused.
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use super::{Cgroup, Error};
pub use crate::fs::boot_id;
use crate::fs::{PathError, read_optional};
use crate::world::Clock;

/// A process, told apart from all others before and after it, reboots included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
    /// The boot it lives in.
    pub boot_id: String,
    /// The inode of its pidfd, where the kernel gives each process its own.
    pub pidfd_inode: Option<u64>,
}

/// What `proc.json` says: who became the script, or that nobody ever will.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ProcFile {
    pub(super) process: Option<Identity>,
    /// The cgroup at the start, as `/proc/PID/cgroup` has it.
    pub(super) cgroup: Option<String>,
    /// The folder of the attempt's own cgroup, if it has one.
    #[serde(default)]
    pub(super) cgroup_dir: Option<PathBuf>,
    /// How many processes of the machine had been killed for want of memory, as `/proc/vmstat` has it.
    #[serde(default)]
    pub(super) oom_kills: Option<u64>,
    /// When it started, RFC 3339.
    pub(super) started: Option<String>,
    /// When it started, in seconds since boot.
    pub(super) started_boot_s: Option<f64>,
}

impl ProcFile {
    /// Says that this process is about to become the script.
    pub(super) fn of_self(clock: &Clock, own: Option<&Cgroup>) -> Result<Self, Error> {
        let cgroup = read_optional(Path::new("/proc/self/cgroup"))?;
        Ok(Self {
            process: Some(Identity::of_self()?),
            cgroup: cgroup.map(|text| String::from_utf8_lossy(&text).trim().to_owned()),
            cgroup_dir: own.map(|own| own.path().to_owned()),
            oom_kills: oom_kills(),
            started: Some(clock.stamp()),
            started_boot_s: Some(clock.since_boot().as_secs_f64()),
        })
    }

    /// Says that nobody will.
    pub(super) fn nobody() -> Self {
        Self {
            process: None,
            cgroup: None,
            cgroup_dir: None,
            oom_kills: None,
            started: None,
            started_boot_s: None,
        }
    }
}

/// How many processes of the machine have been killed because memory ran out.
pub(super) fn oom_kills() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

impl Identity {
    /// The process with this number, if it is there.
    pub fn of(pid: i32) -> Result<Option<Self>, Error> {
        let Some(stat) = Stat::of(pid)? else {
            return Ok(None);
        };
        let pidfd_inode = Pid::from_raw(pid)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
            .and_then(|fd| inode_of(&fd));
        Ok(Some(Self {
            pid,
            start_ticks: stat.start_ticks,
            boot_id: boot_id()?,
            pidfd_inode,
        }))
    }

    /// This very process.
    pub fn of_self() -> Result<Self, Error> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let found = Self::of(pid)?;
        found.ok_or(Error::System {
            action: "read /proc, which must be mounted",
            source: std::io::ErrorKind::NotFound.into(),
        })
    }

    /// A descriptor of the process if it still exists, be it as a zombie.
    ///
    /// The descriptor is opened before the start time is compared, so it cannot mean a later
    /// process with the same number.
    pub fn open(&self) -> Option<OwnedFd> {
        if boot_id().ok()? != self.boot_id {
            return None;
        }
        let fd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        let stat = Stat::of(self.pid).ok()??;
        let same_inode = match (self.pidfd_inode, inode_of(&fd)) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        (stat.start_ticks == self.start_ticks && same_inode).then_some(fd)
    }

    /// Whether `fd` is a descriptor of exactly this process, alive or not.
    pub(super) fn is_pidfd(&self, fd: &OwnedFd) -> bool {
        self.pidfd_inode.is_some() && inode_of(fd) == self.pidfd_inode
    }

    /// What the process does, if it is still there.
    pub(super) fn stat(&self) -> Option<Stat> {
        self.open()?;
        Stat::of(self.pid).ok()?
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_running(&self) -> bool {
        self.stat().is_some_and(|stat| !stat.is_zombie())
    }
}

/// Inodes of pidfds are unique per process only on the file system of their own (Linux 6.9);
/// before, they all shared one small number.
fn inode_of(fd: &OwnedFd) -> Option<u64> {
    const PIDFS_MAGIC: i128 = 0x5049_4446;
    let system = rustix::fs::fstatfs(fd.as_fd()).ok()?;
    (i128::from(system.f_type) == PIDFS_MAGIC)
        .then(|| rustix::fs::fstat(fd.as_fd()).ok())
        .flatten()
        .map(|stat| stat.st_ino)
}

/// The fields of `/proc/PID/stat` that we need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) state: char,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) start_ticks: u64,
    /// Processor time, its own and of children it waited for, in clock ticks.
    pub(super) cpu_ticks: u64,
    /// Memory that it holds.
    pub(super) rss_pages: u64,
    /// The wait status, if it is a zombie and we may know.
    pub(super) exit_status: Option<i32>,
}

impl Stat {
    pub(super) fn of(pid: i32) -> Result<Option<Self>, PathError> {
        let path = PathBuf::from(format!("/proc/{pid}/stat"));
        match read_optional(&path) {
            Ok(bytes) => Ok(bytes.and_then(|bytes| Self::parse(&bytes))),
            // The process went away between open and read.
            Err(error) if error.source.raw_os_error() == Some(3) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name in parentheses may hold anything, so fields count from the last `)`.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let pid = text.split(' ').next()?.parse().ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |at: usize| fields.get(at).copied();
        Some(Self {
            pid,
            state: field(0)?.chars().next()?,
            parent: field(1)?.parse().ok()?,
            session: field(3)?.parse().ok()?,
            start_ticks: field(19)?.parse().ok()?,
            cpu_ticks: (11..=14)
                .filter_map(field)
                .filter_map(|ticks| ticks.parse::<u64>().ok())
                .sum(),
            rss_pages: field(21).and_then(|pages| pages.parse().ok()).unwrap_or(0),
            exit_status: field(49).and_then(|text| text.parse().ok()),
        })
    }

    pub(super) fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_confuse() {
        let line = b"42 (a) b (c) S 1 42 40 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 777 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pid, stat.state, stat.parent), (42, 'S', 1));
        assert_eq!((stat.session, stat.start_ticks), (40, 777));
        assert_eq!((stat.cpu_ticks, stat.rss_pages), (10, 0));
    }

    #[test]
    fn we_are_running_and_a_process_with_our_number_but_another_start_is_not() {
        let me = Identity::of_self().unwrap();
        assert!(me.is_running());
        let other = Identity {
            start_ticks: me.start_ticks + 1,
            ..me.clone()
        };
        assert!(!other.is_running());
        let earlier = Identity {
            boot_id: "another".into(),
            ..me
        };
        assert!(earlier.open().is_none());
    }
}
