//! `buildkeep helper …`: what our own processes start, never a person.
//!
//! It is taken up before the command line is parsed: helpers live as long as a build step, and the
//! parser would stay in their memory.
use std::ffi::OsString;
use std::path::PathBuf;

use crate::run::{Helper, monitor_asked_for};
use crate::world::Clock;

/// Does the work of a helper, if `args` ask for one; returns the code to end with.
pub fn answer(args: &[OsString], clock: &Clock) -> Option<u8> {
    let (helper, attempt) = Helper::asked_for(args)?;
    Some(helper.run(&attempt, clock))
}

/// The run that `args` ask to look after in the background.
pub fn monitor(args: &[OsString]) -> Option<PathBuf> {
    monitor_asked_for(args)
}
