//! What a run says.
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::choose::{Choice, Reason};
use crate::commands::preflight::Finding;
use crate::plan::{Change, Plan};
use crate::run::{AttemptDir, AttemptState, LeftRunning, is_paused, paused_by};
use crate::ui::{clean, counted, duration, seconds, style};

/// So many processes are told that a script left running.
const LEFT: usize = 5;
/// So many reasons are told in a line.
const REASONS: usize = 3;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::New => f.write_str("not built yet"),
            Self::Again(AttemptState::Interrupted) => f.write_str("was interrupted"),
            Self::Again(AttemptState::Cancelled) => f.write_str("was stopped"),
            Self::Again(state) => write!(f, "{state} the last time"),
            Self::Forced => f.write_str("forced"),
            Self::Unmarked(why) => write!(f, "marked as not done: {}", clean(why)),
            Self::Changed(changes) => {
                let told: Vec<String> = changes
                    .iter()
                    .take(REASONS)
                    .map(Change::to_string)
                    .collect();
                f.write_str(&clean(&told.join(", ")))?;
                match changes.len().saturating_sub(REASONS) {
                    0 => Ok(()),
                    more => write!(f, ", and {more} more"),
                }
            }
        }
    }
}

/// `[3/6]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) of: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.of.to_string().len();
        let text = format!("[{:>width$}/{}]", self.at, self.of);
        write!(f, "{}", style::faint(text))
    }
}

/// How long the attempt in `dir`, begun at `began`, has run by `now`: `12 s`, and that it is paused.
///
/// The time in which it was paused is none of it.
pub(super) fn ran(dir: &AttemptDir, began: Duration, now: Duration) -> String {
    let ran = duration(now.saturating_sub(began + paused_by(dir, now)));
    if is_paused(dir) {
        format!("paused (`buildkeep resume`), {ran}")
    } else {
        ran
    }
}

/// What `--dry-run` shows.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    steps: Vec<PlannedStep>,
    done: usize,
    /// What would be told before the first of them begins.
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct PlannedStep {
    step: String,
    file: String,
    reason: String,
}

impl Planned {
    pub(super) fn new(plan: &Plan, choices: &[Choice]) -> Self {
        let to_run = choices.iter().filter(|choice| !choice.is_done());
        let steps = to_run.map(|choice| PlannedStep {
            step: plan.steps[choice.at].id.clone(),
            file: plan.steps[choice.at].file.clone(),
            reason: choice.reason.to_string(),
        });
        Self {
            steps: steps.collect(),
            done: choices.iter().filter(|choice| choice.is_done()).count(),
            findings: Vec::new(),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .steps
            .iter()
            .map(|step| step.step.chars().count())
            .max();
        let width = width.unwrap_or(0).min(40);
        for step in &self.steps {
            let name = format!("{:width$}", clean(&step.step));
            writeln!(f, "{}  {}", style::name(name), step.reason)?;
        }
        match self.steps.len() {
            0 => writeln!(f, "nothing to run: all {} steps are done", self.done),
            count => writeln!(f, "{count} to run, {} done", self.done),
        }
    }
}

/// A step began.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Started {
    #[serde(default)]
    pub(super) event: String,
    pub(super) place: Place,
    pub(super) step: String,
    pub(super) attempt: String,
    pub(super) number: u32,
    pub(super) reason: String,
    /// Whether people want to be told the reason.
    #[serde(skip_serializing, default)]
    pub(super) is_notable: bool,
}

impl Started {
    /// The facts for the journal.
    pub(super) fn data(&self) -> Value {
        json!({
            "place": self.place,
            "step": self.step,
            "attempt": self.attempt,
            "number": self.number,
            "reason": self.reason,
            "is_notable": self.is_notable,
        })
    }
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_notable {
            return Ok(());
        }
        let step = style::name(clean(&self.step));
        writeln!(f, "{} {step} again: {}", self.place, self.reason)
    }
}

/// A step ended.
#[derive(Debug, Serialize)]
pub(super) struct Ended {
    pub(super) event: &'static str,
    pub(super) place: Place,
    pub(super) step: String,
    pub(super) attempt: String,
    pub(super) number: u32,
    pub(super) state: AttemptState,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) duration_s: Option<f64>,
    pub(super) cause: Option<String>,
    /// How much of its output no disk had room for.
    pub(super) dropped_bytes: u64,
    /// What it left running in the background.
    pub(super) left_running: Vec<LeftRunning>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.duration_s.map(|s| format!(" in {}", seconds(s)));
        let took = took.unwrap_or_default();
        write!(f, "{} {} ", self.place, style::name(clean(&self.step)))?;
        if self.state == AttemptState::Succeeded {
            writeln!(f, "{}{took}", style::good("done"))?;
            self.tell_dropped(f)?;
            return self.tell_left(f);
        }
        let state = match self.state {
            AttemptState::Cancelled => "stopped",
            state => state.word(),
        };
        let took = took.replacen(" in ", " after ", 1);
        write!(f, "{}{took}", style::bad(state))?;
        match &self.cause {
            Some(cause) => writeln!(f, ": {}", clean(cause)),
            None => writeln!(f),
        }?;
        self.tell_left(f)
    }
}

impl Ended {
    /// What failed is explained with this anyway.
    fn tell_dropped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dropped_bytes {
            0 => Ok(()),
            bytes => writeln!(f, "  {bytes} bytes of output are missing: no disk had room"),
        }
    }

    fn tell_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for left in self.left_running.iter().take(LEFT) {
            writeln!(
                f,
                "  left running: {} (process {})",
                clean(&left.command),
                left.pid
            )?;
        }
        match self.left_running.len().saturating_sub(LEFT) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more processes"),
        }
    }
}

/// How a run ended: the last line of `run --json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) run: Option<String>,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    /// The step that somebody stopped.
    pub(super) stopped: usize,
    pub(super) exit: u8,
    /// Steps that were done before.
    pub(super) done: usize,
    /// Steps that it did not come to.
    pub(super) left: usize,
    pub(super) duration_s: f64,
}

impl Summary {
    /// All that was asked for is done.
    pub(super) fn nothing(done: usize) -> Self {
        Self {
            done,
            ..Self::default()
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.run.is_none() {
            return match self.done {
                0 => writeln!(f, "nothing to run: the plan has no steps"),
                1 => writeln!(f, "nothing to run: the step is done"),
                done => writeln!(f, "nothing to run: all {done} steps are done"),
            };
        }
        let mut parts = vec![format!("{} done", counted(self.succeeded as u64, "step"))];
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        add(self.failed, "failed");
        add(self.stopped, "stopped");
        add(self.left, "not run");
        add(self.done, "done before");
        writeln!(f, "{} in {}", parts.join(", "), seconds(self.duration_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_paused_step_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let dir = AttemptDir::new(folder.path());
        let at = Duration::from_secs;
        let shown = |now: u64| ran(&dir, at(100), at(now));
        assert_eq!(shown(130), "30 s");
        let halted = |spells: &str| {
            let text = format!("{{\"spells\": [{spells}]}}");
            std::fs::write(dir.pauses(), text).unwrap();
        };
        halted("[110.0, null]");
        assert_eq!(shown(130), "paused (`buildkeep resume`), 10 s");
        assert_eq!(shown(900), shown(130));
        halted("[110.0, 120.0]");
        assert_eq!(shown(130), "20 s");
    }
}
