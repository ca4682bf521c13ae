//! `run -- COMMAND`: one command that no plan knows, under the same supervision.
use std::path::Path;

use serde_json::json;

use super::lines::{Place, Started, Summary};
use super::session::{GRACE_S, begin_run, inherited, rounded, told, told_of};
use super::watch::{Watched, watch};
use super::{Args, claim, conclude, runs_of, say, settle, verdict};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::run::{
    Attempt, AttemptState, Follower, Interrupts, Program, Run, Sandbox, Spec, boot_id, start,
};
use crate::store::Keep;
use crate::ui::Format;

/// Where one command stands among one.
const ONLY: Place = Place { at: 1, of: 1 };

/// Runs a command and waits for it.
pub(super) fn run(cx: &mut Context, keep: &Keep, args: &Args) -> Result<Answer, Failure> {
    let _only = claim(cx, &runs_of(keep))?;
    settle::finish_earlier(cx, keep)?;
    let began = cx.world.clock.since_boot();
    let mut run = begin_run(cx, keep)?;
    let attempt = attempt(cx, keep, &mut run, args)?;
    run.event("step-ended", settle::ended(&attempt))?;
    run.event("run-ended", json!({}))?;
    settle::publish(cx, keep, &run, None)?;
    run.close()?;
    let (ended, failed) = told_of(&attempt, ONLY, keep.root())?;
    say(cx, &ended);
    let mut summary = Summary::nothing(0);
    match attempt.state {
        AttemptState::Succeeded => summary.succeeded = 1,
        AttemptState::Cancelled => (summary.stopped, summary.exit) = (1, 130),
        _ => {
            say(cx, &failed);
            (summary.failed, summary.exit) = (1, 1);
        }
    }
    let took = cx.world.clock.since_boot().saturating_sub(began);
    summary.duration_s = rounded(took.as_secs_f64());
    summary.run = Some(run.id().to_owned());
    match cx.ui.format() {
        Format::Human => verdict(summary.exit),
        Format::Json => conclude(cx, &summary),
    }
}

/// Starts the command, and waits for its end.
fn attempt(cx: &mut Context, keep: &Keep, run: &mut Run, args: &Args) -> Result<Attempt, Failure> {
    let interrupts = Interrupts::watch()?;
    let spec = spec(cx, keep, run, args)?;
    let dir = run.attempt_dir(&spec.attempt);
    let mut environment = inherited(cx);
    environment.extend(told(keep, &spec, &dir.substeps()));
    let started = Started {
        event: "step-started".into(),
        place: ONLY,
        step: spec.step.clone(),
        attempt: spec.attempt.clone(),
        number: spec.number,
        reason: "asked for".into(),
        is_notable: false,
    };
    say(cx, &started);
    run.event("step-started", started.data())?;
    let program = Program::of_self();
    let keeper = start(&program, &dir, &spec, &environment)?;
    let follower = Follower::new(&program, &dir, Some(keeper));
    let watched = Watched {
        place: ONLY,
        step: &spec.step,
        last_s: None,
        run,
    };
    watch(cx, follower, &interrupts, &watched)
}

fn spec(cx: &Context, keep: &Keep, run: &Run, args: &Args) -> Result<Spec, Failure> {
    let command = &args.command;
    let world = &cx.world;
    let step = name_of(&command[0]);
    let earlier = runs_of(keep).attempts_at(&step, &world.clock)?.len();
    Ok(Spec {
        format: Spec::FORMAT,
        run: run.id().to_owned(),
        attempt: world.ids.next(),
        number: earlier as u32 + 1,
        file: command.join(" "),
        step,
        argv: command.clone(),
        sandbox: Sandbox {
            tty: args.tty,
            ..Sandbox::default()
        },
        workdir: world.cwd.clone(),
        config_commit: keep.repo().head()?.map(|id| id.to_string()),
        grace_s: GRACE_S,
        created: world.clock.stamp(),
        boot_id: boot_id()?,
        ..Spec::default()
    })
}

/// The name of a program without its folder and ending.
fn name_of(program: &str) -> String {
    let stem = Path::new(program).file_stem();
    stem.map_or_else(
        || "command".into(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}
