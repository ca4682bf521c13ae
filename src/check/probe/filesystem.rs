//! The file system that a place lies on: its kind, how it is mounted, what it can do.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, XattrFlags, mknodat, setxattr, statat};

use super::super::Host;
use super::scratch::Scratch;
use super::{Ability, FilesystemIs, Finding, existing};

/// One line of the kernel's table of mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    pub(super) point: PathBuf,
    pub(super) fs_type: String,
    pub(super) options: Vec<String>,
}

pub(super) fn look(is: &FilesystemIs, host: &Host<'_>) -> Finding {
    let Some(path) = host.place(&is.path) else {
        return Finding::no_place(&is.path);
    };
    let path = existing(&path);
    let (mounts, path) = match mounts().and_then(|all| Ok((all, path.canonicalize()?))) {
        Ok(both) => both,
        Err(error) => return Finding::unknown(error.to_string()),
    };
    let Some(mount) = holding(&mounts, &path) else {
        return Finding::unknown("the kernel does not tell what is mounted there");
    };
    if let Some(wrong) = kind(is, mount).or_else(|| options(is, mount)) {
        return wrong.subject(mount.point.display().to_string());
    }
    if is.can.is_empty() {
        return Finding::ok(mount.fs_type.clone());
    }
    abilities(&is.can, &path, host)
}

fn kind(is: &FilesystemIs, mount: &Mounted) -> Option<Finding> {
    let bad = is.not.contains(&mount.fs_type);
    bad.then(|| Finding::fail(format!("{} on {}", mount.fs_type, mount.point.display())))
}

fn options(is: &FilesystemIs, mount: &Mounted) -> Option<Finding> {
    let wrong = is.options.iter().filter(|option| !mount.has(option));
    let wrong: Vec<&str> = wrong.map(String::as_str).collect();
    let told = wrong.iter().map(|option| match option.strip_prefix('!') {
        Some(unwanted) => unwanted.to_owned(),
        None => format!("without {option}"),
    });
    let told: Vec<String> = told.collect();
    let found = format!("{} is mounted {}", mount.point.display(), told.join(", "));
    (!wrong.is_empty()).then(|| Finding::fail(found))
}

impl Mounted {
    /// Whether it is mounted with `option`, or after `!` without it.
    pub(super) fn has(&self, option: &str) -> bool {
        let is_there = |option: &str| self.options.iter().any(|one| one == option);
        match option.strip_prefix('!') {
            Some(unwanted) => !is_there(unwanted),
            None => is_there(option),
        }
    }
}

/// Tries out what the file system must do, in a folder of our own that is gone afterwards.
fn abilities(wanted: &[Ability], path: &Path, host: &Host<'_>) -> Finding {
    let folder = match Scratch::in_folder(path, host.ids) {
        Ok(folder) => folder,
        Err(error) => return Finding::unknown(format!("cannot try it out: {error}")),
    };
    let mut lacking = Vec::new();
    for ability in wanted {
        match has(*ability, folder.path()) {
            Ok(true) => {}
            Ok(false) => lacking.push(ability.to_string()),
            Err(error) => return Finding::unknown(format!("{ability}: {error}")),
        }
    }
    if lacking.is_empty() {
        Finding::ok("it can")
    } else {
        Finding::fail(format!("no {}", lacking.join(", no ")))
    }
}

/// What a file system says that cannot do something.
const CANNOT: &[rustix::io::Errno] = &[
    rustix::io::Errno::PERM,
    rustix::io::Errno::OPNOTSUPP,
    rustix::io::Errno::NOSYS,
    rustix::io::Errno::INVAL,
    rustix::io::Errno::NAMETOOLONG,
    rustix::io::Errno::MLINK,
    rustix::io::Errno::XDEV,
];

fn has(ability: Ability, folder: &Path) -> io::Result<bool> {
    let at = |name: &str| folder.join(name);
    made(match ability {
        Ability::HardLinks => {
            make(folder, "linked").and_then(|()| Ok(rustix::fs::link(at("linked"), at("link"))?))
        }
        Ability::Symlinks => rustix::fs::symlink("linked", at("symlink")).map_err(io::Error::from),
        Ability::Xattrs => make(folder, "marked").and_then(|()| {
            let name = "user.buildkeep";
            Ok(setxattr(at("marked"), name, b"1", XattrFlags::empty())?)
        }),
        Ability::Fifos => {
            let mode = Mode::RUSR | Mode::WUSR;
            mknodat(CWD, at("fifo"), FileType::Fifo, mode, 0).map_err(io::Error::from)
        }
        Ability::LongNames => make(folder, &"n".repeat(255)),
        Ability::UpperAndLowerCase => {
            return Ok(made(make(folder, "case"))? && !at("CASE").exists());
        }
        Ability::Modes => {
            return Ok(made(make(folder, "mode"))? && keeps_mode(&at("mode"))?);
        }
    })
}

fn make(folder: &Path, name: &str) -> io::Result<()> {
    use rustix::fs::{OFlags, open};
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    open(folder.join(name), flags, Mode::RUSR | Mode::WUSR)?;
    Ok(())
}

fn made(tried: io::Result<()>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(error) => {
            let errno = rustix::io::Errno::from_io_error(&error);
            if errno.is_some_and(|errno| CANNOT.contains(&errno)) {
                Ok(false)
            } else {
                Err(error)
            }
        }
    }
}

fn keeps_mode(path: &Path) -> io::Result<bool> {
    let wanted = 0o710;
    match rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(wanted), AtFlags::empty()) {
        Ok(()) => {
            let stat = statat(CWD, path, AtFlags::empty())?;
            Ok(stat.st_mode & 0o777 == wanted)
        }
        Err(error) => made(Err(error.into())),
    }
}

/// All that is mounted, as this process sees it.
pub(super) fn mounts() -> io::Result<Vec<Mounted>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(table.lines().filter_map(parsed).collect())
}

fn parsed(line: &str) -> Option<Mounted> {
    let (first, last) = line.split_once(" - ")?;
    let mut words = first.split(' ').skip(4);
    let point = words.next()?;
    let options = words.next()?;
    Some(Mounted {
        point: PathBuf::from(unescaped(point)),
        fs_type: last.split(' ').next()?.to_owned(),
        options: options
            .split(',')
            .chain(last.rsplit(' ').next()?.split(','))
            .map(str::to_owned)
            .collect(),
    })
}

/// The mount that `path` lies on: the deepest one, and of several there the last, which covers the others.
pub(super) fn holding<'a>(mounts: &'a [Mounted], path: &Path) -> Option<&'a Mounted> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    above.max_by_key(|mount| mount.point.components().count())
}

/// Options that builds feel, and that hold nothing private.
const FELT: &[&str] = &[
    "dev", "exec", "noatime", "nodev", "noexec", "nosuid", "relatime", "ro", "rw", "suid", "sync",
];

/// The type and the options of the file system that `place` lies on, or will.
pub(in crate::check) fn fact_of_mount(place: &Path) -> Option<String> {
    let place = existing(place).canonicalize().ok()?;
    let mounts = mounts().ok()?;
    let mount = holding(&mounts, &place)?;
    let mut options: Vec<&str> = mount.options.iter().map(String::as_str).collect();
    options.retain(|option| FELT.contains(option));
    options.sort_unstable();
    options.dedup();
    Some(format!("{} {}", mount.fs_type, options.join(",")))
}

/// The kernel writes spaces, tabs, newlines and backslashes of names as `\040` and so on.
fn unescaped(text: &str) -> String {
    let mut plain = text.to_owned();
    for (code, c) in [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ] {
        plain = plain.replace(code, c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:5 / /dev rw,nosuid - devtmpfs none rw
24 23 0:6 / /dev/pts rw,nosuid,noexec - devpts devpts rw
30 22 0:7 / /mnt/a\\040b ro,noexec shared:3 - tmpfs none rw
31 30 0:8 / /mnt/a\\040b rw - ext4 /dev/vdb rw
broken line
";

    #[test]
    fn the_deepest_and_last_mount_counts() {
        let mounts: Vec<Mounted> = TABLE.lines().filter_map(parsed).collect();
        assert_eq!(mounts.len(), 5);
        let kind = |path: &str| holding(&mounts, Path::new(path)).map(|m| m.fs_type.as_str());
        assert_eq!(kind("/devil"), Some("ext4"));
        assert_eq!(kind("/dev/ptmx"), Some("devtmpfs"));
        assert_eq!(kind("/dev/pts/0"), Some("devpts"));
        assert_eq!(kind("/mnt/a b/c"), Some("ext4"));
        let covered = holding(&mounts, Path::new("/mnt/a b")).unwrap();
        assert_eq!(
            covered.options,
            ["rw", "rw"],
            "the later mount covers the earlier one"
        );
    }

    #[test]
    fn what_a_file_system_cannot_is_told_from_what_we_may_not() {
        let error = |errno: rustix::io::Errno| made(Err(errno.into()));
        assert!(!error(rustix::io::Errno::OPNOTSUPP).unwrap());
        assert!(error(rustix::io::Errno::NOSPC).is_err());
        assert!(error(rustix::io::Errno::ACCESS).is_err());
    }
}
