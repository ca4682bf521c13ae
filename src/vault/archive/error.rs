//! Why an archive could not be written or read.
use std::io;

use crate::store::ObjectId;

/// Why an archive could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Where it goes does not take it.
    #[error("cannot write the archive: {0}")]
    Write(io::Error),
    /// Where it comes from cannot be read.
    #[error("cannot read the archive at byte {at}: {source}")]
    Read {
        /// How far it was read, uncompressed.
        at: u64,
        /// What the system or the decompression said.
        source: io::Error,
    },
    /// What is to be archived cannot be read in the vault.
    #[error("`{path}` cannot be archived: {reason}")]
    Unreadable {
        /// The path in the snapshot.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// It ends before its end.
    #[error("the archive is cut: it ends at byte {at}, {inside}")]
    Cut {
        /// Where it ends, uncompressed.
        at: u64,
        /// In the middle of what.
        inside: String,
    },
    /// Its bytes make no sense.
    #[error("the archive is damaged at byte {at}: {reason}")]
    Damaged {
        /// Where, uncompressed.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// It holds what is not taken in.
    #[error("the archive is refused: `{path}` (at byte {at}) {reason}")]
    Refused {
        /// Where, uncompressed.
        at: u64,
        /// The name in the archive.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is no archive.
    #[error(
        "this is no archive: neither a tar nor a Git bundle, nor one of them compressed by gzip or zstd"
    )]
    Unknown,
    /// It holds nothing.
    #[error("the archive is empty")]
    Empty,
    /// A bundle without what it builds upon.
    #[error("the bundle builds upon a snapshot that this vault does not have ({commit})")]
    Lacking {
        /// The commit that it names.
        commit: ObjectId,
    },
    /// A bundle with a snapshot whose name another one has here.
    #[error("the vault has another snapshot of the name {tag}")]
    Taken {
        /// The name.
        tag: String,
    },
    /// A bundle without snapshots.
    #[error("the bundle holds no snapshot of buildkeep")]
    NoSnapshots,
    /// A snapshot of a bundle lacks something.
    #[error("the snapshot {tag} in the bundle is not whole: {reason}")]
    NotWhole {
        /// The snapshot.
        tag: String,
        /// What it lacks.
        reason: String,
    },
}
