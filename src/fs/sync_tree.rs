//! Making durable what another program wrote.
use std::fs::{self, File};
use std::path::Path;

use super::{AtPath as _, PathError, is_absent, sync_dir};

/// Syncs a file; one that is gone by now needs nothing.
pub fn sync_file(path: &Path) -> Result<(), PathError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if is_absent(&error) => Ok(()),
        synced => synced.at("sync", path),
    }
}

/// Syncs all that was written to the file system that `path` lies on.
pub fn sync_file_system(path: &Path) -> Result<(), PathError> {
    let file = File::open(path).at("open", path)?;
    rustix::fs::syncfs(&file).at("sync", path)
}

/// Syncs every file and folder below `folder`; symlinks are not followed.
pub fn sync_tree(folder: &Path) -> Result<(), PathError> {
    for entry in fs::read_dir(folder).at("list", folder)? {
        let entry = entry.at("list", folder)?;
        let kind = entry.file_type().at("look at", &entry.path())?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            sync_file(&entry.path())?;
        }
    }
    sync_dir(folder)
}
