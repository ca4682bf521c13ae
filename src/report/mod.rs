//! What several features know, put together for people.

pub mod diff;
pub mod log;
