//! Making links, pipes and devices.
use crate::fs::Special;
use crate::vault::meta::{Kind, Record};

/// What to make for an entry that is neither file nor folder.
pub(super) fn special(record: &Record) -> Option<Special<'_>> {
    let (major, minor) = record.device;
    match record.kind {
        Kind::Link => Some(Special::Link(&record.target)),
        Kind::Fifo => Some(Special::Fifo),
        Kind::CharDevice => Some(Special::CharDevice(major, minor)),
        Kind::BlockDevice => Some(Special::BlockDevice(major, minor)),
        Kind::File | Kind::Folder => None,
    }
}
