//! Owner, extended attributes, mode and time, in the order in which they do not undo one another.
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{Mode, XattrFlags};
use rustix::io::{Errno, Result};
use rustix::process::{Gid, Uid};

use super::problem::Trouble;
use crate::fs::{Folder, reason, set_time_of};
use crate::vault::meta::{Kind, Record};
use crate::vault::stat::Stat;
use crate::vault::xattrs::{self, Xattrs};

/// Setuid and setgid.
const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

/// What gets attributes.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// An open file or folder.
    Open(BorrowedFd<'a>),
    /// An entry that cannot be opened, or is better not.
    Entry(&'a Folder, &'a [u8]),
}

/// What went wrong, and what the system said.
pub(super) type Troubles = Vec<(Trouble, Option<String>)>;

/// Gives a file, link, device or folder all that its record says.
pub(super) fn set(place: Place<'_>, record: &Record) -> Troubles {
    let mut troubles = Vec::new();
    let mut note = |trouble, done: Result<()>| {
        if let Err(errno) = done {
            troubles.push((trouble, Some(reason(errno))));
        }
    };
    let now = place.stat();
    let owner = now.and_then(|now| set_owner(place, record, &now));
    note(Trouble::Owner, owner);
    note(Trouble::Attribute, set_xattrs(place, record));
    if record.kind != Kind::Link {
        let mode = safe_mode(place, record);
        note(Trouble::Mode, place.set_mode(mode));
        if mode != record.mode {
            note(Trouble::SetId, Err(Errno::PERM));
        }
    }
    let time = (record.mtime.seconds, record.mtime.nanos);
    note(Trouble::Mode, place.set_time(time));
    troubles
}

/// Owner and group; at least the group, if only that is allowed.
fn set_owner(place: Place<'_>, record: &Record, now: &Stat) -> Result<()> {
    if (now.uid, now.gid) == (record.uid, record.gid) {
        return Ok(());
    }
    place
        .set_owner(Some(record.uid), record.gid)
        .or_else(|errno| {
            let group = place.set_owner(None, record.gid);
            if now.uid == record.uid {
                group
            } else {
                Err(errno)
            }
        })
}

/// The mode, without setuid and setgid if they would serve another owner than they were meant to.
fn safe_mode(place: Place<'_>, record: &Record) -> u32 {
    let mut mode = record.mode;
    if record.kind == Kind::File && mode & (SET_UID | SET_GID) != 0 {
        let now = place.stat().ok();
        if now.is_none_or(|now| now.uid != record.uid) {
            mode &= !SET_UID;
        }
        if now.is_none_or(|now| now.gid != record.gid) {
            mode &= !SET_GID;
        }
    }
    mode
}

fn set_xattrs(place: Place<'_>, record: &Record) -> Result<()> {
    let now = place.xattrs()?;
    let mut done = Ok(());
    for name in now.keys().filter(|name| is_ours(name)) {
        if !record.xattrs.contains_key(name) {
            done = done.and(place.remove_xattr(name));
        }
    }
    for (name, value) in &record.xattrs {
        if now.get(name) != Some(value) {
            done = done.and(place.set_xattr(name, value));
        }
    }
    done
}

/// Attributes that the kernel adds by itself, such as labels, are left alone.
fn is_ours(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name.starts_with(b"trusted.")
        || name.starts_with(b"system.posix_acl_")
        || name == b"security.capability"
}

/// Whether a file has the attributes of its record.
pub(super) fn same_xattrs(now: &Xattrs, record: &Record) -> bool {
    let wanted =
        |(name, _): &(&Vec<u8>, &Vec<u8>)| is_ours(name) || record.xattrs.contains_key(*name);
    now.iter().filter(wanted).eq(record.xattrs.iter())
}

/// The attributes of an entry; none if they cannot be read.
pub(super) fn xattrs_at(folder: &Folder, name: &[u8]) -> Xattrs {
    xattrs::of_entry(folder.as_fd(), name, &folder.path_of(name)).unwrap_or_default()
}

/// The attributes of an open folder; none if they cannot be read.
pub(super) fn xattrs_of(folder: &Folder) -> Xattrs {
    xattrs::of_open(folder).unwrap_or_default()
}

impl Place<'_> {
    fn stat(self) -> Result<Stat> {
        match self {
            Self::Open(file) => rustix::fs::fstat(file),
            Self::Entry(folder, name) => folder.stat(name),
        }
        .map(Stat::from)
    }

    fn set_owner(self, user: Option<u32>, group: u32) -> Result<()> {
        match self {
            Self::Open(file) => {
                rustix::fs::fchown(file, user.map(Uid::from_raw), Some(Gid::from_raw(group)))
            }
            Self::Entry(folder, name) => folder.set_owner(name, user, Some(group)),
        }
    }

    fn set_mode(self, mode: u32) -> Result<()> {
        match self {
            Self::Open(file) => rustix::fs::fchmod(file, Mode::from_raw_mode(mode)),
            Self::Entry(folder, name) => folder.set_mode(name, mode),
        }
    }

    fn set_time(self, time: (i64, u32)) -> Result<()> {
        match self {
            Self::Open(file) => set_time_of(file, time),
            Self::Entry(folder, name) => folder.set_time(name, time),
        }
    }

    fn xattrs(self) -> Result<Xattrs> {
        match self {
            Self::Open(file) => xattrs::of_open(file),
            Self::Entry(folder, name) => Ok(xattrs_at(folder, name)),
        }
    }

    fn set_xattr(self, name: &[u8], value: &[u8]) -> Result<()> {
        let how = XattrFlags::empty();
        match self {
            Self::Open(file) => rustix::fs::fsetxattr(file, name, value, how),
            Self::Entry(folder, entry) => {
                rustix::fs::lsetxattr(folder.path_of(entry), name, value, how)
            }
        }
    }

    fn remove_xattr(self, name: &[u8]) -> Result<()> {
        match self {
            Self::Open(file) => rustix::fs::fremovexattr(file, name),
            Self::Entry(folder, entry) => rustix::fs::lremovexattr(folder.path_of(entry), name),
        }
    }
}
