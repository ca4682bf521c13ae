//! `stop`
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::run::{active, await_record, publish_finished, running};
use super::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::run::{Attempt, AttemptState, Follower, Interrupts, Program, Run, StopReason, stop};
use crate::ui::{clean, style};

/// Stop the step that runs, and all processes it started
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step; the one that runs if none is named
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// How often to look whether the run has ended.
const POLL: Duration = Duration::from_millis(50);

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
        if self.steps.is_empty() {
            return writeln!(f, "the run is stopped; no step was running");
        }
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
    let interrupts = Interrupts::watch()?;
    if attempts.is_empty() {
        return match (&args.step, active(cx, &keep)?) {
            (None, Some(run)) => end_between_steps(cx, &run, &interrupts),
            (step, _) => Err(nothing_runs(step.as_deref())),
        };
    }
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
pub(super) fn is_meant(attempt: &Attempt, name: &str) -> bool {
    let step = &attempt.spec.step;
    step == name || step.ends_with(&format!("/{name}"))
}

pub(super) fn nothing_runs(step: Option<&str>) -> Failure {
    let message = match step {
        Some(step) => format!("no step `{step}` runs"),
        None => "nothing runs".into(),
    };
    Failure::user(message).hint("`buildkeep status` shows what does")
}

/// Ends a run of which no step runs at this moment.
fn end_between_steps(
    cx: &mut Context,
    run: &Run,
    interrupts: &Interrupts,
) -> Result<Answer, Failure> {
    let asked = run.monitor()?.is_some_and(|monitor| monitor.ask_to_stop());
    if !asked {
        return Err(nothing_runs(None));
    }
    while run.monitor()?.is_some_and(|monitor| !monitor.is_over) {
        cx.ui.live("stopping the run");
        interrupts.wait(POLL);
        if interrupts.came() {
            return Err(Failure::text(
                Kind::Interrupted,
                "interrupted; the run will end",
            ));
        }
    }
    cx.ui.live_end();
    cx.ui.show(&Stopped { steps: Vec::new() })?;
    Ok(Answer::Yes)
}

fn end(cx: &mut Context, attempt: &Attempt, interrupts: &Interrupts) -> Result<Attempt, Failure> {
    let hurry = || interrupts.came();
    stop(&attempt.dir, StopReason::Asked, &cx.world.clock, hurry)?;
    let follower = Follower::new(&Program::of_self(), &attempt.dir, None);
    await_record(cx, follower, interrupts)
}
