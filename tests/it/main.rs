//! The one integration test binary.
#![allow(
    dead_code,
    reason = "not every helper of `Env` is needed by every set of tests"
)]

mod env;
mod layers;
