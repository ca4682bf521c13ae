//! The map of the code.
//!
//! buildkeep holds the configuration, the runs and the build trees of long scripted builds in
//! one Git history. The words are defined in `docs/design/words.md`; each folder here is one idea.
//! Imports point down this table only, and modules of rank 2 never import one another
//! (`tests/it/layers.rs` keeps it so).
//!
//! | rank | module | holds |
//! |--:|---|---|
//! | 6 | [`cli`] | arguments, clock, environment: the only place that reads the world |
//! | 5 | [`commands`] | one file per command: the only place where features meet |
//! | 4 | [`failure`] | errors become a message, a hint and an exit code |
//! | 3 | [`report`] | what several features know, put together for people |
//! | 2 | [`config`] | TOML checked by JSON Schema, edited with comments kept, rolled back by key |
//! | 2 | [`plan`] | steps, their needs, their order |
//! | 2 | [`run`] | keeper and shim, attempts, logs, manifests |
//! | 2 | [`check`] | is this machine fit for the build |
//! | 2 | [`vault`] | snapshots of whole trees in bare Git repositories |
//! | 1 | [`document`] | a TOML text with spans: checked by JSON Schema, problems located, edits that keep comments |
//! | 1 | [`store`] | the keep: Git objects, refs, commits, journals, the state branch |
//! | 0 | [`fs`], [`ui`], [`world`] | durable files, the printer, what the world told us |
//!
//! Features return data; [`ui`] prints. Whatever deletes or overwrites is a plan first.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests prepare their own world")
)]

pub mod check;
pub mod cli;
pub mod commands;
pub mod config;
pub mod document;
pub mod failure;
pub mod fs;
pub mod plan;
pub mod report;
pub mod run;
pub mod store;
pub mod ui;
pub mod vault;
pub mod world;
