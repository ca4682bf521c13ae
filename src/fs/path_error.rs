//! I/O errors that know their path.
use std::io;
use std::path::{Path, PathBuf};

/// An I/O error that knows what was being done, and to which path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct PathError {
    /// What was being done, as a verb: "read", "replace".
    pub action: &'static str,
    /// The path it was done to.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl PathError {
    /// The same once more, for another who has to know.
    #[must_use]
    pub fn copy(&self) -> Self {
        let source = match self.source.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.source.kind(), self.source.to_string()),
        };
        Self {
            action: self.action,
            path: self.path.clone(),
            source,
        }
    }

    /// Tells whether the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Adds action and path to the error of a system call.
pub trait AtPath<T> {
    /// Names what failed.
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
