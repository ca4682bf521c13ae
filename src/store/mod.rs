//! The keep: the only module that knows Git.
//!
//! # Model
//!
//! A [`Repo`] is any repository of ours: the `.git` of a keep, or a vault. It reads through `gix`.
//! A [`Transaction`] collects objects and ref changes in memory; [`Transaction::finish`] writes
//! them in the order that survives a power cut: every object to a temporary file, synced, renamed,
//! its folder synced; then every ref's lock file, synced, renamed, its folder synced. Dropping a
//! transaction changes nothing.
//!
//! A [`Keep`] is a work tree with its repository, its private folder `.buildkeep`, and one lock
//! around every write. The state branch of each host is written by [`Keep::publish`] from
//! [`journal`]s, so that publishing the same events twice is harmless.
//!
//! Changes of refs that a command asks for are begun with [`Keep::begin`]: the operation log on
//! `refs/buildkeep/op` tells of them, so that `undo` can take them back.
//!
//! # Limits
//!
//! SHA-1 repositories with the `files` ref format only; others are refused when opened.

mod bulk;
mod called;
mod clean;
mod commits;
mod delta_pack;
mod error;
mod gc;
mod gc_lock;
mod git_facts;
mod git_lock;
mod git_program;
pub mod health;
mod identity;
mod index;
pub mod journal;
mod keep;
mod leftovers;
mod lock_files;
mod loose;
mod message;
mod objects;
mod operations;
pub mod pack;
mod partial;
mod patience;
mod record;
mod reflog;
mod refs;
mod remote;
mod repo;
mod settle;
mod skeleton;
mod staged;
mod state;
#[cfg(test)]
mod tests;
mod transaction;
mod worktree;

pub use called::Called;
pub use commits::{Commit, Signature};
pub use delta_pack::delta_pack;
pub use error::Error;
pub use gc_lock::GcLock;
pub use git_facts::{GitFacts, HooksPath};
pub use git_program::{GitProgram, without_password};
pub use gix::ObjectId;
pub use keep::{Keep, WriteGuard};
pub use message::{FORMAT, Message, Trailers};
pub use objects::{Line, Link, Objects};
pub use operations::{Operation, Operations, RefMove};
pub use partial::{PartialRemote, With};
pub use remote::{Advertised, PushOutcome, PushedRef, advertised, index_all, push_refs};
pub use repo::{Repo, TreeFile};
pub use state::{Batch, JournalRef};
pub use transaction::{Expect, FileChange, Transaction};
pub use worktree::{Change, ChangeKind, Mode, WorkFile};
