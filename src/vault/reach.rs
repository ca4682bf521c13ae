//! What refs lead to.
use std::collections::HashSet;

use super::Error;
use super::folder::damaged;
use crate::store::ObjectId;
use crate::store::pack::{Kind, Mode, ObjectReader, decode_tree};

/// Marks all that the roots lead to. What cannot be read is an error.
pub(super) fn mark(
    reader: &mut ObjectReader<'_>,
    roots: Vec<ObjectId>,
    live: &mut HashSet<ObjectId>,
) -> Result<(), Error> {
    let (mut left, mut content) = (roots, Vec::new());
    while let Some(id) = left.pop() {
        if !live.insert(id) {
            continue;
        }
        for (kind, id) in children(reader, id, &mut content)?.1 {
            if kind == Kind::Blob {
                live.insert(id);
            } else {
                left.push(id);
            }
        }
    }
    Ok(())
}

/// What is not in `live`, each object after all that it leads to; adds it there.
pub(super) fn unmarked(
    reader: &mut ObjectReader<'_>,
    roots: &[ObjectId],
    live: &mut HashSet<ObjectId>,
) -> Result<Vec<(Kind, ObjectId)>, Error> {
    /// Where we are with an object.
    enum Visit {
        Enter(ObjectId),
        Leave(Kind, ObjectId),
    }
    let (mut found, mut content) = (Vec::new(), Vec::new());
    let mut left: Vec<_> = roots.iter().rev().map(|id| Visit::Enter(*id)).collect();
    while let Some(visit) = left.pop() {
        let id = match visit {
            Visit::Leave(kind, id) => {
                found.push((kind, id));
                continue;
            }
            Visit::Enter(id) if !live.insert(id) => continue,
            Visit::Enter(id) => id,
        };
        let (kind, children) = children(reader, id, &mut content)?;
        left.push(Visit::Leave(kind, id));
        for (kind, id) in children.into_iter().rev() {
            if kind != Kind::Blob {
                left.push(Visit::Enter(id));
            } else if live.insert(id) {
                found.push((kind, id));
            }
        }
    }
    Ok(found)
}

/// What an object is, and what it names: blobs, and what is none.
fn children(
    reader: &mut ObjectReader<'_>,
    id: ObjectId,
    content: &mut Vec<u8>,
) -> Result<(Kind, Vec<(Kind, ObjectId)>), Error> {
    let named = |content: &[u8], words: &[&str]| -> Vec<_> {
        let all = named(content, words).into_iter();
        all.map(|id| (Kind::Tree, id)).collect()
    };
    let kind = reader.read(&id, content)?;
    let children = match kind {
        Kind::Blob => Vec::new(),
        Kind::Commit => named(content, &["tree ", "parent "]),
        Kind::Tag => named(content, &["object "]),
        Kind::Tree => {
            let entries = decode_tree(content)
                .map_err(|_| damaged(id, "no tree that this buildkeep can read"))?;
            let kind = |mode| match mode {
                Mode::Tree => Kind::Tree,
                _ => Kind::Blob,
            };
            let child = |entry: crate::store::pack::TreeEntry| (kind(entry.mode), entry.id);
            entries.into_iter().map(child).collect()
        }
    };
    Ok((kind, children))
}

/// The ids in the head of a commit or tag, in lines that begin so.
fn named(content: &[u8], words: &[&str]) -> Vec<ObjectId> {
    let text = String::from_utf8_lossy(content);
    let head = text.lines().take_while(|line| !line.is_empty());
    let id = |line: &str| {
        let hex = words.iter().find_map(|word| line.strip_prefix(word))?;
        ObjectId::from_hex(hex.as_bytes()).ok()
    };
    head.filter_map(id).collect()
}
