//! Why a vault could not do what was asked.
use std::path::PathBuf;

use super::archive::ArchiveError;
use super::meta::MetaError;
use crate::fs::{LockError, PathError};
use crate::store;
use crate::store::pack::{PackError, TreeError};

/// The newest of many.
fn some(tags: &[String]) -> String {
    const SHOWN: usize = 4;
    let (older, newest) = tags.split_at(tags.len().saturating_sub(SHOWN));
    let and_more = match older.len() {
        0 => String::new(),
        more => format!("{more} older ones, "),
    };
    and_more + &newest.join(", ")
}

/// How far a push came.
fn broken(sent: u64, total: u64) -> String {
    match sent * 100 / total.max(1) {
        0 => "the vault could not be sent".to_owned(),
        percent => format!("{percent} % of the vault were sent, then it ended"),
    }
}

impl Error {
    /// Whether a part of the vault is not as it was written, so that other parts may be.
    pub(super) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Tree { .. }
                | Self::NoMeta { .. }
                | Self::Meta { .. }
                | Self::Pack(PackError::Damaged { .. } | PackError::Missing(_) | PackError::Io(_))
        )
    }
}

/// Why a vault could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Somebody else writes to the vault.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The repository said no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Packs could not be written or read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A push ended before everything was there.
    #[error("{}", broken(*sent, *total))]
    PushBroken {
        /// The bytes that the remote has got.
        sent: u64,
        /// The bytes that it was to get.
        total: u64,
        /// What Git said.
        source: store::Error,
    },
    /// A remote that does not give single objects.
    #[error("{url} gives whole vaults only")]
    NothingLess {
        /// The remote.
        url: String,
    },
    /// An archive could not be written or read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There is no vault.
    #[error("there is no vault at {}", path.display())]
    NoVault {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A vault was to be made where something else is.
    #[error("{} is there already, and is not a vault", path.display())]
    Occupied {
        /// What is there.
        path: PathBuf,
    },
    /// A vault with damage, of which nothing is to be deleted.
    #[error("the vault {} is damaged, and nothing of it is deleted before it is healed", .0.display())]
    HealFirst(PathBuf),
    /// The source folder went away.
    #[error("{} went away while it was read", .0.display())]
    SourceVanished(PathBuf),
    /// The source folder lies in the vault, which would grow with each snapshot of itself.
    #[error("{} lies in the vault itself", .0.display())]
    InsideVault(PathBuf),
    /// A tag that is no snapshot's.
    #[error("the tag `{tag}` names no snapshot")]
    NotASnapshot {
        /// The tag.
        tag: String,
    },
    /// Nothing fits what was asked for.
    #[error("no snapshot `{spec}` in the vault {}", vault.display())]
    UnknownSnapshot {
        /// What was asked for.
        spec: String,
        /// Where.
        vault: PathBuf,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Several snapshots fit.
    #[error("`{spec}` fits {} snapshots: {}", tags.len(), some(tags))]
    AmbiguousSnapshot {
        /// What was asked for.
        spec: String,
        /// What fits, oldest first, as short as can be typed.
        tags: Vec<String>,
    },
    /// A folder of the snapshot cannot be parsed.
    #[error("the folder `{path}` of the snapshot is damaged: {source}")]
    Tree {
        /// The folder.
        path: String,
        /// What is wrong.
        source: TreeError,
    },
    /// A folder without metadata.
    #[error("the folder `{path}` holds no metadata: no backup of ours")]
    NoMeta {
        /// The folder.
        path: String,
    },
    /// The metadata of a folder cannot be parsed.
    #[error("the folder `{path}` of the snapshot cannot be read: {source}")]
    Meta {
        /// The folder.
        path: String,
        /// What is wrong.
        source: MetaError,
    },
    /// A path that a snapshot does not have.
    #[error("the snapshot {tag} has no `{path}`")]
    NotInSnapshot {
        /// The snapshot.
        tag: String,
        /// The path.
        path: String,
    },
    /// A path that is no file, where only a file will do.
    #[error("`{path}` is no file in the snapshot {tag}")]
    NoFile {
        /// The snapshot.
        tag: String,
        /// The path.
        path: String,
    },
    /// A target that a restore must not touch.
    #[error("will not restore into {}: {reason}", path.display())]
    BadTarget {
        /// The target.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// Something else is mounted in a target.
    #[error("will not restore over {}, where something is mounted{}", path.display(), and_more(*more))]
    Mounted {
        /// The first such folder.
        path: PathBuf,
        /// How many others there are.
        more: usize,
    },
    /// A target with content, without leave to change it.
    #[error("{} is not empty", path.display())]
    TargetNotEmpty {
        /// The target.
        path: PathBuf,
    },
    /// What a restore replaces could not be kept.
    #[error("will not replace {}, which cannot be kept first: {reason}", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Too little room.
    #[error("{} has too little room: {available} {unit} are free, {needed} are needed", path.display())]
    NoRoom {
        /// The target.
        path: PathBuf,
        /// What is needed.
        needed: u64,
        /// What is there.
        available: u64,
        /// Of what: bytes or files.
        unit: &'static str,
    },
    /// The target became another while it was restored.
    #[error("{} changed since the plan was made: {reason}", path.display())]
    Changed {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!("; {more} more such folders are in it"),
    }
}
