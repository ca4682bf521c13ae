//! Files that only grow.
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::durable::sync_parent;
use super::{AtPath as _, PathError};

/// A file that is appended to, one whole record at a time, each synced before it counts.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
}

/// Opens `path` to be written at given places, creating it if needed; nothing is promised about
/// durability until the caller syncs it.
pub fn open_stream(path: &Path) -> Result<File, PathError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .at("open", path)
}

impl AppendFile {
    /// Opens `path`, creating it durably if it is not there.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        let known = path.exists();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .at("open", path)?;
        if !known {
            sync_parent(path)?;
        }
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Appends a record and waits until the disk has it.
    pub fn append_synced(&mut self, record: &[u8]) -> Result<(), PathError> {
        self.append(record)?;
        self.file.sync_data().at("sync", &self.path)
    }

    /// Appends a record that may be lost in a power cut.
    pub fn append(&mut self, record: &[u8]) -> Result<(), PathError> {
        self.file.write_all(record).at("append to", &self.path)
    }

    /// Cuts the file to `length`: what follows a torn record is worth nothing.
    pub fn truncate(&mut self, length: u64) -> Result<(), PathError> {
        self.file
            .set_len(length)
            .and_then(|()| self.file.sync_data())
            .at("truncate", &self.path)
    }
}
