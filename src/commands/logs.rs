//! `logs`
use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::Duration;

use super::run::runs_of;
use super::{Answer, Context};
use crate::failure::Failure;
use crate::run::{Attempt, LogReader, Redactor, inspect};
use crate::store::Keep;
use crate::ui::clean;

/// Show what a step wrote; to a pipe byte for byte
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
}

/// How often a log that grows is read on.
const POLL: Duration = Duration::from_millis(100);

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let attempt = find(cx, &keep, args)?;
    let mut reader = Shown {
        reader: LogReader::new(&attempt.dir.log()),
        redactor: Redactor::load(&attempt.dir)?,
        held: Vec::new(),
    };
    let is_live = args.follow && !attempt.is_closed;
    reader.copy(cx)?;
    if !is_live {
        reader.end(cx)?;
        return Ok(Answer::Yes);
    }
    loop {
        let is_over = inspect(&attempt.dir)?.is_closed;
        reader.copy(cx)?;
        if is_over {
            reader.end(cx)?;
            return Ok(Answer::Yes);
        }
        thread::sleep(POLL);
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
