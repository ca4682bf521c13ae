//! How an attempt ended.
use std::fmt;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

use super::Totals;

/// Why nobody can tell how the script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// It was never started, and never will be.
    NeverStarted,
    /// The machine was restarted.
    Reboot,
    /// It is gone and no one of ours was there to see.
    Lost,
}

/// How the script ended, as its wait status has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Code(i32),
    Signal(i32),
    Unknown(Unknown),
}

impl Ending {
    /// From the status that `wait` and the kernel use.
    pub(super) fn from_wait_status(raw: i32) -> Self {
        match raw & 0x7f {
            0 => Self::Code((raw >> 8) & 0xff),
            signal => Self::Signal(signal),
        }
    }
}

/// The content of `exit.json`: one of code, signal, unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exit {
    /// The version of this file's format.
    pub format: u32,
    /// What the script returned.
    pub code: Option<i32>,
    /// What killed it.
    pub signal: Option<i32>,
    /// Why it is not known.
    pub unknown: Option<Unknown>,
    /// What the system said when the script was to be started, if it could not be.
    pub launch_error: Option<String>,
    /// Which of our processes says so.
    pub by: String,
    /// When, RFC 3339.
    pub time: String,
    /// Seconds from the script's start, by the clock that never jumps.
    pub duration_s: Option<f64>,
    /// What was used until the script ended.
    pub usage: Option<Usage>,
    /// Whether one of its processes was killed because memory ran out.
    pub oom: bool,
    /// Output that no disk had room for.
    pub dropped_bytes: u64,
}

impl Exit {
    /// Whether the script did what it should.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Who counted what processes used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageSource {
    /// The system, for the script and all children that were waited for.
    #[default]
    Wait4,
    /// The attempt's cgroup, for every process that was ever in it.
    Cgroup,
}

/// What processes used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Seconds of computing.
    pub user_s: f64,
    /// Seconds of the kernel's work for them.
    pub sys_s: f64,
    /// The most memory one of them had.
    pub max_rss_bytes: u64,
    /// The most memory that all had at once, with what files were cached for them; where it is
    /// counted.
    pub peak_memory_bytes: Option<u64>,
    /// Who counted the seconds.
    pub source: UsageSource,
    /// Blocks of 512 bytes read from disks.
    pub blocks_in: u64,
    /// Blocks of 512 bytes written to disks.
    pub blocks_out: u64,
}

impl Usage {
    /// What the children that this process waited for used, with their own children.
    pub(super) fn of_children() -> Option<Self> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
        Some(Self {
            user_s: usage.user_time().num_microseconds() as f64 / 1e6,
            sys_s: usage.system_time().num_microseconds() as f64 / 1e6,
            max_rss_bytes: usage.max_rss() as u64 * 1024,
            peak_memory_bytes: None,
            source: UsageSource::Wait4,
            blocks_in: usage.block_reads() as u64,
            blocks_out: usage.block_writes() as u64,
        })
    }

    /// The same as a cgroup counted it, where it did.
    pub(super) fn counted(waited: Option<Self>, totals: Option<Totals>) -> Option<Self> {
        let Some(totals) = totals else { return waited };
        Some(Self {
            user_s: totals.user_us as f64 / 1e6,
            sys_s: totals.system_us as f64 / 1e6,
            peak_memory_bytes: totals.peak_memory_bytes,
            source: UsageSource::Cgroup,
            ..waited.unwrap_or_default()
        })
    }

    /// All seconds of a processor.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.sys_s
    }
}

/// The content of `stop.json`: somebody wants the attempt to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// When, RFC 3339.
    pub time: String,
}

/// Why an attempt was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// Somebody said so.
    Asked,
    /// It took longer than its step may.
    Timeout,
}

impl StopReason {
    /// The reason that a word of the helper's command line stands for.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Asked, Self::Timeout]
            .into_iter()
            .find(|reason| reason.word() == word)
    }

    /// The word of the helper's command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::cause::words(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_told_apart() {
        assert_eq!(Ending::from_wait_status(0), Ending::Code(0));
        assert_eq!(Ending::from_wait_status(255 << 8), Ending::Code(255));
        assert_eq!(Ending::from_wait_status(9), Ending::Signal(9));
        assert_eq!(Ending::from_wait_status(0x0b | 0x80), Ending::Signal(11));
        assert_eq!(Ending::from_wait_status(34), Ending::Signal(34));
    }
}
