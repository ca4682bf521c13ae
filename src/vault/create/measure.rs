//! How much there is to read, for those who want to know how long it will take.
use std::os::fd::OwnedFd;

use super::{Mounts, Source, walk};
use crate::store::pack::Excludes;
use crate::vault::meta::Kind;
use crate::vault::stat::Stat;

/// Entries and bytes of a source, about: what is mounted inside is counted if it is entered.
/// Nothing if the source cannot be read, or `is_wanted` says no meanwhile.
pub fn measure(source: &Source, is_wanted: &dyn Fn() -> bool) -> Option<(u64, u64)> {
    let root = source.root.as_os_str().as_encoded_bytes();
    let top = walk::open_folder(rustix::fs::CWD, root).ok()?;
    let mut work = Measure {
        source,
        excludes: Excludes::new(&source.left_out.patterns),
        is_wanted,
        buffer: Vec::new(),
        entries: 1,
        bytes: 0,
    };
    let file_system = Stat::from(rustix::fs::fstat(&top).ok()?).file_system;
    work.folder((&top, file_system), &[])?;
    Some((work.entries, work.bytes))
}

struct Measure<'s> {
    source: &'s Source,
    excludes: Excludes,
    is_wanted: &'s dyn Fn() -> bool,
    buffer: Vec<u8>,
    entries: u64,
    bytes: u64,
}

impl Measure<'_> {
    fn folder(&mut self, (dir, file_system): (&OwnedFd, u64), path: &[u8]) -> Option<()> {
        if !(self.is_wanted)() {
            return None;
        }
        let listing = walk::list(dir, &mut self.buffer).unwrap_or_default();
        for (name, stat) in listing.iter() {
            let full = crate::vault::join(path, name);
            let is_folder = stat.kind == Some(Kind::Folder);
            let too_large = !is_folder && self.source.left_out.is_too_large(stat.size);
            if too_large || self.excludes.matches(&full, is_folder) {
                continue;
            }
            self.entries += 1;
            let enters = stat.file_system == file_system || self.source.mounts == Mounts::Entered;
            if stat.kind == Some(Kind::File) {
                self.bytes += stat.size.min(stat.blocks.saturating_mul(512));
            } else if is_folder
                && enters
                && let Ok(inside) = walk::open_folder(dir, name)
            {
                self.folder((&inside, stat.file_system), &full)?;
            }
        }
        Some(())
    }
}
