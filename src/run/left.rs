//! Processes that a script left running.
use serde::{Deserialize, Serialize};

use super::files::{load, save_first};
use super::process::ProcFile;
use super::tree::members;
use super::{AttemptDir, Error};
use crate::fs::read_optional;

/// Longer command lines are cut.
const LONGEST: usize = 200;

/// A process that outlived the script which led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftRunning {
    /// Its number.
    pub pid: i32,
    /// Its command line, or its name if it has none.
    pub command: String,
}

/// Notes what runs still of the attempt in `dir`, now that its script is long gone.
pub(super) fn note(dir: &AttemptDir) -> Result<(), Error> {
    let file: Option<ProcFile> = load(&dir.process())?;
    let process = file.and_then(|file| file.process);
    let left: Vec<LeftRunning> = members(dir, process.as_ref())?
        .iter()
        .map(|member| LeftRunning::of(member.stat.pid))
        .collect();
    if !left.is_empty() {
        save_first(&dir.left_running(), &left)?;
    }
    Ok(())
}

/// What was left running when the attempt in `dir` was over.
pub(super) fn left_running(dir: &AttemptDir) -> Result<Vec<LeftRunning>, Error> {
    Ok(load(&dir.left_running())?.unwrap_or_default())
}

impl LeftRunning {
    fn of(pid: i32) -> Self {
        let file = |name: &str| read_optional(format!("/proc/{pid}/{name}").as_ref());
        let text = |name: &str| {
            let bytes = file(name).ok().flatten().unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
            text.trim().chars().take(LONGEST).collect::<String>()
        };
        let words = text("cmdline");
        let command = if words.is_empty() {
            text("comm")
        } else {
            words
        };
        Self { pid, command }
    }
}
