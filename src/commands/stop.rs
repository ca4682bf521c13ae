//! `stop`
use std::fmt;

use serde::Serialize;

use super::run::{await_record, publish_finished, running};
use super::{Answer, Context};
use crate::failure::Failure;
use crate::run::{Attempt, AttemptState, Follower, Interrupts, Program, StopReason, stop};
use crate::ui::{clean, style};

/// Stop the step that runs, and all processes it started
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step; the one that runs if none is named
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// What was stopped.
#[derive(Debug, Serialize)]
struct Stopped {
    steps: Vec<StoppedStep>,
}

#[derive(Debug, Serialize)]
struct StoppedStep {
    step: String,
    attempt: String,
    number: u32,
    state: AttemptState,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let name = format!("{}#{}", clean(&step.step), step.number);
            match step.state {
                AttemptState::Cancelled => writeln!(f, "{} stopped", style::name(name))?,
                state => writeln!(f, "{} had ended: {state}", style::name(name))?,
            }
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let mut attempts = running(cx, &keep)?;
    if let Some(name) = &args.step {
        attempts.retain(|attempt| is_meant(attempt, name));
    }
    if attempts.is_empty() {
        return Err(nothing_runs(args.step.as_deref()));
    }
    let interrupts = Interrupts::watch()?;
    let mut stopped = Stopped { steps: Vec::new() };
    for attempt in attempts {
        cx.ui.live(format!("stopping {}", attempt.spec.step));
        let attempt = end(cx, &attempt, &interrupts)?;
        stopped.steps.push(StoppedStep {
            step: attempt.spec.step.clone(),
            attempt: attempt.spec.attempt.clone(),
            number: attempt.spec.number,
            state: attempt.state,
        });
    }
    cx.ui.live_end();
    publish_finished(cx, &keep)?;
    cx.ui.show(&stopped)?;
    Ok(Answer::Yes)
}

/// A step is meant by its id, or by an end of it.
fn is_meant(attempt: &Attempt, name: &str) -> bool {
    let step = &attempt.spec.step;
    step == name || step.ends_with(&format!("/{name}"))
}

fn nothing_runs(step: Option<&str>) -> Failure {
    let message = match step {
        Some(step) => format!("no step `{step}` runs"),
        None => "nothing runs".into(),
    };
    Failure::user(message).hint("`buildkeep status` shows what does")
}

fn end(cx: &mut Context, attempt: &Attempt, interrupts: &Interrupts) -> Result<Attempt, Failure> {
    let hurry = || interrupts.came();
    stop(&attempt.dir, StopReason::Asked, &cx.world.clock, hurry)?;
    let follower = Follower::new(&Program::of_self(), &attempt.dir, None);
    await_record(cx, follower, interrupts)
}
