//! `pause` and `resume`
use std::fmt;

use serde::Serialize;

use super::run::{active, running};
use super::stop::{is_meant, nothing_runs};
use super::{Answer, Context};
use crate::failure::Failure;
use crate::run::{Attempt, Paused, pause, resume as go_on};
use crate::store::Keep;
use crate::ui::{clean, style};

/// Halt what runs, with all processes it started, until `resume`; nothing more is started meanwhile
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this step; others go on
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// Have what was paused go on
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// Only this step
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// What was halted, or goes on.
#[derive(Debug, Serialize)]
struct Told {
    run: Option<String>,
    paused: bool,
    steps: Vec<String>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.paused { "paused" } else { "goes on" };
        for step in &self.steps {
            writeln!(f, "{} {word}", style::name(clean(step)))?;
        }
        match (self.paused, self.run.is_some()) {
            (true, true) => writeln!(f, "nothing more is started until `buildkeep resume`"),
            (false, true) if self.steps.is_empty() => writeln!(f, "the run goes on"),
            _ => Ok(()),
        }
    }
}

/// Runs `pause`.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    change(cx, args.step.as_deref(), Paused::Yes)
}

/// Runs `resume`.
pub fn resume(cx: &mut Context, args: &ResumeArgs) -> Result<Answer, Failure> {
    change(cx, args.step.as_deref(), Paused::No)
}

fn change(cx: &mut Context, step: Option<&str>, paused: Paused) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let run = active(cx, &keep)?;
    let whole = run.as_ref().filter(|_| step.is_none());
    if let Some(run) = whole {
        // First: what ends from now on is followed by nothing.
        run.set_paused(paused)?;
    }
    let attempts = meant(cx, &keep, step)?;
    if attempts.is_empty() && whole.is_none() {
        return Err(nothing_runs(step));
    }
    for attempt in &attempts {
        match paused {
            Paused::Yes => pause(&attempt.dir, &cx.world.clock)?,
            Paused::No => go_on(&attempt.dir, &cx.world.clock)?,
        }
    }
    cx.ui.show(&Told {
        run: whole.map(|run| run.id().to_owned()),
        paused: paused == Paused::Yes,
        steps: attempts.iter().map(|attempt| attempt.spec.name()).collect(),
    })?;
    Ok(Answer::Yes)
}

fn meant(cx: &Context, keep: &Keep, step: Option<&str>) -> Result<Vec<Attempt>, Failure> {
    let mut attempts = running(cx, keep)?;
    if let Some(name) = step {
        attempts.retain(|attempt| is_meant(attempt, name));
    }
    Ok(attempts)
}
