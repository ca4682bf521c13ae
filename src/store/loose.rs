//! Loose objects, written durably.
//!
//! gix syncs nothing; this does. A file that is there already is believed only if it holds the
//! object: a zero-length one, left by a power cut, is replaced, so that a damaged keep heals. One
//! that plain Git wrote was never synced, and one that nothing refers to yet may be old enough for
//! `git gc` to delete it: both are made as good as new. One that only a pack holds is written all
//! the same: `git repack -ad` drops what nothing refers to, whatever its age.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use gix::ObjectId;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

use super::Error;
use crate::fs::{Batch, PathError, Staged, Syncing, create_dirs, is_absent, renew};

/// How often a folder is made again.
const TRIES: usize = 20;

/// An object: its kind and its content.
pub(super) type Object<'a> = (ObjectId, gix::objs::Kind, &'a [u8]);

/// Objects that have no names yet.
#[must_use = "objects are deleted unless they are placed"]
pub(super) struct Unnamed(Vec<Staged>);

/// Writes objects so that all of them survive a power cut once this returns.
pub(super) fn write_all(objects_dir: &Path, objects: &[Object<'_>]) -> Result<(), Error> {
    write_each(objects_dir, objects)?;
    keep_all(objects_dir, objects)
}

fn write_each(objects_dir: &Path, objects: &[Object<'_>]) -> Result<(), Error> {
    let mut batch = Batch::on(objects_dir, Syncing::Each);
    let unnamed = stage(objects_dir, objects, &mut batch)?;
    batch.order()?;
    unnamed.place(&mut batch)?;
    Ok(batch.settle()?)
}

/// Writes objects under temporary names.
pub(super) fn stage(
    objects_dir: &Path,
    objects: &[Object<'_>],
    batch: &mut Batch,
) -> Result<Unnamed, Error> {
    let mut staged = Vec::new();
    for object in objects {
        let path = path_of(objects_dir, object.0);
        // A file of somebody else, which cannot be touched, can be replaced.
        if is_whole(&path, object) && renew(&path, batch).is_ok() {
            batch.named(folder_of(&path))?;
        } else {
            staged.push(stage_one(&path, object, batch)?);
        }
    }
    Ok(Unnamed(staged))
}

impl Unnamed {
    /// Gives all of them their names.
    pub(super) fn place(self, batch: &mut Batch) -> Result<(), Error> {
        let mut staged = self.0.into_iter();
        Ok(staged.try_for_each(|one| one.place(batch))?)
    }
}

/// Writes again what a `git repack` beside us deleted, because it found it in its new pack: nobody
/// knows whether that is there to stay.
pub(super) fn keep_all(objects_dir: &Path, objects: &[Object<'_>]) -> Result<(), Error> {
    for _ in 0..TRIES {
        let is_gone = |object: &&Object<'_>| !path_of(objects_dir, object.0).exists();
        let gone: Vec<_> = objects.iter().filter(is_gone).copied().collect();
        if gone.is_empty() {
            break;
        }
        write_each(objects_dir, &gone)?;
    }
    Ok(())
}

/// Writes an object into its folder, which a `git repack` beside us may delete while it is empty.
fn stage_one(path: &Path, object: &Object<'_>, batch: &mut Batch) -> Result<Staged, PathError> {
    let folder = folder_of(path);
    let content = compress(&plain(object));
    for _ in 0..TRIES {
        match stage_in(folder, path, &content, batch) {
            Err(error) if is_absent(&error.source) => create_dirs(folder, batch)?,
            done => return done,
        }
    }
    stage_in(folder, path, &content, batch)
}

fn stage_in(
    folder: &Path,
    path: &Path,
    content: &[u8],
    batch: &mut Batch,
) -> Result<Staged, PathError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Git's own prefix: `git prune` and `git gc` sweep what a crash leaves.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("tmp_obj_{}_{count}", std::process::id()));
    Staged::file_as(temporary, path, (content, 0o444), batch)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Where a loose object lies.
pub(super) fn path_of(objects_dir: &Path, id: ObjectId) -> PathBuf {
    let hex = id.to_hex().to_string();
    objects_dir.join(&hex[..2]).join(&hex[2..])
}

/// Whether the file holds exactly this object.
fn is_whole(path: &Path, object: &Object<'_>) -> bool {
    let Ok(stored) = fs::read(path) else {
        return false;
    };
    let wanted = plain(object);
    let mut content = vec![0; wanted.len()];
    let size = Decompressor::new().zlib_decompress(&stored, &mut content);
    size.is_ok_and(|size| size == wanted.len()) && content == wanted
}

/// The object as Git hashes it: header and content.
fn plain((_, kind, content): &Object<'_>) -> Vec<u8> {
    let mut plain = gix::objs::encode::loose_header(*kind, content.len() as u64).to_vec();
    plain.extend_from_slice(content);
    plain
}

fn compress(plain: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut out = vec![0; compressor.zlib_compress_bound(plain.len())];
    let size = compressor
        .zlib_compress(plain, &mut out)
        .expect("the buffer has the size that the compressor asked for");
    out.truncate(size);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_length_object_heals() {
        let dir = tempfile::tempdir().unwrap();
        let content = b"hello\n".as_slice();
        let id = crate::store::Repo::blob_id(content).unwrap();
        let object = (id, gix::objs::Kind::Blob, content);
        write_all(dir.path(), &[object]).unwrap();
        let path = path_of(dir.path(), id);
        assert!(is_whole(&path, &object));
        fs::remove_file(&path).unwrap();
        fs::File::create(&path).unwrap();
        assert!(!is_whole(&path, &object));
        write_all(dir.path(), &[object]).unwrap();
        assert!(is_whole(&path, &object));
    }
}
