//! Git's own lock files: whoever made `X.lock` may replace `X`, and does so by renaming it.
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::fs::{AtPath as _, sync_dir};

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
        self.fill(content)?;
        self.sync()
    }

    /// Writes what the file is to be; it is to be synced before it is committed.
    pub(super) fn fill(&mut self, content: &[u8]) -> Result<(), Error> {
        self.file.write_all(content).at("write", &self.path)?;
        Ok(())
    }

    /// Syncs what was written.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().at("write", &self.path)?;
        Ok(())
    }

    /// Makes this the content of the file, for now: it need not survive a power cut.
    pub(super) fn put(mut self, content: &[u8]) -> Result<(), Error> {
        self.file.write_all(content).at("write", &self.path)?;
        #[expect(clippy::disallowed_methods, reason = "not to survive a power cut")]
        fs::rename(&self.path, &self.target).at("replace", &self.target)?;
        self.is_ours = false;
        Ok(())
    }

    /// Makes what was written the content of the file, durably.
    pub(super) fn commit(self) -> Result<(), Error> {
        let folder = self.commit_unsettled()?;
        Ok(sync_dir(&folder)?)
    }

    /// The same, but for the folder, which is the caller's to sync.
    pub(super) fn commit_unsettled(mut self) -> Result<PathBuf, Error> {
        #[expect(clippy::disallowed_methods, reason = "the caller syncs the folder")]
        fs::rename(&self.path, &self.target).at("replace", &self.target)?;
        // Renamed: one that is there from now on is somebody else's.
        self.is_ours = false;
        let folder = self.target.parent().unwrap_or(&self.target);
        Ok(folder.to_owned())
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
