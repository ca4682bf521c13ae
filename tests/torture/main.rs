//! Death, full and broken disks, and power cuts: what was acknowledged stays, what opened before
//! opens after. Every later part of the keep joins here.
//!
//! `tests/run` runs the short form; `tests/run long` all of it.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests prepare their own world")]

mod calls;
mod crowd;
mod deaths;
mod disk;
#[path = "../it/env.rs"]
#[expect(
    dead_code,
    reason = "shared with the other tests, which use more of it"
)]
mod env;
mod full;
mod place;
mod plugs;
mod power;
mod scenarios;
mod storm;
mod trials;

/// Whether all of it was asked for, and not the short form.
fn is_long() -> bool {
    std::env::var_os("BUILDKEEP_LONG_TESTS").is_some()
}
