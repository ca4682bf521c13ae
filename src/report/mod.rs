//! What several features know, put together for people.

pub mod accuracy;
pub mod diff;
pub mod estimate;
pub mod event;
pub mod failure;
pub mod log;
pub mod notice;
pub mod part;
pub mod schedule;
pub mod status;
pub mod top;
pub mod words;
