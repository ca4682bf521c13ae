//! One file per command: its arguments, and the few steps that carry it out.
//!
//! This is the only place where features meet. A command gets a [`Context`], asks features for
//! data, and shows it.

pub mod accuracy;
pub mod attach;
pub mod backup;
pub mod check;
pub mod checkpoint;
pub mod clone;
pub mod commit;
pub mod completions;
pub mod config;
mod configuration;
mod context;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod events;
pub mod explain;
mod facts;
mod gate;
pub mod helper;
pub mod hook;
pub mod hooks;
pub mod import;
pub mod init;
pub mod log;
pub mod logs;
pub mod man;
pub mod manifest;
pub mod mark;
mod notices;
mod older;
pub mod owns;
mod past;
pub mod pause;
pub mod plan;
mod preflight;
mod progress;
mod project;
pub mod push;
pub mod remote;
mod renamed;
mod restore;
pub mod rollback;
pub mod run;
pub mod secret;
pub mod show;
mod stale;
pub mod status;
pub mod step;
mod steps;
pub mod stop;
pub mod tag;
mod there;
mod tools;
pub mod top;
mod trees;
pub mod undo;
mod validate;
pub mod vault;
mod vaults;
mod versions;
mod when;
pub mod why;

pub use context::Context;

/// What a command answers, and so the exit code: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// Done, or the answer is yes.
    Yes,
    /// The answer is no: findings, differences, a failed step.
    No,
}

impl Answer {
    /// Yes if `good`.
    pub fn of(good: bool) -> Self {
        if good { Self::Yes } else { Self::No }
    }
}
