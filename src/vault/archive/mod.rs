//! Archives: snapshots outside of vaults, and how they come back.
//!
//! A snapshot is written as a tar archive that any tar extracts ([`write_tar`]), or with all its Git
//! objects as a bundle ([`write_bundle`]). Both are streams: memory does not grow with what they
//! hold. An archive that comes back ([`Import`], [`read_bundle`]) is somebody else's word: every name,
//! number and length is checked, nothing is written outside of the vault's packs, and no ref changes
//! before all of it is there. What was written until an archive turned out to be bad is an
//! unreferenced pack, as after a killed backup.

mod acl;
mod builder;
mod bundle;
mod bundle_read;
mod content;
mod entry;
mod error;
mod header;
mod import;
mod origin;
mod pax;
mod reader;
mod sparse;
mod stdin;
mod store;
mod visit;
mod write;

pub use bundle::{BundleContent, write_bundle};
pub use bundle_read::{ImportedBundle, read_bundle};
pub use error::ArchiveError;
pub use import::{Import, Imported};
pub use stdin::{StdinFile, create_from_reader};
pub use write::{Exported, write_tar};

/// What an archive is, once it is unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A tar archive.
    Tar,
    /// A Git bundle.
    Bundle,
}

/// What an archive is, by its first 512 bytes.
pub fn shape_of(begin: &[u8]) -> Option<Shape> {
    if bundle_read::is_bundle(begin) {
        return Some(Shape::Bundle);
    }
    reader::is_tar(begin).then_some(Shape::Tar)
}

/// How many folders may be inside one another: as many as a path of the system can name.
const DEEPEST: usize = 2048;
