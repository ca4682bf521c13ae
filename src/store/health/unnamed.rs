//! Tags and operations that no ref names any more: they say themselves what they were called.
use std::collections::{BTreeMap, HashSet};

use gix::ObjectId;
use gix::hash::Kind as Hash;
use gix::objs::{CommitRef, Find as _, Kind, TagRef};

use super::Patient;
use crate::store::Message;
use crate::store::operations::LOG;

impl Patient {
    /// The refs that annotated tags and the newest operation were behind.
    pub(super) fn unnamed(&self) -> Vec<(String, ObjectId)> {
        let Some(odb) = self.odb() else {
            return Vec::new();
        };
        let Ok(all) = odb.iter() else {
            return Vec::new();
        };
        let (mut operations, mut older) = (Vec::new(), HashSet::new());
        let mut refs = BTreeMap::new();
        let mut buffer = Vec::new();
        for id in all.flatten() {
            let Ok(Some(data)) = odb.try_find(&id, &mut buffer) else {
                continue;
            };
            match data.kind {
                Kind::Tag => {
                    if let Ok(tag) = TagRef::from_bytes(data.data, Hash::Sha1) {
                        refs.insert(format!("refs/tags/{}", tag.name), id);
                    }
                }
                Kind::Commit => {
                    if let Some((time, parents)) = operation(data.data) {
                        operations.push((time, id));
                        older.extend(parents);
                    }
                }
                Kind::Blob | Kind::Tree => {}
            }
        }
        operations.retain(|(_, id)| !older.contains(id));
        operations.sort();
        let mut newest_first = operations.into_iter().rev().map(|(_, id)| id);
        if let Some(id) = newest_first.find(|id| self.is_fit(LOG, *id)) {
            refs.insert(LOG.to_owned(), id);
        }
        refs.into_iter().collect()
    }
}

/// When an operation was done, and what came before it, if the commit is one.
fn operation(data: &[u8]) -> Option<(i64, Vec<ObjectId>)> {
    let commit = CommitRef::from_bytes(data, Hash::Sha1).ok()?;
    let message = Message::parse(&String::from_utf8_lossy(commit.message));
    message.trailers.get("Command")?;
    let time = commit.author().ok()?.time().ok()?.seconds;
    Some((time, commit.parents().collect()))
}
