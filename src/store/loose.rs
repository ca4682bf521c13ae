//! Loose objects, written durably.
//!
//! gix syncs nothing; this does. A file that is there already is believed only if it holds the
//! object: a zero-length one, left by a power cut, is replaced, so that a damaged keep heals. One
//! that plain Git wrote was never synced, and one that nothing refers to yet may be old enough for
//! `git gc` to delete it: both are made as good as new. One that only a pack holds is written all
//! the same: `git repack -ad` drops what nothing refers to, whatever its age.
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use gix::ObjectId;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

use super::Error;
use crate::fs::{AtPath as _, PathError, at_once, create_dirs_durable, is_absent, renew, sync_dir};

/// How often a folder is made again.
const TRIES: usize = 20;

/// An object: its kind and its content.
pub(super) type Object<'a> = (ObjectId, gix::objs::Kind, &'a [u8]);

/// Writes objects so that all of them survive a power cut once this returns.
pub(super) fn write_all(objects_dir: &Path, objects: &[Object<'_>]) -> Result<(), Error> {
    let mut by_folder: BTreeMap<PathBuf, Vec<&Object<'_>>> = BTreeMap::new();
    for object in objects {
        let path = path_of(objects_dir, object.0);
        let folder = path.parent().unwrap_or(objects_dir).to_owned();
        by_folder.entry(folder).or_default().push(object);
    }
    let folders: Vec<_> = by_folder.into_iter().collect();
    at_once(&folders, |(folder, objects)| {
        write_folder(objects_dir, folder, objects)
    })?;
    at_once(&folders, |(folder, objects)| {
        sync_folder(objects_dir, folder, objects)
    })?;
    Ok(())
}

fn write_folder(
    objects_dir: &Path,
    folder: &Path,
    objects: &[&Object<'_>],
) -> Result<(), PathError> {
    create_dirs_durable(folder)?;
    for object in objects {
        let path = path_of(objects_dir, object.0);
        // A file of somebody else, which cannot be touched, can be replaced.
        if !is_whole(&path, object) || renew(&path).is_err() {
            write_into(folder, &path, object)?;
        }
    }
    Ok(())
}

/// Syncs a folder; one that a `git repack` emptied and deleted meanwhile is filled again.
fn sync_folder(
    objects_dir: &Path,
    folder: &Path,
    objects: &[&Object<'_>],
) -> Result<(), PathError> {
    for _ in 0..TRIES {
        match sync_dir(folder) {
            Err(error) if is_absent(&error.source) => write_folder(objects_dir, folder, objects)?,
            done => return done,
        }
    }
    sync_dir(folder)
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

/// Writes an object into its folder, which a `git repack` beside us may delete while it is empty.
fn write_into(folder: &Path, path: &Path, object: &Object<'_>) -> Result<(), PathError> {
    for _ in 0..TRIES {
        match write_one(folder, path, object) {
            Err(error) if is_absent(&error.source) => create_dirs_durable(folder)?,
            done => return done,
        }
    }
    write_one(folder, path, object)
}

fn write_one(folder: &Path, path: &Path, object: &Object<'_>) -> Result<(), PathError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Git's own prefix: `git prune` and `git gc` sweep what a crash leaves.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("tmp_obj_{}_{count}", std::process::id()));
    let written = write_synced(&temporary, &compress(&plain(object)))
        .and_then(|()| replace(&temporary, path));
    written
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .at("write object", path)
}

fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the folder is synced once for all objects in it"
)]
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)
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
