//! Git's own lock files: whoever made `X.lock` may replace `X`, and does so by renaming it.
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::fs::{AtPath as _, Batch, sync_dir};

/// How long a `git` at work is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked for.
const POLL: Duration = Duration::from_millis(10);

/// A file of the repository, locked against plain Git.
#[must_use = "the file is unlocked when this is dropped"]
#[derive(Debug)]
pub(super) struct GitLock {
    target: PathBuf,
    path: PathBuf,
    file: File,
    is_ours: bool,
}

impl GitLock {
    /// Locks `target`, waiting for a `git` that has it.
    pub(super) fn acquire(target: &Path) -> Result<Self, Error> {
        let mut path = target.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let tries = PATIENCE.as_millis() / POLL.as_millis();
        for _ in 0..tries {
            let opened = OpenOptions::new().write(true).create_new(true).open(&path);
            match opened {
                Ok(file) => {
                    return Ok(Self {
                        target: target.to_owned(),
                        path,
                        file,
                        is_ours: true,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    std::thread::sleep(POLL);
                }
                Err(error) => return Ok(Err(error).at("create", &path)?),
            }
        }
        Err(Error::GitAtWork { path })
    }

    /// Writes what the file is to be, synced.
    pub(super) fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        self.file.write_all(content).at("write", &self.path)?;
        self.file.sync_all().at("write", &self.path)?;
        Ok(())
    }

    /// Writes what the file is to be; the batch is to be in order before it is moved there.
    pub(super) fn fill(&mut self, content: &[u8], batch: &mut Batch) -> Result<(), Error> {
        self.file.write_all(content).at("write", &self.path)?;
        let file = self.file.try_clone().at("write", &self.path)?;
        Ok(batch.wrote(file, &self.path)?)
    }

    /// Makes this the content of the file, for now: it need not survive a power cut.
    pub(super) fn put(mut self, content: &[u8]) -> Result<(), Error> {
        self.file.write_all(content).at("write", &self.path)?;
        self.rename()
    }

    /// Makes what was written the content of the file, durably.
    pub(super) fn commit(mut self) -> Result<(), Error> {
        self.rename()?;
        Ok(sync_dir(self.target.parent().unwrap_or(&self.target))?)
    }

    /// Makes what was written the content of the file.
    pub(super) fn commit_with(mut self, batch: &mut Batch) -> Result<(), Error> {
        self.rename()?;
        let file = self.file.try_clone().at("replace", &self.target)?;
        Ok(batch.moved(file, &self.target)?)
    }

    fn rename(&mut self) -> Result<(), Error> {
        #[expect(clippy::disallowed_methods, reason = "the callers sync the folder")]
        fs::rename(&self.path, &self.target).at("replace", &self.target)?;
        // Renamed: one that is there from now on is somebody else's.
        self.is_ours = false;
        Ok(())
    }
}

impl Drop for GitLock {
    fn drop(&mut self) {
        if self.is_ours {
            // If it stays, the next command finds that nobody holds it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
