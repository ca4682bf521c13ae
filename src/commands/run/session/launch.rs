//! Starting a step, and telling how it ended.
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::json;

use super::super::choose::Reason;
use super::super::lines::{Ended, Place, Started};
use super::super::{runs_as, runs_of, say};
use super::Session;
use crate::commands::{Context, tools};
use crate::failure::Failure;
use crate::fs::{create_dirs_durable, write_durable};
use crate::plan::{Fingerprint, Step, StepEnv};
use crate::report::failure::Failed;
use crate::run::{
    Attempt, AttemptState, Follower, OVERRIDES, Program, Run, RunRecord, Spec, boot_id, start,
};
use crate::store::Keep;

/// How long a step may take to end by itself once it is asked to.
pub(in crate::commands::run) const GRACE_S: u64 = 10;

impl Session<'_> {
    /// Starts a step.
    pub(super) fn start(
        &mut self,
        step: &Step,
        (env, fingerprint): (&StepEnv, &Fingerprint),
        (place, reason): (Place, &Reason),
    ) -> Result<Follower, Failure> {
        let number = self.manifests.get(&step.id).map_or(1, |m| m.number + 1);
        let mut spec = self.spec(step, env, number)?;
        spec.fingerprint.clone_from(&fingerprint.parts);
        let started = Started {
            event: "step-started".into(),
            place,
            step: step.id.clone(),
            attempt: spec.attempt.clone(),
            number,
            reason: reason.to_string(),
            is_notable: matches!(
                reason,
                Reason::Changed(_) | Reason::Forced | Reason::Unmarked(_)
            ),
        };
        self.run.event("step-started", started.data())?;
        let follower = self.supervise(step, &spec, env)?;
        say(self.cx, &started);
        Ok(follower)
    }

    fn spec(&self, step: &Step, env: &StepEnv, number: u32) -> Result<Spec, Failure> {
        let world = &self.cx.world;
        Ok(Spec {
            format: Spec::FORMAT,
            run: self.run.id().to_owned(),
            attempt: world.ids.next_after(self.run.newest_attempt()?.as_deref()),
            step: step.id.clone(),
            number,
            file: step.file.clone(),
            argv: vec![text(step.path.as_os_str())?],
            workdir: step.workdir.clone(),
            sandbox: runs_as::sandbox(&self.plan, step)?,
            environment: env.vars.keys().cloned().collect(),
            tools: self.tools(step),
            config_commit: self.config_commit.clone(),
            timeout_s: step.timeout.map(|timeout| timeout.as_secs()),
            grace_s: GRACE_S,
            planned: true,
            created: world.clock.stamp(),
            boot_id: boot_id()?,
            ..Spec::default()
        })
    }

    /// The tools that a step finds; in a chroot there are others, made by the steps before.
    fn tools(&self, step: &Step) -> BTreeMap<String, String> {
        if step.runs_as.chroot {
            return BTreeMap::new();
        }
        tools::look(self.cx, &self.keep, &self.plan.tools)
    }

    fn supervise(&mut self, step: &Step, spec: &Spec, env: &StepEnv) -> Result<Follower, Failure> {
        let dir = self.run.attempt_dir(&spec.attempt);
        create_dirs_durable(dir.path())?;
        write_durable(&dir.script(), &env.script)?;
        let mut environment = runs_as::surroundings(self.cx, step, &spec.sandbox);
        self.giver.withhold(&mut environment);
        self.giver.guard(self.cx, &dir, env)?;
        let own = env
            .vars
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        environment.extend(own);
        environment.extend(told(&self.keep, spec, &dir.substeps()));
        if let Some(root) = &self.plan.root {
            environment.insert("BUILDKEEP_ROOT".into(), root.into());
        }
        runs_as::see_from_inside(&spec.sandbox, &mut environment);
        let program = Program::of_self();
        let keeper = start(&program, &dir, spec, &environment)?;
        Ok(Follower::new(&program, &dir, Some(keeper)))
    }
}

/// Begins a run of this command.
pub(in crate::commands::run) fn begin_run(cx: &Context, keep: &Keep) -> Result<Run, Failure> {
    let world = &cx.world;
    let runs = runs_of(keep);
    let record = RunRecord {
        format: 1,
        run: world.ids.next_after(runs.newest()?.as_deref()),
        started: world.clock.stamp(),
        argv: world.argv.clone(),
        is_closed: false,
    };
    let run = runs.begin(record, &world.clock)?;
    run.event("run-started", json!({ "argv": world.argv }))?;
    Ok(run)
}

/// How an attempt ended, and what can be said if it failed.
pub(in crate::commands::run) fn told_of(
    attempt: &Attempt,
    place: Place,
    keep: &Path,
) -> Result<(Ended, Failed), Failure> {
    let (spec, exit) = (&attempt.spec, attempt.exit.as_ref());
    let failed = Failed::of(attempt, keep)?;
    let is_told = !matches!(
        attempt.state,
        AttemptState::Succeeded | AttemptState::Cancelled
    );
    let ended = Ended {
        event: "step-ended",
        place,
        step: spec.step.clone(),
        attempt: spec.attempt.clone(),
        number: spec.number,
        state: attempt.state,
        code: exit.and_then(|exit| exit.code),
        signal: exit.and_then(|exit| exit.signal),
        duration_s: exit.and_then(|exit| exit.duration_s).map(rounded),
        cause: is_told.then(|| failed.excerpt.cause.clone()),
        dropped_bytes: exit.map_or(0, |exit| exit.dropped_bytes),
        left_running: attempt.left_running.clone(),
    };
    Ok((ended, failed))
}

/// Milliseconds are all that anybody reads.
pub(in crate::commands::run) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// What scripts inherit: all but what is about us and about Git's own doings.
pub(in crate::commands::run) fn inherited(cx: &Context) -> BTreeMap<OsString, OsString> {
    let is_ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("BUILDKEEP_TEST_") || name.starts_with("GIT_") || name == OVERRIDES
    };
    cx.world
        .env
        .iter()
        .filter(|(name, _)| !is_ours(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What scripts are told about where they are.
pub(in crate::commands::run) fn told(
    keep: &Keep,
    spec: &Spec,
    substeps: &Path,
) -> Vec<(OsString, OsString)> {
    vec![
        ("BUILDKEEP_KEEP".into(), keep.root().into()),
        ("BUILDKEEP_STEP".into(), spec.step.clone().into()),
        ("BUILDKEEP_RUN".into(), spec.run.clone().into()),
        ("BUILDKEEP_EVENTS".into(), substeps.into()),
    ]
}

/// Paths of scripts go into records, which are text.
fn text(path: &OsStr) -> Result<String, Failure> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::user(format!("{} is not UTF-8", path.to_string_lossy())))
}
