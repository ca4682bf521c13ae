//! Files, written so that a crash leaves either the old content or the new.
//!
//! The model: content goes to a temporary file beside its target, is synced, renamed over the
//! target, and the folder is synced. Only then may the caller say that it is done. Nothing outside
//! this module creates, renames or deletes files of ours (`clippy.toml` forbids it). Of many files at
//! once, a [`Batch`] makes sure in fewer steps.

mod append;
mod at_once;
mod batch;
mod boot;
mod durable;
mod file_clock;
mod folder;
mod lock;
mod mount_table;
mod new_file;
mod path_error;
mod remove;
mod renew;
mod staged;
mod sync_tree;
mod syncing;
mod write_out;

pub use append::{AppendFile, open_stream, read_tail};
pub use at_once::{at_once, together};
pub use batch::Batch;
pub use boot::boot_id;
pub use durable::{
    TEMPORARY, append_cache, create_dirs, create_dirs_durable, create_exclusive_durable,
    is_temporary, link_durable, rename_durable, sweep_temporaries, symlink_durable, sync_dir,
    write_cache, write_disposable, write_durable, write_durable_mode,
};
pub use file_clock::file_clock;
pub use folder::{Folder, Special, is_mount_point, reason, set_time_of};
pub use lock::{Holder, Lock, LockError, holder_of, is_locked};
pub use mount_table::{Mount, mount_of, mounts};
pub use new_file::NewFile;
pub use path_error::{AtPath, PathError};
pub use remove::{remove_file, remove_file_durable, remove_tree};
pub use renew::{renew, set_mode, set_owner};
pub use staged::Staged;
pub use sync_tree::{sync_file, sync_file_system, sync_tree};
pub use syncing::Syncing;

use std::io;
use std::path::Path;

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, PathError> {
    std::fs::read(path).at("read", path)
}

/// Reads a whole file, or nothing if there is none.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, PathError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).at("read", path),
    }
}

/// Tells whether an error says that the path leads nowhere.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Tells whether the disk behind `path`, or what of it exists, can have no more files.
pub fn is_without_names(path: &Path) -> bool {
    let mut folders = path.ancestors();
    let disk = folders.find_map(|folder| rustix::fs::statvfs(folder).ok());
    disk.is_some_and(|disk| disk.f_files > 0 && disk.f_ffree == 0)
}

/// How many bytes may be written to the disk behind `path`, or behind what of it exists.
pub fn free_space(path: &Path) -> Option<u64> {
    let disk = path
        .ancestors()
        .find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    let is_root = rustix::process::geteuid().is_root();
    let blocks = if is_root { disk.f_bfree } else { disk.f_bavail };
    Some(blocks * disk.f_frsize)
}

/// What a small record takes on a disk.
const RECORD: u64 = 16 << 10;

/// Tells whether the disk behind `path`, a folder, has no room for so much as a small record.
///
/// What file systems say of their room does not tell what root may take of it: ext4 keeps some blocks
/// for itself. So root tries.
pub fn is_full(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|disk| {
        let has_room = |blocks: u64| disk.f_blocks == 0 || blocks * disk.f_frsize >= RECORD;
        let has_names = disk.f_files == 0 || disk.f_favail > 0;
        let is_root = rustix::process::geteuid().is_root();
        let may_have = is_root && has_room(disk.f_bfree) && takes_a_record(path);
        !(has_names && (has_room(disk.f_bavail) || may_have))
    })
}

/// Whether there is room for a small record, in a file that never has a name.
fn takes_a_record(folder: &Path) -> bool {
    use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, open};
    use rustix::io::Errno;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let tried = open(folder, flags, Mode::RUSR | Mode::WUSR)
        .and_then(|file| fallocate(&file, FallocateFlags::empty(), 0, RECORD));
    // A file system that cannot do this is taken at its word.
    !matches!(tried, Err(Errno::NOSPC | Errno::DQUOT))
}
