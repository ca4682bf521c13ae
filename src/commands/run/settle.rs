//! Bringing what is known of attempts from the private folder to the state branch.
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::runs_of;
use super::telling::Telling;
use crate::commands::{Context, facts};
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::run::{
    Attempt, AttemptState, FailureNote, Follower, Interrupts, Manifest, Program, Redactor, Run,
    Taken, Tick, adopt, inspect, roll_up,
};
use crate::store::{Batch, JournalRef, Keep, Message};

/// How much of the log of a failed step is published.
const LOG_TAIL: u64 = 16 << 10;
/// How often the live line changes.
const TICK: Duration = Duration::from_secs(1);

/// All manifests of this host, by step.
pub(in crate::commands) fn manifests(keep: &Keep) -> Result<BTreeMap<String, Manifest>, Failure> {
    let mut manifests = BTreeMap::new();
    for (path, text) in keep.state_files("steps/")? {
        let manifest = Manifest::parse(&path, &text)?;
        manifests.insert(manifest.step.clone(), manifest);
    }
    Ok(manifests)
}

/// Attempts that the manifests do not tell of yet: running ones, and ends not published.
///
/// A script that a killed command left alone gets a keeper here, so that its end is seen.
pub(in crate::commands) fn latest(cx: &Context, keep: &Keep) -> Result<Vec<Attempt>, Failure> {
    let attempts = runs_of(keep).unpublished(&cx.world.clock)?;
    for attempt in &attempts {
        if attempt.state.is_live() && !attempt.is_guarded {
            adopt(&Program::of_self(), &attempt.dir, None)?;
        }
    }
    Ok(attempts)
}

/// The attempts that run at this moment.
pub(in crate::commands) fn running(cx: &Context, keep: &Keep) -> Result<Vec<Attempt>, Failure> {
    let mut attempts = latest(cx, keep)?;
    attempts.retain(|attempt| attempt.state.is_live());
    Ok(attempts)
}

/// The run that goes on, if one does.
pub(in crate::commands) fn active(cx: &Context, keep: &Keep) -> Result<Option<Run>, Failure> {
    let runs = runs_of(keep);
    if !runs.is_active()? {
        return Ok(None);
    }
    Ok(runs.open(&cx.world.clock)?.pop())
}

/// Waits for what an earlier, killed command left running, and publishes what came of it.
///
/// Returns the newest attempt of the plan that it left, if that succeeded: the root is as it left it.
pub(super) fn finish_earlier(cx: &mut Context, keep: &Keep) -> Result<Option<Attempt>, Failure> {
    let interrupts = Interrupts::watch()?;
    let mut newest = None;
    for mut run in runs_of(keep).open(&cx.world.clock)? {
        run.give_up_monitor()?;
        finish_run(cx, (keep, &mut run), &interrupts)?;
        newest = run.attempts()?.pop().or(newest);
    }
    let has_built =
        |attempt: &Attempt| attempt.spec.planned && attempt.state == AttemptState::Succeeded;
    Ok(newest.filter(has_built))
}

/// Waits for what a run left running, and publishes what came of it.
pub(super) fn finish(cx: &mut Context, keep: &Keep, run: &mut Run) -> Result<(), Failure> {
    finish_run(cx, (keep, run), &Interrupts::watch()?)
}

fn finish_run(
    cx: &mut Context,
    (keep, run): (&Keep, &mut Run),
    interrupts: &Interrupts,
) -> Result<(), Failure> {
    for attempt in run.attempts()? {
        wait_for(cx, &attempt, interrupts)?;
    }
    close(cx, keep, run)
}

/// Publishes what came of runs that no command watches any more, if all of it has ended.
pub(in crate::commands) fn publish_finished(cx: &mut Context, keep: &Keep) -> Result<(), Failure> {
    let runs = runs_of(keep);
    if runs.is_active()? {
        return Ok(());
    }
    for mut run in runs.open(&cx.world.clock)? {
        close_if_over(cx, keep, &mut run)?;
    }
    Ok(())
}

/// Publishes what came of a run and closes it, if all of it has ended.
pub(super) fn close_if_over(cx: &mut Context, keep: &Keep, run: &mut Run) -> Result<(), Failure> {
    if run.attempts()?.iter().all(|attempt| attempt.is_closed) {
        close(cx, keep, run)?;
    }
    Ok(())
}

fn wait_for(cx: &mut Context, attempt: &Attempt, interrupts: &Interrupts) -> Result<(), Failure> {
    if attempt.is_closed {
        return Ok(());
    }
    let step = attempt.spec.step.clone();
    if attempt.state.is_live() {
        cx.ui.status(format!(
            "`{step}` still runs, started by an earlier command; waiting for it"
        ));
    }
    let mut follower = Follower::new(&Program::of_self(), &attempt.dir, None);
    loop {
        match follower.wait(TICK, interrupts)? {
            Tick::Running => cx.ui.live(format!("waiting for {step}")),
            Tick::Over(attempt) => {
                cx.ui.live_end();
                cx.ui.status(format!("`{step}` {}", attempt.state));
                return Ok(());
            }
            Tick::Interrupted => {
                return Err(Failure::text(
                    crate::failure::Kind::Interrupted,
                    format!("interrupted; `{step}` goes on"),
                )
                .hint("stop it: `buildkeep stop`"));
            }
        }
    }
}

/// Publishes all that a run led to, and closes it.
fn close(cx: &mut Context, keep: &Keep, run: &mut Run) -> Result<(), Failure> {
    let attempts = run.attempts()?;
    let known = manifests(keep)?;
    for attempt in &attempts {
        let is_known = known
            .get(&attempt.spec.step)
            .is_some_and(|manifest| manifest.attempt == attempt.spec.attempt);
        if attempt.spec.planned && !is_known {
            run.event_once("step-ended", ended(attempt))?;
            publish(cx, keep, run, Some(attempt))?;
        }
    }
    run.event_once("run-ended", json!({ "cut_short": true }))?;
    publish(cx, keep, run, None)?;
    Ok(run.close()?)
}

/// The facts of a step's end.
pub(super) fn ended(attempt: &Attempt) -> serde_json::Value {
    let exit = attempt.exit.as_ref();
    json!({
        "step": attempt.spec.step,
        "attempt": attempt.spec.attempt,
        "number": attempt.spec.number,
        "state": attempt.state,
        "code": exit.and_then(|exit| exit.code),
        "signal": exit.and_then(|exit| exit.signal),
        "duration_s": exit.and_then(|exit| exit.duration_s),
    })
}

/// Publishes the events of a run so far, and what is known of an attempt that is over.
pub(super) fn publish(
    cx: &mut Context,
    keep: &Keep,
    run: &Run,
    attempt: Option<&Attempt>,
) -> Result<Option<Manifest>, Failure> {
    let fresh = attempt.map(|attempt| with_last_words(cx, run, attempt));
    let attempt = fresh.as_ref();
    let guard = cx.lock(keep)?;
    let mut batch = Batch {
        journals: vec![JournalRef {
            name: run.id().to_owned(),
            path: run.events(),
            complete: attempt.is_none(),
        }],
        files: Vec::new(),
        message: Message::new("run: ended", cx.trailers("run", keep).with("Run", run.id())),
    };
    facts::add_noted(&mut batch, run)?;
    let manifest = match attempt {
        Some(attempt) => Some(add_attempt(&mut batch, keep, run, attempt)?),
        None => None,
    };
    keep.publish(&guard, &batch, &cx.signature(keep))?;
    if let Some(attempt) = attempt {
        roll_up(&attempt.dir.samples());
    }
    Ok(manifest)
}

/// The attempt with all that its script told of itself.
fn with_last_words(cx: &Context, run: &Run, attempt: &Attempt) -> Attempt {
    let now = cx.world.clock.since_boot();
    Telling::default().last_look(run, &attempt.dir, now);
    let mut attempt = attempt.clone();
    if let Ok(fresh) = inspect(&attempt.dir) {
        attempt.substeps = fresh.substeps;
    }
    attempt
}

fn add_attempt(
    batch: &mut Batch,
    keep: &Keep,
    run: &Run,
    attempt: &Attempt,
) -> Result<Manifest, Failure> {
    let step = &attempt.spec.step;
    batch.journals.push(JournalRef {
        name: format!("{}/{}", run.id(), attempt.spec.attempt),
        path: attempt.dir.events(),
        complete: true,
    });
    let path = Manifest::path(step);
    let previous = keep.state_file(&path)?;
    let previous = previous
        .map(|text| Manifest::parse(&path, &text))
        .transpose()?;
    let mut manifest =
        Manifest::of(attempt, previous.as_ref()).with_taken(Taken::of(&attempt.dir.samples()));
    manifest.failure = FailureNote::of(attempt)?;
    let log = match attempt.state {
        AttemptState::Succeeded => None,
        _ => Some(Redactor::tail(&attempt.dir, LOG_TAIL)?),
    };
    batch
        .files
        .push((path, Some(manifest.print().into_bytes())));
    batch.files.push((format!("logs/{step}.log"), log));
    if let Some(script) = read_optional(&attempt.dir.script())? {
        batch.files.push((format!("scripts/{step}"), Some(script)));
    }
    describe(&mut batch.message, &manifest);
    Ok(manifest)
}

/// What the commit says of an attempt.
fn describe(message: &mut Message, manifest: &Manifest) {
    message.subject = format!("run: {} {}", manifest.name(), manifest.state);
    let trailers = &mut message.trailers;
    trailers.push("Step", &manifest.step);
    trailers.push("State", manifest.state);
    if let Some(code) = manifest.code {
        trailers.push("Exit", code);
    }
    if let Some(signal) = manifest.signal {
        trailers.push("Exit", format!("signal {signal}"));
    }
    if let Some(duration) = manifest.duration_s {
        trailers.push("Duration", format!("{duration} s"));
    }
    if let Some(commit) = &manifest.config_commit {
        trailers.push("Config", commit);
    }
}
