//! Removing what a snapshot does not have.
//!
//! The plan lists each entry that goes, down to the last file of a folder, so that all of it can
//! be kept first. Nothing else is removed: what came later stays, and so does its folder.
use std::collections::BTreeSet;

use rustix::io::Errno;

use super::plan::Planner;
use super::problem::Trouble;
use crate::fs::Folder;
use crate::vault::folder::{StoredFolder, shown};
use crate::vault::join;
use crate::vault::meta::{Decoded, Kind};
use crate::vault::stat::Stat;
use crate::vault::wanted::Choice;

/// An entry that goes, with all that is in it.
#[derive(Debug)]
pub(super) struct Removal {
    name: Vec<u8>,
    /// What a folder holds that goes too; nothing for other entries.
    inside: Option<Vec<Self>>,
    /// Something in it stays, and so it does.
    stays: bool,
}

impl Removal {
    /// Removes it; returns what could not be removed.
    pub(super) fn apply(&self, folder: &Folder, path: &[u8]) -> Vec<(Vec<u8>, Errno)> {
        let full = join(path, &self.name);
        let Some(inside) = &self.inside else {
            return failed(folder.remove(&self.name), full);
        };
        let opened = match folder.folder(&self.name) {
            Ok(opened) => opened,
            Err(errno) => return failed(Err(errno), full),
        };
        let mut left: Vec<_> = inside
            .iter()
            .flat_map(|entry| entry.apply(&opened, &full))
            .collect();
        if left.is_empty() && !self.stays {
            left.extend(failed(folder.remove_folder(&self.name), full));
        }
        left
    }
}

fn failed(done: Result<(), Errno>, path: Vec<u8>) -> Vec<(Vec<u8>, Errno)> {
    match done {
        Ok(()) | Err(Errno::NOENT) => Vec::new(),
        Err(errno) => vec![(path, errno)],
    }
}

impl Planner<'_> {
    /// Plans to remove what a folder has and its snapshot has not.
    pub(super) fn removals(
        &mut self,
        number: usize,
        stored: &StoredFolder,
        there: Option<&Folder>,
    ) {
        let path = self.plan.folders[number].path.clone();
        let Some(there) = there.filter(|_| self.spared.removes) else {
            return;
        };
        if self.spared.is_cache(there) {
            return;
        }
        if self.wanted.choose(&path) != Choice::Yes {
            return;
        }
        let names = match there.names() {
            Ok(names) => names,
            Err(errno) => {
                let reason = Some(crate::fs::reason(errno));
                return self.problem(&path, Trouble::NotRemoved, reason);
            }
        };
        let known: BTreeSet<&[u8]> = stored.meta.entries.iter().map(Decoded::name).collect();
        let mut extra: Vec<_> = names
            .into_iter()
            .filter(|name| !known.contains(&name[..]))
            .collect();
        extra.sort();
        for name in extra {
            self.remove(number, (&join(&path, &name), &name), there);
        }
    }

    /// A folder where a file belongs goes, if all in it may; tells whether it does.
    pub(super) fn gives_way(
        &mut self,
        number: usize,
        (full, name): (&[u8], &[u8]),
        there: Option<&Folder>,
    ) -> bool {
        let Some(there) = there.filter(|_| self.spared.removes) else {
            return false;
        };
        self.remove(number, (full, name), there);
        let removal = self.plan.folders[number].removals.last();
        removal.is_some_and(|removal| removal.name == name && !removal.stays)
    }

    fn remove(&mut self, number: usize, (full, name): (&[u8], &[u8]), there: &Folder) {
        let Some(removal) = self.removal((full, name), there) else {
            return;
        };
        let slash = if removal.inside.is_some() { "/" } else { "" };
        self.plan.removed.push(format!("{}{slash}", shown(full)));
        self.plan.folders[number].removals.push(removal);
    }

    /// What goes of an entry; nothing if it stays.
    fn removal(&mut self, (full, name): (&[u8], &[u8]), there: &Folder) -> Option<Removal> {
        let stat = Stat::from(there.stat(name).ok()?);
        // Sockets are in no snapshot.
        let is_folder = stat.kind? == Kind::Folder;
        if self.spared.was_left_out(full, &stat) {
            return None;
        }
        let mut removal = Removal {
            name: name.to_vec(),
            inside: is_folder.then(Vec::new),
            stays: false,
        };
        self.plan.touched.push(full.to_vec());
        if is_folder {
            let opened = there.folder(name).ok()?;
            if self.is_mounted(&opened) {
                self.problem(full, Trouble::Mounted, None);
                return None;
            }
            removal.stays = self.spared.is_above(full);
            let mut names = opened.names().ok()?;
            names.sort();
            let all = names.len();
            let inside = names.into_iter().filter_map(|name| {
                let below = join(full, &name);
                self.removal((&below, &name), &opened)
            });
            let inside: Vec<_> = inside.collect();
            removal.stays |= inside.len() < all || inside.iter().any(|entry| entry.stays);
            removal.inside = Some(inside);
        }
        Some(removal)
    }
}
