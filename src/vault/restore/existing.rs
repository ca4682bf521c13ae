//! Comparing what is there with what should be.
use rustix::io::Errno;

use super::attributes::{same_xattrs, xattrs_at};
use super::target::Compare;
use crate::fs::Folder;
use crate::vault::meta::{Kind, Record};
use crate::vault::stat::Stat;

/// What is to be done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing: it is as it should be, or not asked for.
    Keep,
    /// Set owner, mode, time and attributes.
    Attributes,
    /// Make it; nothing is there.
    Make,
    /// Make it beside its place, and put it there.
    Replace,
    /// It is another name of a file: link it when that is there.
    Link,
    /// A folder: it has a plan of its own.
    Enter,
}

/// What stands where an entry belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Existing {
    Nothing,
    /// A folder, where something else belongs.
    Folder,
    Entry(Stat),
}

impl Existing {
    pub(super) fn look(folder: &Folder, record: &Record) -> Result<Self, Errno> {
        match folder.stat(&record.name) {
            Ok(stat) => match Stat::from(stat) {
                stat if stat.kind == Some(Kind::Folder) && record.kind != Kind::Folder => {
                    Ok(Self::Folder)
                }
                stat => Ok(Self::Entry(stat)),
            },
            Err(Errno::NOENT) => Ok(Self::Nothing),
            Err(errno) => Err(errno),
        }
    }
}

/// What is to be done with an entry that is no folder, given what is there.
pub(super) fn decide(folder: &Folder, record: &Record, there: &Stat, compare: Compare) -> Action {
    let believed = compare == Compare::Time || record.kind != Kind::File || record.size == 0;
    if !believed || !is_same_content(folder, record, there) {
        return Action::Replace;
    }
    let same_stat = there.uid == record.uid
        && there.gid == record.gid
        && there.mtime == record.mtime
        && (record.kind == Kind::Link || there.mode == record.mode);
    if same_stat && same_xattrs(&xattrs_at(folder, &record.name), record) {
        Action::Keep
    } else {
        Action::Attributes
    }
}

/// Whether kind, size and time say that the content is the same.
fn is_same_content(folder: &Folder, record: &Record, there: &Stat) -> bool {
    if there.kind != Some(record.kind) {
        return false;
    }
    match record.kind {
        Kind::File => there.size == record.size && there.mtime == record.mtime,
        Kind::Link => rustix::fs::readlinkat(folder, record.name.as_slice(), Vec::new())
            .is_ok_and(|target| target.to_bytes() == record.target),
        Kind::CharDevice | Kind::BlockDevice => there.device == record.device,
        Kind::Fifo | Kind::Folder => true,
    }
}
