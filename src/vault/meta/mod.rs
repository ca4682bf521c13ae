//! The metadata blob of a folder: all that a Git tree cannot say about its entries.
//!
//! Every folder's tree holds one blob named [`NAME`]. It describes the folder itself and each of
//! its entries, and nothing outside of it, so that a folder which did not change is the same tree
//! in every snapshot, and any subfolder can be restored alone. `docs/design/vault-format.md` has
//! the layout byte by byte.
//!
//! Newer writers may add fields. A field with an even number may be skipped by a reader that does
//! not know it; one with an odd number makes the entry [`Decoded::Unknown`], which is reported.

mod decode;
mod encode;
mod varint;

pub use decode::{
    Decoded, FolderMeta, decode, decode_record, is_one_record, record_is_folder, record_name,
};
pub use encode::{encode, encode_record, with_owners};

use std::collections::BTreeMap;

/// The name of the metadata blob in its tree.
pub const NAME: &[u8] = b".buildkeep-meta";

/// How a metadata blob begins: name and version of the format.
const MAGIC: &[u8; 4] = b"BKM\x01";

/// The numbers of the fields; odd ones must be understood.
mod field {
    pub(super) const LINK_TARGET: u64 = 1;
    pub(super) const HARD_LINK: u64 = 2;
    pub(super) const DEVICE: u64 = 3;
    pub(super) const XATTR: u64 = 4;
    pub(super) const STORED_NAME: u64 = 5;
    pub(super) const SPARSE: u64 = 7;
    pub(super) const USER: u64 = 8;
    pub(super) const GROUP: u64 = 10;
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
}

impl Kind {
    fn letter(self) -> u8 {
        match self {
            Self::File => b'f',
            Self::Folder => b'd',
            Self::Link => b'l',
            Self::CharDevice => b'c',
            Self::BlockDevice => b'b',
            Self::Fifo => b'p',
        }
    }

    fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'f' => Some(Self::File),
            b'd' => Some(Self::Folder),
            b'l' => Some(Self::Link),
            b'c' => Some(Self::CharDevice),
            b'b' => Some(Self::BlockDevice),
            b'p' => Some(Self::Fifo),
            _ => None,
        }
    }
}

/// A time of the file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime {
    /// Seconds since 1970; negative before.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanos: u32,
}

/// One entry of a folder, or, with an empty name, the folder itself.
///
/// An entry that is a subfolder has only its name here; the rest stands in its own metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Its name, as bytes.
    pub name: Vec<u8>,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When its content was last changed.
    pub mtime: FileTime,
    /// The size of a regular file.
    pub size: u64,
    /// Where a symbolic link leads.
    pub target: Vec<u8>,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// The file that several names share: number of the file system in the snapshot, and inode.
    pub hard_link: Option<(u64, u64)>,
    /// Extended attributes, ACLs and capabilities among them, by name.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Its name in the Git tree, where that could not be its own.
    pub stored_name: Option<Vec<u8>>,
    /// The parts of a sparse file that hold data, as offset and length; none if it has no holes.
    pub sparse: Option<Vec<(u64, u64)>>,
}

impl Record {
    /// An entry without any optional field.
    pub fn new(kind: Kind, name: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            name: name.into(),
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: FileTime::default(),
            size: 0,
            target: Vec::new(),
            device: (0, 0),
            hard_link: None,
            xattrs: BTreeMap::new(),
            stored_name: None,
            sparse: None,
        }
    }

    /// The name under which its content stands in the Git tree.
    pub fn name_in_tree(&self) -> &[u8] {
        self.stored_name.as_deref().unwrap_or(&self.name)
    }
}

/// Names of the owners that occur in a snapshot; stored with its top folder, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Users by number.
    pub users: BTreeMap<u32, Vec<u8>>,
    /// Groups by number.
    pub groups: BTreeMap<u32, Vec<u8>>,
}

/// A metadata blob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// It does not begin like one, or is of a newer format.
    #[error("not metadata that this buildkeep can read (it begins with {0:02x?})")]
    Format(Vec<u8>),
    /// Its bytes make no sense.
    #[error("the metadata is damaged at byte {0}")]
    Damaged(usize),
}

#[cfg(test)]
mod tests;
