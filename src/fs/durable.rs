//! Write, sync, rename, sync the folder.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{AtPath as _, Batch, PathError};

/// How the names of temporary files begin; the process that writes them follows.
pub const TEMPORARY: &str = ".buildkeep-tmp-";

/// Replaces the content of `path` durably and in one step; keeps the mode of a file that is there.
pub fn write_durable(path: &Path, content: &[u8]) -> Result<(), PathError> {
    let mode = fs::metadata(path).map_or(0o644, |meta| meta.permissions().mode() & 0o7777);
    write_durable_mode(path, content, mode)
}

/// Replaces the content of `path` durably and in one step, and gives it `mode`.
pub fn write_durable_mode(path: &Path, content: &[u8], mode: u32) -> Result<(), PathError> {
    let temporary = write_temporary(path, content, mode)?;
    rename(&temporary, path).inspect_err(|_| discard(&temporary))?;
    sync_parent(path)
}

/// Replaces the content of `path` in one step, but not durably: for what can be made again.
pub fn write_disposable(path: &Path, parts: &[&[u8]]) -> Result<(), PathError> {
    let temporary = temporary_beside(path);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    written
        .inspect_err(|_| discard(&temporary))
        .at("write", path)?;
    rename(&temporary, path).inspect_err(|_| discard(&temporary))
}

/// Writes a cache, readable by its owner only, if that can be done; else there is none.
///
/// Not in a folder of somebody else: who looks once as root must not leave files there that their
/// owner cannot replace.
pub fn write_cache(path: &Path, content: &[u8]) {
    let Some((folder, outer)) = path.parent().and_then(|dir| Some((dir, dir.parent()?))) else {
        return;
    };
    let me = rustix::process::geteuid().as_raw();
    if fs::metadata(outer).is_ok_and(|meta| meta.uid() == me) {
        let made = fs::create_dir(folder);
        if made.is_ok() || folder.is_dir() {
            // Whoever misses a cache does without.
            let _ = write_disposable(path, &[content]);
        }
    }
}

/// Adds lines to a cache that is there and begins with `heading`; returns whether it does.
///
/// A line may be torn: whoever reads it must not take it for another.
pub fn append_cache(path: &Path, heading: &str, lines: &[u8]) -> bool {
    let append = || -> io::Result<bool> {
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        let mut begin = vec![0; heading.len()];
        file.read_exact(&mut begin)?;
        let is_ours = begin == heading.as_bytes();
        if is_ours {
            file.write_all(lines)?;
        }
        Ok(is_ours)
    };
    append().unwrap_or(false)
}

/// Creates `path` with `content`, durably and in one step, unless it exists: the first one wins.
///
/// Returns whether this call created it.
pub fn create_exclusive_durable(path: &Path, content: &[u8]) -> Result<bool, PathError> {
    let temporary = write_temporary(path, content, 0o644)?;
    let linked = fs::hard_link(&temporary, path);
    discard(&temporary);
    match linked {
        Ok(()) => sync_parent(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).at("create", path),
    }
}

/// Renames a file or folder that is already synced, durably.
pub fn rename_durable(from: &Path, to: &Path) -> Result<(), PathError> {
    rename(from, to)?;
    sync_parent(to)?;
    if from.parent() == to.parent() {
        return Ok(());
    }
    sync_parent(from)
}

/// Gives a file a second name in its folder, durably and in place of what has that name; where the
/// file system knows no second names, its only one.
pub fn link_durable(from: &Path, to: &Path) -> Result<(), PathError> {
    let temporary = temporary_beside(to);
    match fs::hard_link(from, &temporary) {
        Ok(()) => rename(&temporary, to).inspect_err(|_| discard(&temporary))?,
        Err(error) if is_without_links(&error) => rename(from, to)?,
        Err(error) => return Err(error).at("create", to),
    }
    // Between two names of one file a rename does nothing, and leaves both.
    discard(&temporary);
    sync_parent(to)
}

fn is_without_links(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, Unsupported};
    matches!(error.kind(), PermissionDenied | Unsupported)
}

/// Creates a folder and its missing parents, each made durable in its parent.
pub fn create_dirs_durable(path: &Path) -> Result<(), PathError> {
    create_dirs_with(path, &mut sync_dir)
}

/// Creates a folder and its missing parents.
pub fn create_dirs(path: &Path, batch: &mut Batch) -> Result<(), PathError> {
    create_dirs_with(path, &mut |parent| batch.named(parent))
}

/// The same; `named` is told of each folder with a new one in it.
fn create_dirs_with(
    path: &Path,
    named: &mut dyn FnMut(&Path) -> Result<(), PathError>,
) -> Result<(), PathError> {
    let created = match create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or(error).at("create", path)?;
            create_dirs_with(parent, named)?;
            // Once more only: a folder that takes no new ones may say so, as /proc does.
            create_dir(path)
        }
        created => created,
    };
    if created.at("create", path)? {
        named(parent_of(path))?;
    }
    Ok(())
}

/// Creates a folder; returns whether it was not there.
fn create_dir(path: &Path) -> io::Result<bool> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub fn sync_dir(path: &Path) -> Result<(), PathError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .at("sync", path)
}

pub(super) fn sync_parent(path: &Path) -> Result<(), PathError> {
    sync_dir(parent_of(path))
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn write_temporary(target: &Path, content: &[u8], mode: u32) -> Result<PathBuf, PathError> {
    let temporary = temporary_beside(target);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()
        });
    written
        .inspect_err(|_| discard(&temporary))
        .at("write", target)?;
    Ok(temporary)
}

/// A name that no other process and no other thread uses, hidden, and recognisably ours.
pub(super) fn temporary_beside(target: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!("{TEMPORARY}{}-{count}", std::process::id()))
}

/// Whether a file name is one of our temporary ones.
pub fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(TEMPORARY.as_bytes())
}

/// Deletes the temporary files in `folder` that a killed process left.
///
/// The caller holds the lock of whoever writes there, so that none of them is in use.
pub fn sweep_temporaries(folder: &Path) -> Result<(), PathError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if is_temporary(entry.file_name().as_encoded_bytes()) {
            fs::remove_file(entry.path()).at("delete", &entry.path())?;
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the caller syncs the folder")]
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), PathError> {
    fs::rename(from, to).at("replace", to)
}

fn discard(temporary: &Path) {
    // The error that led here is the one to report; a left-over is swept by name later.
    let _ = fs::remove_file(temporary);
}

/// Makes `path` a symlink to `target`, durably; replaces a file or a link that is there.
pub fn symlink_durable(target: &[u8], path: &Path) -> Result<(), PathError> {
    use std::os::unix::ffi::OsStrExt as _;
    let temporary = temporary_beside(path);
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &temporary)
        .at("create", path)?;
    rename(&temporary, path).inspect_err(|_| discard(&temporary))?;
    sync_parent(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_with_their_parents_and_a_place_without_room_for_them_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        create_dirs_durable(&deep).unwrap();
        create_dirs_durable(&deep).unwrap();
        assert!(deep.is_dir());
        let error = create_dirs_durable(Path::new("/proc/none/such")).unwrap_err();
        assert_eq!(error.path, Path::new("/proc/none"));
        let file = dir.path().join("file");
        write_durable(&file, b"").unwrap();
        assert!(create_dirs_durable(&file.join("a")).is_err());
        assert!(create_dirs_durable(&file).is_err());
    }
}
