//! `logs`
mod lines;

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::Duration;

use regex::Regex;

use super::run::runs_of;
use super::{Answer, Context};
use crate::failure::Failure;
use crate::run::{
    Attempt, AttemptDir, Gap, LogReader, LogTimes, Redactor, gaps, inspect, log_size,
};
use crate::store::Keep;
use crate::ui::{Format, clean};
use lines::Lines;

/// Show what a step wrote; to a pipe byte for byte
///
/// With --json each line is an object, with its place in the log and its time.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step, or the name of a command that was run by `run -- COMMAND`
    #[arg(value_name = "STEP")]
    step: String,
    /// Which attempt, as in STEP#N; the newest by default
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Go on until the step ends
    #[arg(short, long)]
    follow: bool,
    /// Only lines that have this regular expression (`(?i)` in front: whatever the case); exit 1 if
    /// there are none
    #[arg(long, value_name = "PATTERN")]
    grep: Option<String>,
    /// Only what was written since then: a time, or how long ago as in 10m
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<String>,
}

/// So many gaps of a log are told one by one.
const GAPS: usize = 3;
/// How often a log that grows is read on.
const POLL: Duration = Duration::from_millis(100);

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let attempt = find(cx, &keep, args)?;
    let pattern = args.grep.as_deref().map(pattern).transpose()?;
    let start = start(cx, &attempt, args)?;
    let is_live = args.follow && !attempt.is_closed;
    let follow = if is_live { Follow::Yes } else { Follow::No };
    if pattern.is_none() && cx.ui.format() == Format::Human {
        let mut shown = Shown {
            reader: start.0,
            redactor: Redactor::load(&attempt.dir)?,
            held: Vec::new(),
        };
        until_end(&attempt.dir, follow, || shown.copy(cx))?;
        shown.end(cx)?;
        tell_gaps(cx, &attempt)?;
        return Ok(Answer::Yes);
    }
    let is_search = pattern.is_some();
    let mut lines = Lines::of(&attempt, start, pattern)?;
    until_end(&attempt.dir, follow, || lines.copy(cx))?;
    lines.end(cx)?;
    tell_gaps(cx, &attempt)?;
    Ok(Answer::of(lines.has_shown || !is_search))
}

/// Says what is not in the log, beside it: the log itself has what the script wrote, and nothing else.
fn tell_gaps(cx: &mut Context, attempt: &Attempt) -> Result<(), Failure> {
    let gaps = gaps(&attempt.dir.log())?;
    for gap in gaps.iter().take(GAPS) {
        let Gap { offset, bytes } = gap;
        cx.ui.warn(format!(
            "{bytes} bytes of output are missing at byte {offset} of this log: no disk had room"
        ));
    }
    if let more @ 1.. = gaps.len().saturating_sub(GAPS) {
        cx.ui.warn(format!("and at {more} more places"));
    }
    Ok(())
}

/// Whether a log is read until its attempt ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Yes,
    No,
}

/// Copies what there is, and if it is followed what is added until the attempt ends.
fn until_end(
    dir: &AttemptDir,
    follow: Follow,
    mut copy: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        // First: what was written before the end is copied then.
        let is_over = follow == Follow::No || inspect(dir)?.is_closed;
        copy()?;
        if is_over {
            return Ok(());
        }
        thread::sleep(POLL);
    }
}

fn pattern(typed: &str) -> Result<Regex, Failure> {
    Regex::new(typed).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        let reason = reason.trim_start_matches("error: ");
        Failure::user(format!("`{typed}` is no regular expression: {reason}"))
            .hint("`\\` in front of a sign such as ( or [ means the sign itself")
    })
}

/// From where the log is read.
fn start(cx: &Context, attempt: &Attempt, args: &Args) -> Result<(LogReader, u64), Failure> {
    let log = attempt.dir.log();
    let Some(since) = super::events::since(cx, args.since.as_deref())? else {
        return Ok((LogReader::new(&log), 0));
    };
    // Before the times: what comes between the two looks is new.
    let size = log_size(&log)?;
    match LogTimes::of(&log)?.since(since.timestamp_millis()) {
        Some(offset) => Ok(LogReader::at_line(&log, offset)?),
        None => Ok((LogReader::at(&log, size)?, size)),
    }
}

/// A log as it is shown: without secrets that the script was given.
struct Shown {
    reader: LogReader,
    redactor: Redactor,
    /// The end of what was read, in which a secret may have begun.
    held: Vec<u8>,
}

impl Shown {
    /// Writes what comes next.
    fn copy(&mut self, cx: &mut Context) -> Result<(), Failure> {
        while self.reader.read_more(&mut self.held)? > 0 {
            let bytes = self.redactor.redacted(&std::mem::take(&mut self.held));
            let keep = bytes.len().saturating_sub(self.redactor.reach());
            self.held = bytes[keep..].to_vec();
            write(cx, &bytes[..keep])?;
        }
        Ok(())
    }

    /// Writes what was held back.
    fn end(&mut self, cx: &mut Context) -> Result<(), Failure> {
        let rest = self.redactor.redacted(&std::mem::take(&mut self.held));
        write(cx, &rest)
    }
}

/// Writes bytes of a log; on a terminal without what could change the terminal.
fn write(cx: &mut Context, bytes: &[u8]) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        Ok(cx.ui.raw(clean(&text).as_bytes())?)
    } else {
        Ok(cx.ui.raw(bytes)?)
    }
}

fn find(cx: &Context, keep: &Keep, args: &Args) -> Result<Attempt, Failure> {
    let (name, number) = match args.step.rsplit_once('#') {
        Some((name, number)) if number.parse::<u32>().is_ok() => (name, number.parse().ok()),
        _ => (args.step.as_str(), None),
    };
    let number = args.attempt.or(number);
    let runs = runs_of(keep);
    let mut attempts = runs.attempts_at(name, &cx.world.clock)?;
    let mut step = name.to_owned();
    if attempts.is_empty() {
        step.clone_from(&super::plan::load(keep)?.find(name)?.id);
        attempts = runs.attempts_at(&step, &cx.world.clock)?;
    }
    let found = match number {
        Some(number) => attempts
            .into_iter()
            .rfind(|attempt| attempt.spec.number == number),
        None => attempts.into_iter().next_back(),
    };
    found.ok_or_else(|| match number {
        Some(number) => Failure::user(format!("this machine has no log of {step}#{number}")),
        None => Failure::user(format!("`{step}` has not run on this machine"))
            .hint(format!("run it: `buildkeep run {step}`")),
    })
}
