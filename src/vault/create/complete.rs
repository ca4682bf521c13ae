//! What one worker does with a folder whose parts are all done.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use nix::unistd::{Gid, Group, Uid, User};

use super::block::BlockWriter;
use super::content::store_bytes;
use super::node::{Content, Entry, Node};
use super::session::OwnerIds;
use super::worker::Worker;
use crate::store::ObjectId;
use crate::store::pack::{Kind, PackError, Size, TreeEntry, encode_tree, stored_name};
use crate::vault::meta::{self, Owners};

impl<'c> Worker<'_, 'c> {
    /// A part of a folder is done; if it was the last, the folder is, and so on upwards.
    pub(super) fn part_done(&mut self, node: &Arc<Node<'c>>) -> Result<(), PackError> {
        let mut node = node;
        while node.is_complete() {
            let tree_id = self.build(node)?;
            let Some(parent) = node.tell_parent(Some(tree_id)) else {
                self.session.finish(tree_id);
                break;
            };
            node = parent;
        }
        Ok(())
    }

    /// A folder is gone since its parent was listed.
    pub(super) fn vanished(&mut self, node: &Arc<Node<'c>>) -> Result<(), PackError> {
        match node.tell_parent(None) {
            Some(parent) => self.part_done(parent),
            None => Ok(()),
        }
    }

    /// Writes metadata and tree of a folder, unless it is what it was.
    fn build(&mut self, node: &Node<'c>) -> Result<ObjectId, PackError> {
        let content = node.take();
        if let Content::Kept(block, changes) = &content
            && changes.is_empty()
        {
            self.session.next.keep(*block);
            return Ok(block.tree_id());
        }
        let entries = content.into_entries();
        self.check_known(&entries)?;
        let mut tree: Vec<_> = entries.iter().filter_map(tree_entry).collect();
        let records = self.metadata(node, &entries);
        let (mode, id) = store_bytes(&records, &mut self.writer)?;
        tree.push(TreeEntry {
            mode,
            name: meta::NAME.to_vec(),
            id,
        });
        let tree_id = self
            .writer
            .add(Kind::Tree, &encode_tree(&mut tree), Size::Small)?;
        let mut block = BlockWriter::new(&node.path, tree_id);
        for entry in &entries {
            block.add(&entry.key, entry.object, &entry.record);
        }
        self.session.next.add(block.finish());
        Ok(tree_id)
    }

    /// Refuses to build on objects that only the cache knows.
    fn check_known(&self, entries: &[Entry<'c>]) -> Result<(), PackError> {
        if self.session.cache.base().is_none() {
            return Ok(());
        }
        let mut objects = entries.iter().filter_map(|entry| Some(entry.object?.1));
        match objects.find(|id| !self.writer.has(id)) {
            None => Ok(()),
            Some(id) => Err(PackError::Missing(id)),
        }
    }

    fn metadata(&self, node: &Node<'c>, entries: &[Entry<'c>]) -> Vec<u8> {
        let (own, entries) = match entries.split_first() {
            Some((own, entries)) => (&own.record, entries),
            None => (&Cow::Borrowed(&[][..]), entries),
        };
        let records = entries.iter().map(|entry| &*entry.record);
        if node.parent.is_some() {
            return meta::encode(own, records);
        }
        let owners = names(&self.session.take_owners());
        meta::encode(&meta::with_owners(own, &owners), records)
    }
}

/// How an entry stands in the tree of its folder; devices and pipes do not.
fn tree_entry(entry: &Entry<'_>) -> Option<TreeEntry> {
    let (mode, id) = entry.object?;
    let name = meta::record_name(&entry.record);
    (!name.is_empty()).then(|| TreeEntry {
        mode,
        name: stored_name(name, mode).into_owned(),
        id,
    })
}

/// The names of owners, as far as this machine knows them.
fn names(ids: &OwnerIds) -> Owners {
    let user = |id: &u32| {
        let found = User::from_uid(Uid::from_raw(*id)).ok()??;
        Some((*id, found.name.into_bytes()))
    };
    let group = |id: &u32| {
        let found = Group::from_gid(Gid::from_raw(*id)).ok()??;
        Some((*id, found.name.into_bytes()))
    };
    Owners {
        users: ids
            .users
            .iter()
            .filter_map(user)
            .collect::<BTreeMap<_, _>>(),
        groups: ids
            .groups
            .iter()
            .filter_map(group)
            .collect::<BTreeMap<_, _>>(),
    }
}
