//! A file under a temporary name, until all others are written too.
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{AtPath as _, Batch, PathError, durable};

/// A file that nobody sees until it is placed; dropped before, it is gone.
#[must_use = "the file is deleted unless it is placed"]
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
    is_placed: bool,
}

impl Staged {
    /// Writes what `path` is to hold, and gives it `mode`.
    pub fn file(
        path: &Path,
        content: &[u8],
        mode: u32,
        batch: &mut Batch,
    ) -> Result<Self, PathError> {
        let staged = Self::named(durable::temporary_beside(path), path);
        staged.write(content, mode, batch)?;
        Ok(staged)
    }

    /// The same under a temporary name of the caller's choice.
    pub fn file_as(
        temporary: PathBuf,
        path: &Path,
        (content, mode): (&[u8], u32),
        batch: &mut Batch,
    ) -> Result<Self, PathError> {
        let staged = Self::named(temporary, path);
        staged.write(content, mode, batch)?;
        Ok(staged)
    }

    /// Makes a symlink to `target` that is to be at `path`.
    pub fn link(path: &Path, target: &[u8]) -> Result<Self, PathError> {
        use std::os::unix::ffi::OsStrExt as _;
        let staged = Self::named(durable::temporary_beside(path), path);
        std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &staged.temporary)
            .at("create", path)?;
        Ok(staged)
    }

    /// Gives it its name, in place of what has it now.
    pub fn place(mut self, batch: &mut Batch) -> Result<(), PathError> {
        durable::rename(&self.temporary, &self.path)?;
        self.is_placed = true;
        batch.named(self.path.parent().unwrap_or(&self.path))
    }

    fn named(temporary: PathBuf, path: &Path) -> Self {
        Self {
            temporary,
            path: path.to_owned(),
            is_placed: false,
        }
    }

    fn write(&self, content: &[u8], mode: u32, batch: &mut Batch) -> Result<(), PathError> {
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.temporary)
            .and_then(|mut file| {
                file.write_all(content)?;
                file.set_permissions(Permissions::from_mode(mode))?;
                Ok(file)
            });
        batch.wrote(written.at("write", &self.path)?, &self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be deleted here is swept by its name later.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
