//! A folder held by its descriptor, so that no name leads out of it.
//!
//! Every operation takes one name without a slash and follows no symbolic link, so whatever others
//! do to the folders meanwhile, nothing outside of the first one can be read or changed.
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, StatxAttributes, StatxFlags,
    Timespec, Timestamps, makedev, openat, openat2, statat,
};
use rustix::io::{Errno, Result};
use rustix::process::{Gid, Uid};

/// A folder.
#[derive(Debug)]
pub struct Folder(OwnedFd);

/// Something new in a folder that is neither file nor folder.
#[derive(Clone, Copy, Debug)]
pub enum Special<'a> {
    /// A symbolic link to this target.
    Link(&'a [u8]),
    /// A named pipe.
    Fifo,
    /// A character device with these numbers.
    CharDevice(u32, u32),
    /// A block device with these numbers.
    BlockDevice(u32, u32),
}

/// How temporary names begin.
const TEMPORARY: &str = ".buildkeep-tmp-";

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Whether something is mounted here, be it a part of the same file system.
pub fn is_mount_point(folder: impl AsFd) -> bool {
    let asked = rustix::fs::statx(folder, c"", AtFlags::EMPTY_PATH, StatxFlags::empty());
    asked.is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

impl Folder {
    /// Opens the folder at a path, following symbolic links on the way.
    pub fn open(path: &Path) -> Result<Self> {
        let how = FOLDER.difference(OFlags::NOFOLLOW);
        openat(CWD, path, how, Mode::empty()).map(Self)
    }

    /// Opens a subfolder.
    pub fn folder(&self, name: &[u8]) -> Result<Self> {
        refuse_path(name)?;
        openat(&self.0, name, FOLDER, Mode::empty()).map(Self)
    }

    /// Opens the folder at a path below this one, through no symbolic link.
    pub fn beneath(&self, path: &[u8]) -> Result<Self> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(
            &self.0,
            if path.is_empty() { b"." } else { path },
            FOLDER,
            Mode::empty(),
            resolve,
        ) {
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => self.step_by_step(path),
            opened => opened.map(Self),
        }
    }

    /// The same for kernels before 5.6, and for paths that are too long.
    fn step_by_step(&self, path: &[u8]) -> Result<Self> {
        let here = Self(self.0.try_clone().map_err(|_| Errno::MFILE)?);
        let names = path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty());
        names
            .into_iter()
            .try_fold(here, |folder, name| folder.folder(name))
    }

    /// Makes a subfolder that only we may enter, and opens it.
    pub fn make_folder(&self, name: &[u8]) -> Result<Self> {
        refuse_path(name)?;
        rustix::fs::mkdirat(&self.0, name, Mode::RWXU)?;
        self.folder(name)
    }

    /// Makes a file that only we may read, and opens it for writing.
    pub fn make_file(&self, name: &[u8]) -> Result<File> {
        refuse_path(name)?;
        let how =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.0, name, how, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// Makes a link, a pipe or a device.
    pub fn make_special(&self, name: &[u8], what: Special<'_>) -> Result<()> {
        refuse_path(name)?;
        let node = |kind, device| {
            rustix::fs::mknodat(&self.0, name, kind, Mode::RUSR | Mode::WUSR, device)
        };
        match what {
            Special::Link(target) => rustix::fs::symlinkat(target, &self.0, name),
            Special::Fifo => node(FileType::Fifo, 0),
            Special::CharDevice(major, minor) => {
                node(FileType::CharacterDevice, makedev(major, minor))
            }
            Special::BlockDevice(major, minor) => {
                node(FileType::BlockDevice, makedev(major, minor))
            }
        }
    }

    /// Makes another name for a file in `from`.
    pub fn make_name(&self, name: &[u8], from: &Self, old: &[u8]) -> Result<()> {
        refuse_path(name)?;
        refuse_path(old)?;
        rustix::fs::linkat(&from.0, old, &self.0, name, AtFlags::empty())
    }

    /// Replaces the entry `name` by the entry `new` of the same folder.
    pub fn replace(&self, name: &[u8], new: &[u8]) -> Result<()> {
        refuse_path(name)?;
        rustix::fs::renameat(&self.0, new, &self.0, name)
    }

    /// Takes away an entry that is no folder.
    pub fn remove(&self, name: &[u8]) -> Result<()> {
        refuse_path(name)?;
        rustix::fs::unlinkat(&self.0, name, AtFlags::empty())
    }

    /// The names of all entries, as they come.
    pub fn names(&self) -> Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(&name[..], b"." | b"..") {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Takes away an empty subfolder.
    pub fn remove_folder(&self, name: &[u8]) -> Result<()> {
        refuse_path(name)?;
        rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)
    }

    /// What the file system says of an entry.
    pub fn stat(&self, name: &[u8]) -> Result<Stat> {
        refuse_path(name)?;
        statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Gives an entry its owner and group.
    pub fn set_owner(&self, name: &[u8], user: Option<u32>, group: Option<u32>) -> Result<()> {
        let (user, group) = (user.map(Uid::from_raw), group.map(Gid::from_raw));
        rustix::fs::chownat(&self.0, name, user, group, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Gives an entry its time of change; seconds and nanoseconds.
    pub fn set_time(&self, name: &[u8], time: (i64, u32)) -> Result<()> {
        rustix::fs::utimensat(&self.0, name, &timestamps(time), AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Gives an entry that is no link its mode.
    pub fn set_mode(&self, name: &[u8], mode: u32) -> Result<()> {
        refuse_path(name)?;
        let how = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let entry = openat(&self.0, name, how, Mode::empty())?;
        let mode = Mode::from_raw_mode(mode);
        match rustix::fs::chmod(descriptor_path(entry.as_fd()), mode) {
            // Without /proc there is no other way than by name.
            Err(Errno::NOENT) => rustix::fs::chmodat(&self.0, name, mode, AtFlags::empty()),
            done => done,
        }
    }

    /// A path that leads to an entry for calls that take no descriptor.
    pub fn path_of(&self, name: &[u8]) -> PathBuf {
        descriptor_path(self.0.as_fd()).join(OsStr::from_bytes(name))
    }

    /// Takes away what killed processes left under temporary names.
    pub fn sweep(&self) -> Result<()> {
        let dir = rustix::fs::Dir::read_from(&self.0)?;
        for entry in dir {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if is_left_over(name) {
                self.remove(name)?;
            }
        }
        Ok(())
    }

    /// A name in this folder that nobody uses.
    pub fn temporary_name() -> Vec<u8> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("{TEMPORARY}{}-{count}", std::process::id()).into_bytes()
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Gives an open file or folder its time of change; seconds and nanoseconds.
pub fn set_time_of(file: impl AsFd, time: (i64, u32)) -> Result<()> {
    rustix::fs::futimens(file, &timestamps(time))
}

fn timestamps((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn descriptor_path(descriptor: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

/// Whether a name is a temporary one of a process that is no more.
fn is_left_over(name: &[u8]) -> bool {
    let rest = name.strip_prefix(TEMPORARY.as_bytes());
    let parts = rest.and_then(|rest| std::str::from_utf8(rest).ok()?.split_once('-'));
    let numbers = parts.and_then(|(pid, count)| {
        count.parse::<u32>().ok()?;
        rustix::process::Pid::from_raw(pid.parse().ok()?)
    });
    numbers.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH))
}

/// One name only.
fn refuse_path(name: &[u8]) -> Result<()> {
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return Err(Errno::INVAL);
    }
    Ok(())
}

/// What the system said, as the standard library puts it.
pub fn reason(errno: Errno) -> String {
    io::Error::from(errno).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_link_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        std::fs::create_dir_all(inside.join("a/b")).unwrap();
        std::os::unix::fs::symlink("/", inside.join("a/out")).unwrap();
        let folder = Folder::open(&inside).unwrap();
        for name in ["", ".", "..", "a/b", "../x"] {
            assert_eq!(folder.folder(name.as_bytes()).unwrap_err(), Errno::INVAL);
            assert!(folder.make_file(name.as_bytes()).is_err());
        }
        assert!(folder.beneath(b"a/b").is_ok() && folder.step_by_step(b"a/b").is_ok());
        assert!(folder.beneath(b"").is_ok());
        for path in [&b"a/out"[..], b"a/out/etc", b"..", b"a/../../x"] {
            assert!(folder.beneath(path).is_err());
            assert!(folder.step_by_step(path).is_err());
        }
    }
}
