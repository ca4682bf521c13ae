//! What can go wrong around a script.
use std::io;
use std::path::PathBuf;

use crate::fs::{Holder, LockError, PathError};

/// Why a script could not be run, watched or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Somebody else holds a lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of ours is not what we wrote.
    #[error("cannot understand {}: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A manifest of the state branch is not what we wrote.
    #[error("cannot understand the manifest {path}: {source}")]
    Manifest {
        /// The file on the state branch.
        path: String,
        /// What is wrong with it.
        source: Box<toml_edit::de::Error>,
    },
    /// Another run is going on.
    #[error("a run is going on{}", holder.as_ref().map(|h| format!(": `{}`, process {}, since {}", h.command, h.pid, h.since)).unwrap_or_default())]
    Active {
        /// Who runs it.
        holder: Option<Holder>,
    },
    /// The system refused something that supervising needs.
    #[error("cannot {action}: {source}")]
    System {
        /// What was refused, as a verb.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The records of an attempt went away under it.
    #[error("{} was deleted while its script ran", path.display())]
    Deleted {
        /// The folder of the attempt.
        path: PathBuf,
    },
    /// The helper process ended before the script was started.
    #[error("the helper process ended before it started the script of {}", path.display())]
    HelperDied {
        /// The folder of the attempt.
        path: PathBuf,
    },
}

/// Names the system call that failed.
pub(super) trait Doing<T> {
    /// Adds what was being done.
    fn doing(self, action: &'static str) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::System {
            action,
            source: source.into(),
        })
    }
}
