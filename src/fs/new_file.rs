//! Large files, written piece by piece under a temporary name.
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{AtPath as _, PathError};

/// A file that nobody sees until it is published; dropped before, it is gone.
#[must_use = "the file is deleted unless it is published"]
#[derive(Debug)]
pub struct NewFile {
    file: Arc<File>,
    path: PathBuf,
    is_ready: bool,
    published: bool,
}

impl NewFile {
    /// Creates a file in `dir` under a name that begins with `prefix`.
    pub fn create(dir: &Path, prefix: &str) -> Result<Self, PathError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("{prefix}{}-{count}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .at("create", &path)?;
        Ok(Self {
            file: Arc::new(file),
            path,
            is_ready: false,
            published: false,
        })
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PathError> {
        (&*self.file).write_all(bytes).at("write", &self.path)
    }

    /// Replaces bytes that were written before.
    pub fn rewrite(&mut self, offset: u64, bytes: &[u8]) -> Result<(), PathError> {
        self.file
            .write_all_at(bytes, offset)
            .at("write", &self.path)
    }

    /// Reads back what was written; 0 at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, PathError> {
        self.file.read_at(buffer, offset).at("read", &self.path)
    }

    /// The open file, for a thread that syncs it while we go on writing.
    pub fn shared(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Gives the file its mode and syncs its content: nothing is left to do but to name it.
    pub fn ready(&mut self, mode: u32) -> Result<(), PathError> {
        if !self.is_ready {
            self.file
                .set_permissions(Permissions::from_mode(mode))
                .and_then(|()| self.file.sync_all())
                .at("sync", &self.path)?;
        }
        self.is_ready = true;
        Ok(())
    }

    /// Gives the file its mode and name, its content synced. The caller syncs the folder.
    pub fn publish(mut self, path: &Path, mode: u32) -> Result<(), PathError> {
        self.ready(mode)?;
        #[expect(clippy::disallowed_methods, reason = "the caller syncs the folder")]
        std::fs::rename(&self.path, path).at("create", path)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be deleted here is swept by its name later.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
