//! Deleting what is ours.
use std::fs;
use std::io;
use std::path::Path;

use super::durable::sync_parent;
use super::{AtPath as _, Batch, PathError, is_absent};

/// Deletes a file durably; one that is already gone is fine.
pub fn remove_file_durable(path: &Path) -> Result<(), PathError> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error).at("delete", path),
    }
}

/// Deletes a file; one that is already gone is fine.
pub fn remove_file(path: &Path, batch: &mut Batch) -> Result<(), PathError> {
    match fs::remove_file(path) {
        Ok(()) => batch.named(path.parent().unwrap_or(path)),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error).at("delete", path),
    }
}

/// Deletes a folder that lies inside `root`, and all in it, following no symlink.
pub fn remove_tree(root: &Path, path: &Path) -> Result<(), PathError> {
    if path == root || !path.starts_with(root) || path.components().any(|c| c.as_os_str() == "..") {
        let refused = io::Error::new(
            io::ErrorKind::PermissionDenied,
            "outside the managed folder",
        );
        return Err(refused).at("delete", path);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "inside the managed root, checked above"
    )]
    let removed = fs::remove_dir_all(path);
    match removed {
        Ok(()) => sync_parent(path),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error).at("delete", path),
    }
}
