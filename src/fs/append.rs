//! Files that only grow.
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;

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

/// The last `limit` bytes of a file, or all of a shorter one.
pub fn read_tail(path: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
    let mut file = File::open(path).at("open", path)?;
    let length = file.metadata().at("look at", path)?.len();
    let start = SeekFrom::Start(length.saturating_sub(limit));
    file.seek(start).at("read", path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).at("read", path)?;
    Ok(bytes)
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

    /// Waits until no other process has it for itself; it is ours until this is dropped.
    pub fn have_alone(&self) -> Result<(), PathError> {
        let wait = FlockOperation::LockExclusive;
        retry_on_intr(|| flock(&self.file, wait)).at("lock", &self.path)
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
