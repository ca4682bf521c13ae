//! `pause` and `resume`
use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::check::Consent;
use super::preflight::{self, Ground, Manner};
use super::project::Project;
use super::run::{active, followed, running};
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
    /// Go on even if what was found before makes that unwise
    #[arg(long)]
    unchecked: bool,
    /// First put right what was found and can be, each after a question: mounts, folders
    #[arg(long)]
    fix: bool,
    /// With --fix: without a question
    #[arg(long, requires = "fix")]
    yes: bool,
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
    let keep = cx.keep()?;
    let paused = meant(cx, &keep, args.step.as_deref())?;
    let consent = if args.yes {
        Consent::Given
    } else {
        Consent::Ask
    };
    let manner = Manner {
        command: "buildkeep resume",
        unchecked: args.unchecked,
        fix: args.fix.then_some(consent),
    };
    if !paused.is_empty() || active(cx, &keep)?.is_some() {
        look_around(cx, keep, (&paused, &manner))?;
    }
    change(cx, args.step.as_deref(), Paused::No)
}

/// Looks whether the machine is as it was: a pause may have lasted for days.
fn look_around(
    cx: &mut Context,
    keep: Keep,
    (paused, manner): (&[Attempt], &Manner),
) -> Result<(), Failure> {
    let Ok(project) = Project::of(cx, keep) else {
        // What runs has to go on also if its plan cannot be read any more.
        return Ok(());
    };
    let ground = Ground {
        keep: &project.keep,
        plan: &project.plan,
        manifests: &followed(&project.keep, &project.plan)?,
        next: Vec::new(),
        paused: Some(paused),
    };
    preflight::pass(cx, &ground, manner).map(drop)
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
    note(cx, &keep, (step, paused), &attempts);
    cx.ui.show(&Told {
        run: whole.map(|run| run.id().to_owned()),
        paused: paused == Paused::Yes,
        steps: attempts.iter().map(|attempt| attempt.spec.name()).collect(),
    })?;
    Ok(Answer::Yes)
}

/// Puts it into the journal of the run. It is so already, whether or not that works.
fn note(cx: &mut Context, keep: &Keep, (step, paused): (Option<&str>, Paused), of: &[Attempt]) {
    let kind = match paused {
        Paused::Yes => "paused",
        Paused::No => "resumed",
    };
    let noted = active(cx, keep).and_then(|run| {
        let Some(run) = run else { return Ok(()) };
        if step.is_none() {
            run.event(kind, json!({}))?;
        }
        for attempt in of {
            let spec = &attempt.spec;
            run.event(kind, json!({ "step": spec.step, "attempt": spec.attempt }))?;
        }
        Ok(())
    });
    if let Err(failure) = noted {
        cx.ui.warn(failure.message());
    }
}

fn meant(cx: &Context, keep: &Keep, step: Option<&str>) -> Result<Vec<Attempt>, Failure> {
    let mut attempts = running(cx, keep)?;
    if let Some(name) = step {
        attempts.retain(|attempt| is_meant(attempt, name));
    }
    Ok(attempts)
}
