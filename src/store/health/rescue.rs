//! Lost objects whose content is still somewhere: in the work tree, or in the index.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::{Kind, Tree, WriteTo as _, tree};

use super::reach::Missing;
use super::{Lost, Patient};
use crate::store::worktree;

/// Larger files are not read: nobody commits them by hand.
const LARGEST: u64 = 64 << 20;

impl Patient {
    /// The missing objects that can be made again from what is here.
    pub(super) fn rescue(&self, missing: &[Missing]) -> Vec<Lost> {
        let of_kind = |kind| {
            let all = missing.iter().filter(move |one| one.kind == kind);
            all.map(|one| one.id).collect::<BTreeSet<ObjectId>>()
        };
        let mut found = Vec::new();
        let blobs = of_kind(Kind::Blob);
        if !blobs.is_empty() {
            collect_blobs(self.root(), &blobs, &mut found);
        }
        let trees = of_kind(Kind::Tree);
        if !trees.is_empty() {
            collect_trees(&self.staged(), &trees, &mut found);
        }
        found.sort();
        found.dedup();
        found
    }

    /// What the index says of every folder, by its path.
    fn staged(&self) -> BTreeMap<BString, (tree::EntryMode, ObjectId)> {
        let Some(index) = self.read_index() else {
            return BTreeMap::new();
        };
        let entries = index
            .entries()
            .iter()
            .filter(|entry| entry.stage_raw() == 0);
        let entries = entries.filter_map(|entry| {
            let mode = entry.mode.to_tree_entry_mode()?;
            Some((entry.path(&index).to_owned(), (mode, entry.id)))
        });
        entries.collect()
    }
}

fn collect_blobs(folder: &Path, wanted: &BTreeSet<ObjectId>, found: &mut Vec<Lost>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        let name = entry.file_name();
        if meta.is_dir() && name != ".git" && name != ".buildkeep" {
            collect_blobs(&path, wanted, found);
        } else if (meta.is_file() && meta.len() <= LARGEST) || meta.is_symlink() {
            let content = worktree::read_work_file(&path).map(|(_, content)| content);
            found.extend(
                content
                    .ok()
                    .and_then(|content| lost(Kind::Blob, content, wanted)),
            );
        }
    }
}

/// The object, if it is one of those that are wanted.
fn lost(kind: Kind, content: Vec<u8>, wanted: &BTreeSet<ObjectId>) -> Option<Lost> {
    let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &content).ok()?;
    wanted.contains(&id).then_some(Lost { id, kind, content })
}

/// Makes the trees of all folders of an index, the innermost first.
fn collect_trees(
    staged: &BTreeMap<BString, (tree::EntryMode, ObjectId)>,
    wanted: &BTreeSet<ObjectId>,
    found: &mut Vec<Lost>,
) {
    let mut folders: BTreeMap<BString, Vec<tree::Entry>> = BTreeMap::new();
    folders.insert(BString::default(), Vec::new());
    for (path, (mode, oid)) in staged {
        let (folder, filename) = split(path);
        let mut above = folder.clone();
        while !above.is_empty() && !folders.contains_key(&above) {
            folders.insert(above.clone(), Vec::new());
            above = split(&above).0;
        }
        let entry = tree::Entry {
            mode: *mode,
            filename,
            oid: *oid,
        };
        folders.entry(folder).or_default().push(entry);
    }
    // A path sorts after all that hold it.
    while let Some((path, mut entries)) = folders.pop_last() {
        entries.sort();
        let mut content = Vec::new();
        if (Tree { entries }).write_to(&mut content).is_err() {
            continue;
        }
        let Ok(oid) = gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Tree, &content) else {
            continue;
        };
        found.extend(lost(Kind::Tree, content, wanted));
        if !path.is_empty() {
            let (folder, filename) = split(&path);
            let mode = tree::EntryKind::Tree.into();
            let entry = tree::Entry {
                mode,
                filename,
                oid,
            };
            folders.entry(folder).or_default().push(entry);
        }
    }
}

/// A path as the folder that it is in, and its name there.
fn split(path: &BString) -> (BString, BString) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (path[..at].into(), path[at + 1..].into()),
        None => (BString::default(), path.clone()),
    }
}
