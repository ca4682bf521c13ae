//! Configuration: TOML files in layers, checked by JSON Schemas, with versions to go back to.
//!
//! # Model
//!
//! [`Files`] are the bytes, from the work tree, a commit or the index. [`Sources`] are the same
//! files read and checked: every problem has its place. [`Effective`] is what holds in the end:
//! schema default < profiles < `config/*.toml` < `config/hosts/<host>.toml` < `BUILDKEEP_SET_…`
//! < `-c key=value`, and where each value comes from. All files of a layer are one tree: the key
//! `build.jobs` is `jobs` in the table `[build]`, in whichever file that is. The key `schema`
//! outside tables is the version of a file's form, and no part of the tree.
//!
//! A change ([`edit`], [`rollback`]) is planned first, checked as if it were made, then made as
//! one commit. [`versions`] numbers the commits that changed configuration.

mod backups;
pub mod bypassed;
mod changed;
pub mod diff;
pub mod edit;
mod effective;
mod error;
mod files;
mod forms;
pub mod history;
pub mod hooks;
mod judge;
pub mod layers;
mod merge;
mod overrides;
mod recent;
mod remembered;
pub mod render;
mod reverse;
mod role;
pub mod rollback;
mod rules;
mod schemas;
pub mod secrets;
mod sources;
mod strata;
#[cfg(test)]
mod tests;
mod typed;
mod verdicts;
pub mod versions;
mod whole;

pub use backups::{BackupSet, backup_sets};
pub use effective::{Effective, Entry, Layer, Origin};
pub use error::{Error, Overlaid};
pub use files::Files;
pub use forms::{Migrated, OldForm};
pub use judge::{Judge, Verdict, problems};
pub use overrides::{Override, Scope};
pub use remembered::{Bearing, Known, Memory, Remembered};
pub use role::Role;
pub use schemas::{BUILTIN, Schemas};
pub use sources::Sources;
