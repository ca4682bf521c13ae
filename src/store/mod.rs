//! The keep: the only module that knows Git.
pub mod journal;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] crate::fs::PathError),
}
