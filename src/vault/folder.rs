//! Reading a folder of a snapshot.
use std::collections::HashMap;

use super::Error;
use super::meta::{self, FolderMeta, Record};
use crate::store::ObjectId;
use crate::store::pack::{Kind, Mode, ObjectReader, PackError, TreeEntry, decode_tree};

/// A folder of a snapshot: what its tree and its metadata say together.
#[derive(Debug)]
pub(super) struct StoredFolder {
    /// The folder itself and its entries.
    pub(super) meta: FolderMeta,
    /// What Git holds, by its name in Git.
    objects: HashMap<Vec<u8>, (Mode, ObjectId)>,
}

impl StoredFolder {
    /// Reads the folder that is this tree; `path` is for messages.
    pub(super) fn read(
        reader: &mut ObjectReader<'_>,
        tree_id: ObjectId,
        path: &[u8],
    ) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let entries = read_tree(reader, tree_id, path)?;
        let objects: HashMap<_, _> = entries
            .into_iter()
            .map(|entry| (entry.name, (entry.mode, entry.id)))
            .collect();
        let Some((mode, id)) = objects.get(meta::NAME) else {
            return Err(Error::NoMeta { path: shown(path) });
        };
        read_all(reader, (*mode, *id), &mut bytes)?;
        let meta = meta::decode(&bytes).map_err(|source| Error::Meta {
            path: shown(path),
            source,
        })?;
        Ok(Self { meta, objects })
    }

    /// The content of an entry; nothing for devices and pipes.
    pub(super) fn object(&self, record: &Record) -> Option<(Mode, ObjectId)> {
        self.objects.get(record.name_in_tree()).copied()
    }

    /// The object that holds the metadata.
    pub(super) fn meta_object(&self) -> Option<(Mode, ObjectId)> {
        self.objects.get(meta::NAME).copied()
    }
}

/// The entries of a tree.
pub(super) fn read_tree(
    reader: &mut ObjectReader<'_>,
    tree_id: ObjectId,
    path: &[u8],
) -> Result<Vec<TreeEntry>, Error> {
    let mut bytes = Vec::new();
    reader.expect(Kind::Tree, &tree_id, &mut bytes)?;
    decode_tree(&bytes).map_err(|source| Error::Tree {
        path: shown(path),
        source,
    })
}

/// Replaces `out` by content that may be in chunks; only for what is known to be small.
fn read_all(
    reader: &mut ObjectReader<'_>,
    (mode, id): (Mode, ObjectId),
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    if mode != Mode::Tree {
        return Ok(reader.blob(&id, out)?);
    }
    out.clear();
    let mut chunk = Vec::new();
    for (offset, id) in chunks(reader, id)? {
        reader.blob(&id, &mut chunk)?;
        if offset != out.len() as u64 {
            return Err(damaged(
                id,
                "its offset does not follow from the chunk before",
            ));
        }
        out.extend_from_slice(&chunk);
    }
    Ok(())
}

/// The chunks of a large file with their offsets, in order.
pub(super) fn chunks(
    reader: &mut ObjectReader<'_>,
    tree_id: ObjectId,
) -> Result<Vec<(u64, ObjectId)>, Error> {
    let entries = read_tree(reader, tree_id, b"")?;
    let chunk = |entry: TreeEntry| {
        let name = std::str::from_utf8(&entry.name).ok();
        let offset = name.and_then(|name| u64::from_str_radix(name, 16).ok());
        let offset =
            offset.ok_or_else(|| damaged(tree_id, "a chunk is not named by its offset"))?;
        Ok((offset, entry.id))
    };
    entries.into_iter().map(chunk).collect()
}

pub(super) fn damaged(id: ObjectId, reason: &str) -> Error {
    Error::Pack(PackError::Damaged {
        id,
        reason: reason.to_owned(),
    })
}

/// A path as people can read it.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
