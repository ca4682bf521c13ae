//! One screen: how far the build is, what runs, what went wrong, what to type next.
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::estimate::Range;
use super::notice::Notice;
use super::part::{Before, Part};
use crate::config::bypassed::Bypassed;
use crate::run::FailureNote;
use crate::ui::{clean, clean_line, counted, seconds, size, style};

/// So many steps of a sort are named; the others are counted.
const NAMED: usize = 5;

/// The status of a keep.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// Where it is.
    pub keep: String,
    /// The host whose steps these are.
    pub host: String,
    /// Whether that is this machine.
    pub is_here: bool,
    /// Steps by state.
    pub steps: Counts,
    /// How much of the time is behind us, 0 to 1.
    pub progress: f64,
    /// Seconds left, if anything is known about these steps.
    pub eta_s: Option<f64>,
    /// Hardly less than so many seconds.
    pub eta_low_s: Option<f64>,
    /// Hardly more.
    pub eta_high_s: Option<f64>,
    /// Whether the run that goes on is paused: nothing more is started.
    pub paused: bool,
    /// What runs now.
    pub running: Vec<Running>,
    /// What people should know of what runs.
    pub notices: Vec<Notice>,
    /// What failed, or was stopped or interrupted.
    pub failed: Vec<Reasoned>,
    /// What is done, but from something that has changed.
    pub stale: Vec<Reasoned>,
    /// What the parts of running steps took before, by step.
    #[serde(skip)]
    pub before: BTreeMap<String, Before>,
    /// What is done, and was built before something changed that only comes before it.
    pub older: Option<Older>,
    /// How many steps may run at once.
    #[serde(skip)]
    pub jobs: usize,
    /// What was never tried.
    #[serde(skip)]
    pub pending: Vec<String>,
    /// The next step that is not done.
    pub next_step: Option<String>,
    /// The room that it needs, if that is known.
    pub disk: Option<Disk>,
    /// Alerts that fire.
    pub alerts: Vec<String>,
    /// The configuration.
    pub config: Config,
    /// Commits that went past validation and are on no remote yet, the newest first.
    pub bypassed: Vec<Bypassed>,
    /// When everything was last pushed, RFC 3339.
    pub last_push: Option<String>,
    /// When the last snapshot was taken, RFC 3339.
    pub last_backup: Option<String>,
    /// The same as ages, for people.
    #[serde(skip)]
    pub ages: Ages,
    /// What may be typed next.
    pub next: Vec<String>,
}

/// Steps by state.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Done, from exactly what is there now.
    pub done: usize,
    /// Failed, stopped, interrupted or lost.
    pub failed: usize,
    /// Running or paused.
    pub running: usize,
    /// Done from something else.
    pub stale: usize,
    /// Never tried.
    pub pending: usize,
}

/// A step that runs.
#[derive(Clone, Debug, Serialize)]
pub struct Running {
    /// The step.
    pub step: String,
    /// The attempt, as people name it: `gcc#2`.
    pub attempt: String,
    /// `running`, or `paused`.
    pub state: &'static str,
    /// How long it has run.
    pub elapsed_s: Option<f64>,
    /// How long it should take.
    pub expected_s: Option<f64>,
    /// Between what, and how that is known.
    pub expected: Option<Range>,
    /// Processor time of its living processes.
    pub cpu_s: Option<f64>,
    /// Memory of its living processes.
    pub rss_bytes: Option<u64>,
    /// The part of it that goes on, if its script tells.
    pub substep: Option<Part>,
}

/// Steps that were built before one that comes before them changed.
///
/// They do not name it in `needs`, so that makes them older, not stale.
#[derive(Clone, Debug, Serialize)]
pub struct Older {
    /// The step that changed, or is new.
    pub than: String,
    /// The steps, in build order.
    pub steps: Vec<String>,
}

impl fmt::Display for Older {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.steps.first().map_or("", String::as_str);
        writeln!(f, "  older   {}; all again:", self.in_words())?;
        writeln!(f, "          buildkeep run --from {} --force", clean(first))
    }
}

impl Older {
    /// `3 steps were built before glibc changed`
    pub fn in_words(&self) -> String {
        let than = style::name(clean(&self.than));
        format!("{} built before {than} changed", was(self.steps.len()))
    }
}

/// `1 step was`, `3 steps were`
fn was(steps: usize) -> String {
    let verb = if steps == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(steps as u64, "step"))
}

/// The room that the next step needs.
#[derive(Clone, Debug, Serialize)]
pub struct Disk {
    /// The step.
    pub step: String,
    /// Where it builds.
    pub place: String,
    /// What it needs there.
    pub needed_bytes: u64,
    /// What there is.
    pub free_bytes: u64,
}

impl Disk {
    /// Whether there is less than the step needs.
    pub fn is_short(&self) -> bool {
        self.free_bytes < self.needed_bytes
    }
}

/// A step, and why it is where it is.
#[derive(Clone, Debug, Serialize)]
pub struct Reasoned {
    /// The step.
    pub step: String,
    /// `stale`, or the state of its newest attempt.
    pub state: &'static str,
    /// Why.
    pub reason: String,
    /// What its log tells, if it failed.
    pub failure: Option<FailureNote>,
}

/// The configuration in a line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Config {
    /// The newest version; nothing if a shallow clone cannot tell.
    pub version: Option<u64>,
    /// Whether older versions are not here.
    pub shallow: bool,
    /// The newest commit.
    pub commit: Option<String>,
    /// Whether every file keeps to its schema.
    pub valid: bool,
    /// Files that differ from the newest commit.
    pub uncommitted: Vec<String>,
}

/// How long ago things happened, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ages {
    /// The last push.
    pub push_s: Option<f64>,
    /// The last snapshot.
    pub backup_s: Option<f64>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.title(f)?;
        self.bar(f)?;
        for running in &self.running {
            writeln!(f, "  {running}")?;
            if let Some(part) = &running.substep {
                writeln!(f, "          {part}")?;
            }
        }
        for notice in self.notices.iter().filter(|notice| !notice.is_told()) {
            writeln!(f, "  {notice}")?;
        }
        if self.paused {
            writeln!(
                f,
                "  paused  nothing more is started until `buildkeep resume`"
            )?;
        }
        list(f, &self.failed)?;
        list(f, &self.stale)?;
        if let Some(older) = &self.older {
            write!(f, "{older}")?;
        }
        if let Some(step) = self.next_step.as_ref().filter(|_| self.running.is_empty()) {
            writeln!(f, "  next    {}", style::name(clean(step)))?;
        }
        if let Some(disk) = self.disk.as_ref().filter(|disk| disk.is_short()) {
            writeln!(
                f,
                "  {} {} needs {} in {}, and {} are free",
                style::bad("room   "),
                style::name(clean(&disk.step)),
                size(disk.needed_bytes),
                clean_line(&disk.place),
                size(disk.free_bytes)
            )?;
        }
        self.surroundings(f)?;
        if !self.next.is_empty() {
            writeln!(f, "\nwhat you may type next:")?;
        }
        self.next
            .iter()
            .try_for_each(|next| writeln!(f, "  {next}"))
    }
}

impl Status {
    fn title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self
            .config
            .commit
            .as_deref()
            .and_then(|commit| commit.get(..10));
        let commit = commit.unwrap_or_default();
        let version = match self.config.version {
            Some(0) => "no version yet".to_owned(),
            Some(number) => format!("configuration v{number} ({commit})"),
            None => format!("configuration {commit}"),
        };
        let keep = style::strong(clean_line(&self.keep));
        let elsewhere = if self.is_here {
            ""
        } else {
            " (another machine: nothing was built here yet)"
        };
        match self.host.as_str() {
            "" => writeln!(f, "{keep}, {version}"),
            host => writeln!(f, "{keep} on {host}{elsewhere}, {version}"),
        }
    }

    fn bar(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { total, done, .. } = self.steps;
        if total == 0 && !self.running.is_empty() {
            return Ok(());
        }
        let cells = (self.progress * 20.0).floor() as usize;
        let bar = format!("{}{}", "█".repeat(cells), "░".repeat(20 - cells.min(20)));
        write!(f, "{} {done} of {total} steps done", style::good(bar))?;
        if done < total {
            self.time_left(f)?;
        }
        writeln!(f)
    }

    fn time_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(left) = self.eta_s else {
            return f.write_str(", time not known yet");
        };
        // Rounded down: 100 % is only what is done.
        write!(f, ", {:.0} % of the time", (self.progress * 100.0).floor())?;
        if left < 1.0 {
            return f.write_str(", less than a second to go");
        }
        write!(f, ", about {} to go", seconds(left))?;
        self.between(f)
    }

    /// How far off the time left may be, if that is worth a word.
    fn between(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = self
            .eta_low_s
            .zip(self.eta_high_s)
            .map(|(low, high)| (seconds(low), seconds(high)));
        match ends {
            Some((low, high)) if low != high => {
                let ends = format!(" ({low} to {high})");
                write!(f, "{}", style::faint(ends))
            }
            _ => Ok(()),
        }
    }

    fn surroundings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.config.valid {
            writeln!(
                f,
                "  {} configuration: nothing runs until it is mended",
                style::bad("invalid")
            )?;
        }
        if self.config.shallow {
            writeln!(
                f,
                "  shallow clone: older versions are not here (git fetch --unshallow)"
            )?;
        }
        self.past_validation(f)?;
        match self.config.uncommitted.as_slice() {
            [] => {}
            [only] => writeln!(
                f,
                "  changed {} (buildkeep diff, buildkeep commit)",
                clean(only)
            )?,
            many => writeln!(
                f,
                "  changed {} files (buildkeep diff, buildkeep commit)",
                many.len()
            )?,
        }
        let ago = |age: Option<f64>| {
            age.map_or_else(|| "never".to_owned(), |age| format!("{} ago", seconds(age)))
        };
        let line = format!(
            "last snapshot {} · last push {}",
            ago(self.ages.backup_s),
            ago(self.ages.push_s)
        );
        writeln!(f, "  {}", style::faint(line))
    }
}

impl Status {
    fn past_validation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mended, open): (Vec<_>, Vec<_>) =
            self.bypassed.iter().partition(|commit| commit.mended);
        if !open.is_empty() {
            let commits = counted(open.len() as u64, "commit");
            writeln!(f, "  {} went past validation:", style::bad(commits))?;
            past_ones(f, &open)?;
        }
        let heading = match mended.len() {
            0 => return Ok(()),
            1 => "1 commit went past validation and was mended since (listed until it is pushed):"
                .to_owned(),
            more => format!(
                "{more} commits went past validation and were mended since (listed until they are pushed):"
            ),
        };
        writeln!(f, "  {}", style::faint(heading))?;
        past_ones(f, &mended)
    }
}

/// The first ones of several commits, and how many more there are.
fn past_ones(f: &mut fmt::Formatter<'_>, commits: &[&Bypassed]) -> fmt::Result {
    for commit in commits.iter().take(NAMED) {
        let line = past(commit);
        if commit.mended {
            writeln!(f, "    {}", style::faint(line))?;
        } else {
            writeln!(f, "    {line}")?;
        }
    }
    match commits.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => writeln!(f, "    and {more} more"),
    }
}

/// A commit, and the first thing wrong with it: `1a2b3c4d5e config/build.toml:8:1 …`.
fn past(commit: &Bypassed) -> String {
    let id = commit.commit.get(..10).unwrap_or(&commit.commit);
    match commit.errors.first() {
        Some(error) => format!(
            "{id} {}:{}:{} {}",
            clean_line(&error.file),
            error.line,
            error.column,
            clean_line(&error.message)
        ),
        None => format!("{id} {}", clean_line(&commit.subject)),
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            match self.state {
                "running" => style::good("running"),
                state => style::notable(state),
            },
            style::name(clean(&self.attempt))
        )?;
        if let Some(elapsed) = self.elapsed_s {
            write!(f, " for {}", seconds(elapsed))?;
        }
        match (self.elapsed_s, self.expected) {
            (Some(elapsed), Some(range))
                if range.overdue_s().is_some_and(|late| elapsed > late) =>
            {
                let expected = seconds(range.high_s);
                write!(
                    f,
                    ", {} than the {expected} at most expected",
                    style::notable("longer")
                )
            }
            (_, Some(range)) => write!(f, " of about {}", seconds(range.likely_s)),
            _ => Ok(()),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, steps: &[Reasoned]) -> fmt::Result {
    for step in steps.iter().take(NAMED) {
        let (name, reason) = (style::name(clean(&step.step)), clean(&step.reason));
        writeln!(f, "  {} {name}: {reason}", label(step.state))?;
        noted(f, step)?;
    }
    match (steps.first(), steps.len().saturating_sub(NAMED)) {
        (Some(first), more) if more > 0 => {
            writeln!(f, "  {} and {more} more", label(first.state))
        }
        _ => Ok(()),
    }
}

/// Where the script failed, and what the log says.
fn noted(f: &mut fmt::Formatter<'_>, step: &Reasoned) -> fmt::Result {
    let Some(note) = &step.failure else {
        return Ok(());
    };
    if let (Some(line), Some(command)) = (note.line, &note.command) {
        let line = style::faint(format!("line {line}:"));
        writeln!(f, "          {line} {}", clean_line(command))?;
    }
    match &note.error {
        Some(error) => writeln!(f, "          {}", clean_line(error)),
        None => Ok(()),
    }
}

/// The word in front of a step, as wide as `running`.
fn label(state: &str) -> String {
    match state {
        "stale" => style::notable("stale  ").to_string(),
        "cancelled" | "interrupted" => style::notable("stopped").to_string(),
        state => style::bad(format!("{state:7}")).to_string(),
    }
}
