//! Which version of a program is there.
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::program::{Ran, command, run, search};
use crate::world::{Clock, Env};

/// A program says its version at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a program is, links followed.
pub fn find_tool(program: &str, env: &Env) -> Option<PathBuf> {
    let path = search(program, env)?;
    Some(path.canonicalize().unwrap_or(path))
}

/// The first line that a program says to `--version`.
pub fn version_line(path: &Path, env: &Env, clock: &Clock) -> Option<String> {
    let asked = command(path, &["--version".to_owned()]);
    match run(asked, env, clock, PATIENCE) {
        Ran::Ended(output) if output.status.success() => Some(output.first_line().to_owned()),
        _ => None,
    }
}
