//! How a build goes at this moment: for a screen, a line, or a program.
mod draw;
mod looking;

use std::fmt;

use serde::Serialize;

use super::event::RunEvent;
use super::notice::Notice;
use super::part::Part;
use super::status::Counts;
use crate::run::AttemptState;
use crate::ui::{clean_line, seconds, size};

pub use draw::draw;
pub use looking::{Asked, Looking};

/// All that is shown at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct View {
    /// When, RFC 3339.
    pub time: String,
    /// The keep.
    pub keep: String,
    /// The host whose steps these are.
    pub host: String,
    /// The run that goes on.
    pub run: Option<String>,
    /// Steps by state.
    pub steps: Counts,
    /// How much of the time is behind us, 0 to 1.
    pub progress: f64,
    /// Seconds left, if anything is known about these steps.
    pub eta_s: Option<f64>,
    /// What people should know of what runs.
    pub notices: Vec<Notice>,
    /// What runs.
    pub running: Vec<Now>,
    /// How much of the last ten seconds processes had to wait.
    pub pressure: Pressure,
    /// What the disk of the root has left.
    pub disk_free_bytes: u64,
    /// The last events of runs, the oldest first.
    pub events: Vec<RunEvent>,
    /// Why nothing can be said about steps.
    pub problem: Option<String>,
    /// All steps.
    #[serde(skip)]
    pub plan: Vec<Planned>,
    /// The end of the log that is shown.
    #[serde(skip)]
    pub log: Option<LogTail>,
}

/// The share of the last ten seconds, in percent, in which some process waited.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Pressure {
    /// For a processor.
    pub cpu: f64,
    /// For a disk.
    pub io: f64,
    /// For memory.
    pub memory: f64,
}

/// A step that runs.
#[derive(Clone, Debug, Serialize)]
pub struct Now {
    /// The step.
    pub step: String,
    /// The attempt, as people name it: `gcc#2`.
    pub attempt: String,
    /// `running` or `paused`.
    pub state: AttemptState,
    /// How long it has run.
    pub elapsed_s: Option<f64>,
    /// How long it should take.
    pub expected_s: Option<f64>,
    /// The part of it that goes on, if its script tells.
    pub substep: Option<Part>,
    /// How many processors it keeps busy.
    pub cpus: Option<f64>,
    /// Memory of its processes.
    pub rss_bytes: Option<u64>,
    /// What it reads from disks, per second.
    pub read_bytes_per_s: Option<f64>,
    /// What it writes to disks, per second.
    pub written_bytes_per_s: Option<f64>,
    /// How many processes it has.
    pub processes: Option<u32>,
    /// Its output so far.
    pub log_bytes: u64,
}

/// A step of the plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The step.
    pub step: String,
    /// How it stands.
    pub standing: Standing,
    /// How long it should take.
    pub expected_s: Option<f64>,
    /// Its share of the time of all steps, 0 to 1.
    pub share: f64,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Done, from what is there now.
    Done,
    /// It runs.
    Running,
    /// It failed, or was stopped.
    Failed,
    /// Done, but from something that has changed.
    Stale,
    /// Not tried yet.
    Pending,
}

/// The end of a log.
#[derive(Clone, Debug, Default)]
pub struct LogTail {
    /// The attempt, as people name it.
    pub attempt: String,
    /// The last lines, without what could change a terminal.
    pub lines: Vec<String>,
}

/// How far the build is: `12 of 130 steps done, 31 % of the time, about 3 h to go`.
fn progress(view: &View) -> String {
    let Counts { total, done, .. } = view.steps;
    let mut text = format!("{done} of {total} steps done");
    if total > 0 && done < total {
        let Some(left) = view.eta_s else {
            return text + ", time not known yet";
        };
        // Rounded down: 100 % is only what is done.
        let percent = (view.progress * 100.0).floor();
        text.push_str(&format!(", {percent:.0} % of the time"));
        text.push_str(&format!(", about {} to go", seconds(left)));
    }
    text
}

impl Now {
    /// `12 min 3 s of about 40 min`
    fn time(&self) -> String {
        let elapsed = seconds(self.elapsed_s.unwrap_or(0.0));
        match (self.elapsed_s, self.expected_s) {
            (Some(is), Some(expected)) if is > expected => {
                format!("{elapsed}, longer than {}", seconds(expected))
            }
            (_, Some(expected)) => format!("{elapsed} of about {}", seconds(expected)),
            _ => elapsed,
        }
    }
}

/// A number that may not be known yet.
fn shown<T>(value: Option<T>, form: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), form)
}

fn per_second(bytes: f64) -> String {
    format!("{}/s", size(bytes as u64))
}

/// The form for pipes and simple terminals: one line.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            self.time.get(11..19).unwrap_or(""),
            progress(self)
        )?;
        if let Some(problem) = &self.problem {
            write!(f, " · {}", clean_line(problem))?;
        }
        for notice in &self.notices {
            write!(f, " · {}: {}", notice.kind, clean_line(&notice.message))?;
        }
        if self.running.is_empty() {
            f.write_str(" · nothing runs")?;
        }
        for now in &self.running {
            let (step, time) = (clean_line(&now.attempt), now.time());
            let word = match now.state {
                AttemptState::Paused => " paused",
                _ => "",
            };
            write!(f, " · {step}{word} {time}")?;
            if let Some(part) = &now.substep {
                write!(f, ", {}", part.title())?;
            }
            if let (Some(cpus), Some(memory)) = (now.cpus, now.rss_bytes) {
                write!(f, ", {cpus:.1} CPUs, {}", size(memory))?;
            }
            if let Some(written) = now.written_bytes_per_s {
                write!(f, ", writes {}", per_second(written))?;
            }
            write!(f, ", {} of output", size(now.log_bytes))?;
        }
        let Pressure { cpu, io, memory } = self.pressure;
        writeln!(
            f,
            " · waits: cpu {cpu:.0} %, disk {io:.0} %, memory {memory:.0} % · {} free",
            size(self.disk_free_bytes)
        )
    }
}
