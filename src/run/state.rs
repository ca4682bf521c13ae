//! In which state an attempt is.
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Exit, Stop, StopReason, Unknown};

/// The state of an attempt: folded from its files, never stored for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptState {
    /// The script runs, or is about to.
    Running,
    /// The script is halted by a signal.
    Paused,
    /// The script returned 0.
    Succeeded,
    /// The script returned something else, was killed, or took too long.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// The machine was restarted, or we were killed before the script began.
    Interrupted,
    /// The script is gone and nobody saw how it ended.
    Lost,
}

impl AttemptState {
    /// The state that an end on record stands for.
    pub(super) fn of_exit(exit: &Exit, stop: Option<&Stop>) -> Self {
        match (exit.unknown, stop.map(|stop| stop.reason)) {
            _ if exit.is_success() => Self::Succeeded,
            (_, Some(StopReason::Asked)) => Self::Cancelled,
            (Some(Unknown::NeverStarted | Unknown::Reboot), _) => Self::Interrupted,
            (Some(Unknown::Lost), _) => Self::Lost,
            (None, _) => Self::Failed,
        }
    }

    /// Whether the script may still run.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for AttemptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
