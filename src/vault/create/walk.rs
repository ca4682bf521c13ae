//! Looking into folders, by descriptor.
use std::ffi::CStr;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RawDir};
use rustix::io::{Errno, Result};

use crate::vault::stat::Stat;

/// The entries of a folder, by name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    names: Vec<u8>,
    entries: Vec<(Range<usize>, Stat)>,
}

impl Listing {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Stat)> {
        let entries = self.entries.iter();
        entries.map(|(name, stat)| (&self.names[name.clone()], stat))
    }

    fn add(&mut self, name: &CStr, stat: Stat) {
        let start = self.names.len();
        self.names.extend_from_slice(name.to_bytes());
        self.entries.push((start..self.names.len(), stat));
    }

    fn sort(&mut self) {
        let names = &self.names;
        self.entries
            .sort_unstable_by(|(a, _), (b, _)| names[a.clone()].cmp(&names[b.clone()]));
    }
}

/// Opens a folder without following a symbolic link in its place.
pub(super) fn open_folder(parent: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    open(parent, name, OFlags::DIRECTORY)
}

/// Opens a file without following a symbolic link, without waiting for a pipe's other end.
pub(super) fn open_file(parent: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    open(parent, name, OFlags::NONBLOCK | OFlags::NOCTTY)
}

/// Leaves the access time alone where we may.
fn open(parent: impl AsFd, name: &[u8], how: OFlags) -> Result<OwnedFd> {
    let how = how | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent.as_fd(), name, how | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(parent, name, how, Mode::empty()),
        opened => opened,
    }
}

/// Lists a folder; entries that vanish meanwhile are left out.
pub(super) fn list(folder: impl AsFd, buffer: &mut Vec<u8>) -> Result<Listing> {
    let mut listing = Listing::default();
    buffer.clear();
    buffer.reserve(64 * 1024);
    let mut dir = RawDir::new(folder.as_fd(), buffer.spare_capacity_mut());
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match rustix::fs::statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => listing.add(name, stat.into()),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    listing.sort();
    Ok(listing)
}
