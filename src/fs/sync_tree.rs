//! Making durable what another program wrote.
use std::fs::{self, File};
use std::path::Path;

use super::{AtPath as _, PathError, sync_dir};

/// Syncs every file and folder below `folder`; symlinks are not followed.
pub fn sync_tree(folder: &Path) -> Result<(), PathError> {
    for entry in fs::read_dir(folder).at("list", folder)? {
        let entry = entry.at("list", folder)?;
        let kind = entry.file_type().at("look at", &entry.path())?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            let synced = File::open(entry.path()).and_then(|file| file.sync_all());
            synced.at("sync", &entry.path())?;
        }
    }
    sync_dir(folder)
}
