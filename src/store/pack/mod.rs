//! Git packs, written straight and read with `pread`.
//!
//! Backups bring hundreds of thousands of new objects at a time. They go into packs at once, never
//! through loose files: hashed (with collision detection), compressed and appended while they are
//! in the cache, one pack per worker. A pack counts when its index stands beside it; the order is
//! pack synced, index synced, both renamed, folder synced, and only then a ref by the caller. A
//! killed writer leaves whole packs that nothing refers to, whose objects the next one reuses.
//!
//! Reading needs no memory map: an object costs one or two `pread`s. Deltas, which we never write
//! but Git may, and loose objects are read through gix.

mod deflate;
mod delta;
mod excludes;
mod hash;
mod index;
mod known;
mod names;
mod publish;
mod reader;
mod rebuild;
mod salvage;
mod scan;
mod stream;
#[cfg(test)]
mod tests;
mod transfer;
mod tree;
mod writer;

pub use excludes::Excludes;
pub use hash::object_id;
pub use names::stored_name;
pub use publish::Written;
pub use reader::{ObjectReader, Objects};
pub use salvage::{Salvaged, salvage};
pub use scan::{PackEntry, PackScan, loose_objects};
pub use stream::write_pack;
pub use transfer::{Part, copy_entries};
pub use tree::{Mode, TreeEntry, TreeError, decode_tree, encode_tree};
pub use writer::{PackWriter, Packs, Size};

use std::path::PathBuf;

use gix::ObjectId;

use crate::fs::PathError;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit = 1,
    /// A folder.
    Tree = 2,
    /// Content.
    Blob = 3,
    /// An annotated tag.
    Tag = 4,
}

impl Kind {
    /// The name that Git hashes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

impl From<gix::objs::Kind> for Kind {
    fn from(kind: gix::objs::Kind) -> Self {
        match kind {
            gix::objs::Kind::Commit => Self::Commit,
            gix::objs::Kind::Tree => Self::Tree,
            gix::objs::Kind::Blob => Self::Blob,
            gix::objs::Kind::Tag => Self::Tag,
        }
    }
}

/// Why packs could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Content made to collide under SHA-1.
    #[error("content built to break SHA-1 (its id would be {0}); it cannot be stored")]
    Collision(ObjectId),
    /// The thread that syncs packs stopped; its own error says why.
    #[error("packs can no longer be written")]
    Stopped,
    /// An index that cannot be read.
    #[error("the pack index {} is damaged: {reason}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An object that no pack and no file holds.
    #[error("object {0} is missing")]
    Missing(ObjectId),
    /// An object whose bytes are not what its id promises.
    #[error("object {id} is damaged: {reason}")]
    Damaged {
        /// The object.
        id: ObjectId,
        /// What is wrong.
        reason: String,
    },
}
