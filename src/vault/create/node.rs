//! A folder on its way into the vault: waiting for its files and subfolders.
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::{Block, Known};
use crate::store::ObjectId;
use crate::store::pack::Mode;
use crate::vault::stat::Key;

/// A folder whose tree is not known yet.
pub(super) struct Node<'c> {
    /// The folder around it, and which of that folder's entries this is.
    pub(super) parent: Option<(Arc<Self>, usize)>,
    /// The path from the source folder; empty for that itself.
    pub(super) path: Vec<u8>,
    /// The tree that it was, if the folder around it may be kept.
    pub(super) was: Option<ObjectId>,
    /// How many of its parts are not done: itself, large files, subfolders.
    open: AtomicUsize,
    content: Mutex<Content<'c>>,
}

/// What a folder holds.
#[derive(Debug)]
pub(super) enum Content<'c> {
    /// What it held before, but for some subfolders that became other trees, or vanished.
    Kept(Block<'c>, Vec<(usize, Option<ObjectId>)>),
    /// The folder itself and its entries, where all are known.
    Listed(Vec<Option<Entry<'c>>>),
}

/// An entry of a folder, as it goes into tree, metadata and cache.
#[derive(Clone, Debug)]
pub(super) struct Entry<'c> {
    pub(super) key: Key,
    pub(super) object: Option<(Mode, ObjectId)>,
    pub(super) record: Cow<'c, [u8]>,
}

impl<'c> From<Known<'c>> for Entry<'c> {
    fn from(known: Known<'c>) -> Self {
        Self {
            key: *known.key,
            object: known.object,
            record: Cow::Borrowed(known.record),
        }
    }
}

impl<'c> Node<'c> {
    /// A folder that nobody looked into yet.
    pub(super) fn new(
        parent: Option<(Arc<Self>, usize)>,
        path: Vec<u8>,
        was: Option<ObjectId>,
    ) -> Self {
        Self {
            parent,
            path,
            was,
            open: AtomicUsize::new(1),
            content: Mutex::new(Content::Listed(Vec::new())),
        }
    }

    /// The path of an entry of this folder.
    pub(super) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        crate::vault::join(&self.path, name)
    }

    /// Says what the folder holds, and how many parts are still to come.
    pub(super) fn set(&self, content: Content<'c>, to_come: usize) {
        *self.content() = content;
        self.open.fetch_add(to_come, Ordering::AcqRel);
    }

    /// Fills in an entry that was read.
    pub(super) fn fill(&self, slot: usize, entry: Option<Entry<'c>>) {
        if let Content::Listed(entries) = &mut *self.content() {
            entries[slot] = entry;
        }
    }

    /// Tells the folder around it, if there is one, what this became; nothing if it vanished.
    pub(super) fn tell_parent(&self, tree_id: Option<ObjectId>) -> Option<&Arc<Self>> {
        let (parent, slot) = self.parent.as_ref()?;
        match &mut *parent.content() {
            Content::Kept(_, changes) if self.was != tree_id => changes.push((*slot, tree_id)),
            Content::Kept(..) => {}
            Content::Listed(entries) => match (tree_id, &mut entries[*slot]) {
                (Some(id), Some(entry)) => entry.object = Some((Mode::Tree, id)),
                (_, entry) => *entry = None,
            },
        }
        Some(parent)
    }

    /// One part is done; tells whether it was the last.
    pub(super) fn is_complete(&self) -> bool {
        self.open.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// What the folder holds; the node is of no more use.
    pub(super) fn take(&self) -> Content<'c> {
        std::mem::replace(&mut *self.content(), Content::Listed(Vec::new()))
    }

    fn content(&self) -> MutexGuard<'_, Content<'c>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> Content<'c> {
    /// All entries that are left, the folder itself first.
    pub(super) fn into_entries(self) -> Vec<Entry<'c>> {
        match self {
            Self::Listed(entries) => entries.into_iter().flatten().collect(),
            Self::Kept(block, changes) => {
                let mut entries: Vec<_> = block.entries().map(|k| Some(Entry::from(k))).collect();
                for (slot, tree_id) in changes {
                    let object = tree_id.map(|id| (Mode::Tree, id));
                    match (&mut entries[slot], object) {
                        (Some(entry), Some(_)) => entry.object = object,
                        (entry, _) => *entry = None,
                    }
                }
                entries.into_iter().flatten().collect()
            }
        }
    }
}
