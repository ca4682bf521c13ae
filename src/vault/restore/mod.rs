//! Restoring a snapshot: first a plan, then exactly that plan.
//!
//! [`plan`] reads the snapshot's metadata, looks at the target, and decides for each entry what is
//! to be done; it changes nothing. [`apply`] does it, on all cores. The target is entered by
//! descriptors only, one name at a time and through no symbolic link. Files that are as they
//! should be keep their inodes; others are written beside their place and renamed into it.

mod apply;
mod attributes;
mod begun;
mod content;
mod existing;
mod plan;
mod problem;
mod removal;
mod safety;
mod special;
mod target;

mod work;

pub use apply::{Restored, apply};
pub use begun::{begin, end, was_begun};
pub use plan::{Plan, plan};
pub use problem::{Problem, Trouble};
pub use safety::{REASON, keep_replaced};
pub use target::{Compare, Request, Target};
