//! placeholder
pub mod meta;
/// placeholder
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] crate::fs::PathError),
}
