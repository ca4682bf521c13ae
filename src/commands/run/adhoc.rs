//! `run -- COMMAND`: one command that no plan knows, under the same supervision.
use std::path::Path;

use serde_json::json;

use super::lines::Place;
use super::session::{GRACE_S, begin_run, follow, inherited, told, told_of};
use super::{claim, runs_of, settle};
use crate::commands::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::run::{AttemptState, Follower, Interrupts, Program, Run, Spec, boot_id, start};
use crate::store::Keep;

/// Runs a command and waits for it.
pub(super) fn run(cx: &mut Context, keep: &Keep, command: &[String]) -> Result<Answer, Failure> {
    let _only = claim(cx, &runs_of(keep))?;
    settle::finish_earlier(cx, keep)?;
    let interrupts = Interrupts::watch()?;
    let mut run = begin_run(cx, keep)?;
    let spec = spec(cx, keep, &run, command)?;
    let dir = run.attempt_dir(&spec.attempt);
    let mut environment = inherited(cx);
    environment.extend(told(keep, &spec, &dir.substeps()));
    run.event(
        "step-started",
        json!({ "step": spec.step, "attempt": spec.attempt }),
    )?;
    let program = Program::of_self();
    let keeper = start(&program, &dir, &spec, &environment)?;
    let follower = Follower::new(&program, &dir, Some(keeper));
    let place = Place { at: 1, of: 1 };
    let attempt = follow(cx, follower, &interrupts, (&spec, place))?;
    run.event("step-ended", settle::ended(&attempt))?;
    run.event("run-ended", json!({}))?;
    settle::publish(cx, keep, &run, None)?;
    run.close()?;
    let (ended, failed) = told_of(&attempt, place, keep.root())?;
    cx.ui.stream(&ended)?;
    match attempt.state {
        AttemptState::Succeeded => return Ok(Answer::Yes),
        AttemptState::Cancelled => return Err(Failure::text(Kind::Interrupted, "stopped")),
        _ => cx.ui.stream(&failed)?,
    }
    Ok(Answer::No)
}

fn spec(cx: &Context, keep: &Keep, run: &Run, command: &[String]) -> Result<Spec, Failure> {
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
        argv: command.to_vec(),
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
