//! Reading the content of one file of a snapshot.
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use super::compare::Facts;
use super::folder::{StoredFolder, chunks};
use super::meta::{Decoded, Kind, Record};
use super::{Error, Snapshot, Vault};
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader, Objects};

/// Zeros, as the holes of a file have them.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Gives the content of a file to `out`, piece by piece; an error of `out` ends it.
pub fn read<E: From<Error>>(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &Path,
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let objects = Objects::open(&vault.objects_dir()).map_err(Error::from)?;
    let mut reader = objects.reader();
    let (record, object) = lookup(&mut reader, snapshot, path)?;
    let Some(object) = object.filter(|_| record.kind == Kind::File) else {
        return Err(Error::NoFile {
            tag: snapshot.tag.clone(),
            path: path.display().to_string(),
        }
        .into());
    };
    pieces(&mut reader, (&record, object), out)
}

/// The content of a file that was compared, if it is one of at most `most` bytes.
pub fn small(vault: &Vault, facts: &Facts, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let object = facts.object.filter(|(mode, _)| *mode != Mode::Tree);
    let Some((_, id)) = object.filter(|_| facts.size.is_some_and(|size| size <= most)) else {
        return Ok(None);
    };
    let objects = Objects::open(&vault.objects_dir())?;
    let mut content = Vec::new();
    objects.reader().blob(&id, &mut content)?;
    Ok(Some(content))
}

/// Gives the content of a stored file to `out`, its holes as zeros.
pub(super) fn pieces<E: From<Error>>(
    reader: &mut ObjectReader<'_>,
    (record, (mode, id)): (&Record, (Mode, ObjectId)),
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let all = if mode == Mode::Tree {
        chunks(reader, id)?
    } else {
        vec![(0, id)]
    };
    let (mut at, mut piece) = (0, Vec::new());
    for (offset, id) in all {
        reader.blob(&id, &mut piece).map_err(Error::from)?;
        if offset < at {
            return Err(super::folder::damaged(id, "it lies over the chunk before").into());
        }
        zeros(offset - at, out)?;
        out(&piece)?;
        at = offset + piece.len() as u64;
    }
    zeros(record.size.saturating_sub(at), out)
}

fn zeros<E>(count: u64, out: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut left = count;
    while left > 0 {
        let length = left.min(ZEROS.len() as u64);
        out(&ZEROS[..length as usize])?;
        left -= length;
    }
    Ok(())
}

/// The entry at a path of a snapshot.
pub(super) fn lookup(
    reader: &mut ObjectReader<'_>,
    snapshot: &Snapshot,
    path: &Path,
) -> Result<(Record, Option<(Mode, ObjectId)>), Error> {
    let missing = || Error::NotInSnapshot {
        tag: snapshot.tag.clone(),
        path: path.display().to_string(),
    };
    let mut folder = StoredFolder::read(reader, snapshot.tree_id, b"")?;
    let mut at = (folder.meta.folder.clone(), None);
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.as_encoded_bytes()),
        _ => None,
    });
    let mut next = names.next();
    while let Some(name) = next {
        let found = folder.meta.entries.iter().find(|e| e.name() == name);
        let Some(Decoded::Known(record)) = found else {
            return Err(missing());
        };
        at = (record.clone(), folder.object(record));
        next = names.next();
        match (record.kind, at.1) {
            (Kind::Folder, Some((_, id))) => folder = StoredFolder::read(reader, id, name)?,
            _ if next.is_some() => return Err(missing()),
            _ => {}
        }
    }
    Ok(at)
}

/// A path with the links on the way to its last part followed; nothing if it leads nowhere.
pub(super) fn resolve(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    /// As many as Linux follows.
    const MOST: usize = 40;
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    let split = |path: &[u8]| -> Vec<Vec<u8>> {
        let parts = path.split(|byte| *byte == b'/');
        parts.rev().map(<[u8]>::to_vec).collect()
    };
    let (mut done, mut left, mut followed): (Vec<u8>, _, _) = (Vec::new(), split(path), 0);
    while let Some(part) = left.pop() {
        match &part[..] {
            b"" | b"." => continue,
            b".." => {
                done.truncate(done.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let full = super::join(&done, &part);
        let found = lookup(&mut reader, snapshot, Path::new(OsStr::from_bytes(&full)));
        match found {
            Err(Error::NotInSnapshot { .. }) if left.is_empty() => done = full,
            Err(Error::NotInSnapshot { .. }) => return Ok(None),
            Err(error) => return Err(error),
            Ok((record, _)) if record.kind == Kind::Link && !left.is_empty() => {
                followed += 1;
                if followed > MOST {
                    return Ok(None);
                }
                if record.target.starts_with(b"/") {
                    done.clear();
                }
                left.extend(split(&record.target));
            }
            Ok(_) => done = full,
        }
    }
    Ok(Some(done))
}
