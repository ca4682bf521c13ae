//! One run of the plan: each step that is not done, one after the other.
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use serde_json::json;

use super::checkpoint;
use super::choose::{Choice, Reason, Wanted, reason};
use super::lines::{Ended, Failed, Place, Started, Summary};
use super::prepare;
use super::secrets::Giver;
use super::watch::{Watched, watch};
use super::{runs_of, say, settle};
use crate::commands::Context;
use crate::failure::Failure;
use crate::fs::{create_dirs_durable, write_durable};
use crate::plan::{Fingerprint, Plan, Step, StepEnv};
use crate::run::{
    Attempt, AttemptState, Follower, Interrupts, Manifest, Program, Run, RunRecord, Spec, boot_id,
    excerpt, start,
};
use crate::store::Keep;

/// How long a step may take to end by itself once it is asked to.
pub(super) const GRACE_S: u64 = 10;

/// A run that goes on.
pub(super) struct Session<'a> {
    cx: &'a mut Context,
    keep: Keep,
    plan: Plan,
    giver: Giver,
    run: Run,
    manifests: BTreeMap<String, Manifest>,
    interrupts: Interrupts,
    digests: BTreeMap<String, String>,
    /// The commit of the configuration that holds for all steps, whatever is committed meanwhile.
    config_commit: Option<String>,
    /// Steps that did not succeed, and steps that need one of them.
    blocked: BTreeSet<String>,
    summary: Summary,
}

/// Whether the run goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Enough,
}

impl<'a> Session<'a> {
    pub(super) fn begin(
        cx: &'a mut Context,
        keep: Keep,
        plan: Plan,
        giver: Giver,
        manifests: BTreeMap<String, Manifest>,
    ) -> Result<Self, Failure> {
        let interrupts = Interrupts::watch()?;
        let run = begin_run(cx, &keep)?;
        let config_commit = keep.repo().head()?.map(|id| id.to_string());
        Ok(Self {
            summary: Summary {
                run: Some(run.id().to_owned()),
                ..Summary::nothing(0)
            },
            cx,
            keep,
            plan,
            giver,
            run,
            manifests,
            interrupts,
            digests: BTreeMap::new(),
            config_commit,
            blocked: BTreeSet::new(),
        })
    }

    /// Runs what is to be run; `choices` are what it looked like before the first step.
    ///
    /// Something may go wrong between steps: how far the run came is told all the same.
    pub(super) fn work(
        mut self,
        wanted: &Wanted,
        choices: &[Choice],
    ) -> Result<(Summary, Option<Failure>), Failure> {
        let began = self.cx.world.clock.since_boot();
        let failure = self.steps(wanted, choices).err();
        let took = self.cx.world.clock.since_boot().saturating_sub(began);
        self.summary.duration_s = rounded(took.as_secs_f64());
        match failure {
            None => Ok((self.end()?, None)),
            Some(failure) => Ok((self.give_up(&failure, choices.len()), Some(failure))),
        }
    }

    fn steps(&mut self, wanted: &Wanted, choices: &[Choice]) -> Result<(), Failure> {
        let scope: BTreeMap<usize, usize> = choices.iter().map(|c| c.at).zip(1..).collect();
        let mut next = Next::GoOn;
        for at in 0..self.plan.steps.len() {
            let step = self.plan.steps[at].clone();
            let (env, fingerprint) = self.origin(&step)?;
            let Some(number) = scope.get(&at) else {
                continue;
            };
            let place = Place {
                at: *number,
                of: scope.len(),
            };
            if next == Next::Enough || self.is_blocked(&step) {
                self.leave(&step, &fingerprint);
                continue;
            }
            let reason = if wanted.forces(at) {
                Reason::Forced
            } else {
                reason(&step, self.manifests.get(&step.id), &fingerprint)
            };
            if reason == Reason::Done {
                self.summary.done += 1;
                continue;
            }
            if self.interrupts.came() {
                // Between two steps, in a snapshot say, there was nothing to stop.
                self.summary.exit = 130;
                self.leave(&step, &fingerprint);
                next = Next::Enough;
                continue;
            }
            let (env, fingerprint) = self.reveal(&step, env, fingerprint)?;
            let attempt = self.step(&step, (&env, &fingerprint), (place, &reason))?;
            next = self.after(&step, &attempt, wanted);
        }
        Ok(())
    }

    /// What a step would get and be built from now; steps before it may have changed that.
    fn origin(&mut self, step: &Step) -> Result<(StepEnv, Fingerprint), Failure> {
        let env = self.plan.environment(step, &self.giver.keys)?;
        let fingerprint = self.plan.fingerprint(step, &env, &self.digests)?;
        self.digests.insert(step.id.clone(), fingerprint.digest());
        Ok((env, fingerprint))
    }

    /// The same with the secrets that the step reads, just before it gets them.
    fn reveal(
        &mut self,
        step: &Step,
        env: StepEnv,
        fingerprint: Fingerprint,
    ) -> Result<(StepEnv, Fingerprint), Failure> {
        let Some(keys) = self.giver.reveal(self.cx, &self.keep, &env)? else {
            return Ok((env, fingerprint));
        };
        let (_, fingerprint) = self.origin(step)?;
        Ok((self.plan.environment(step, &keys)?, fingerprint))
    }

    fn is_blocked(&mut self, step: &Step) -> bool {
        let is_blocked = step.needs.iter().any(|need| self.blocked.contains(need));
        if is_blocked {
            self.blocked.insert(step.id.clone());
        }
        is_blocked
    }

    /// Counts a step that the run does not come to.
    fn leave(&mut self, step: &Step, fingerprint: &Fingerprint) {
        match reason(step, self.manifests.get(&step.id), fingerprint) {
            Reason::Done => self.summary.done += 1,
            _ => self.summary.left += 1,
        }
    }

    /// Runs one step to its end, and publishes what came of it.
    fn step(
        &mut self,
        step: &Step,
        (env, fingerprint): (&StepEnv, &Fingerprint),
        (place, reason): (Place, &Reason),
    ) -> Result<Attempt, Failure> {
        let number = self.manifests.get(&step.id).map_or(1, |m| m.number + 1);
        let mut spec = self.spec(step, env, number)?;
        spec.fingerprint.clone_from(&fingerprint.parts);
        let started = Started {
            event: "step-started",
            place,
            step: step.id.clone(),
            attempt: spec.attempt.clone(),
            number,
            reason: reason.to_string(),
            is_notable: matches!(reason, Reason::Changed(_) | Reason::Forced),
        };
        say(self.cx, &started);
        self.run.event(
            "step-started",
            json!({ "step": step.id, "attempt": spec.attempt, "number": number, "reason": started.reason }),
        )?;
        let attempt = self.supervise(&spec, env, place)?;
        self.run.event("step-ended", settle::ended(&attempt))?;
        let published = settle::publish(self.cx, &self.keep, &self.run, Some(&attempt))?;
        self.manifests
            .extend(published.map(|manifest| (step.id.clone(), manifest)));
        self.tell(&attempt, place)?;
        if attempt.state == AttemptState::Succeeded {
            checkpoint::after(self.cx, &self.keep, &self.plan, (step, &attempt));
        }
        Ok(attempt)
    }

    fn spec(&self, step: &Step, env: &StepEnv, number: u32) -> Result<Spec, Failure> {
        let world = &self.cx.world;
        Ok(Spec {
            format: Spec::FORMAT,
            run: self.run.id().to_owned(),
            attempt: world.ids.next(),
            step: step.id.clone(),
            number,
            file: step.file.clone(),
            argv: vec![text(step.path.as_os_str())?],
            workdir: step.workdir.clone(),
            environment: env.vars.keys().cloned().collect(),
            config_commit: self.config_commit.clone(),
            timeout_s: step.timeout.map(|timeout| timeout.as_secs()),
            grace_s: GRACE_S,
            planned: true,
            created: world.clock.stamp(),
            boot_id: boot_id()?,
            ..Spec::default()
        })
    }

    fn supervise(&mut self, spec: &Spec, env: &StepEnv, place: Place) -> Result<Attempt, Failure> {
        let dir = self.run.attempt_dir(&spec.attempt);
        create_dirs_durable(dir.path())?;
        write_durable(&dir.script(), &env.script)?;
        let mut environment = inherited(self.cx);
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
        let program = Program::of_self();
        let keeper = start(&program, &dir, spec, &environment)?;
        let follower = Follower::new(&program, &dir, Some(keeper));
        let success = self.manifests.get(&spec.step);
        let success = success.and_then(|manifest| manifest.last_success.as_ref());
        let watched = Watched {
            place,
            step: &spec.step,
            last_s: success.and_then(|success| success.duration_s),
        };
        watch(self.cx, follower, &self.interrupts, &watched)
    }

    /// Shows how a step ended, and if it did not succeed, why.
    fn tell(&mut self, attempt: &Attempt, place: Place) -> Result<(), Failure> {
        let (line, mut failed) = told_of(attempt, place, self.keep.root())?;
        say(self.cx, &line);
        if attempt.state == AttemptState::Failed {
            let manifest = self.manifests.get(&attempt.spec.step);
            if manifest.is_some_and(|manifest| manifest.last_success.is_some()) {
                failed.next.push(format!("buildkeep why {}", failed.step));
            }
            failed.next.push("buildkeep run".into());
            say(self.cx, &failed);
        }
        Ok(())
    }

    fn after(&mut self, step: &Step, attempt: &Attempt, wanted: &Wanted) -> Next {
        match attempt.state {
            AttemptState::Succeeded => {
                self.summary.succeeded += 1;
                return Next::GoOn;
            }
            AttemptState::Cancelled => {
                self.summary.stopped += 1;
                self.summary.exit = 130;
            }
            _ => {
                self.summary.failed += 1;
                self.summary.exit = 1;
            }
        }
        self.blocked.insert(step.id.clone());
        if wanted.keep_going && self.summary.exit == 1 {
            Next::GoOn
        } else {
            Next::Enough
        }
    }

    /// Publishes what can be published of a run that cannot go on; the next run does the rest.
    fn give_up(mut self, failure: &Failure, wanted: usize) -> Summary {
        // The failure itself is what is told.
        let _ = settle::close_if_over(self.cx, &self.keep, &mut self.run);
        let summary = &mut self.summary;
        summary.exit = failure.kind().exit_code();
        let reached = summary.succeeded + summary.failed + summary.stopped + summary.done;
        summary.left = wanted.saturating_sub(reached);
        self.summary
    }

    fn end(mut self) -> Result<Summary, Failure> {
        let (succeeded, failed) = (self.summary.succeeded, self.summary.failed);
        let data = json!({ "succeeded": succeeded, "failed": failed, "exit": self.summary.exit });
        self.run.event("run-ended", data)?;
        settle::publish(self.cx, &self.keep, &self.run, None)?;
        self.run.close()?;
        if self.summary.exit == 0 && self.summary.done + succeeded == self.plan.steps.len() {
            prepare::mark_good(self.cx, &self.keep, self.run.id())?;
        }
        Ok(self.summary)
    }
}

/// Begins a run of this command.
pub(super) fn begin_run(cx: &Context, keep: &Keep) -> Result<Run, Failure> {
    let world = &cx.world;
    let record = RunRecord {
        format: 1,
        run: world.ids.next(),
        started: world.clock.stamp(),
        argv: world.argv.clone(),
        is_closed: false,
    };
    let run = runs_of(keep).begin(record, &world.clock)?;
    run.event("run-started", json!({ "argv": world.argv }))?;
    Ok(run)
}

/// How an attempt ended, and what can be said if it failed.
pub(super) fn told_of(
    attempt: &Attempt,
    place: Place,
    keep: &std::path::Path,
) -> Result<(Ended, Failed), Failure> {
    let (spec, exit) = (&attempt.spec, attempt.exit.as_ref());
    let excerpt = excerpt(attempt)?;
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
        cause: is_told.then(|| excerpt.cause.clone()),
    };
    let log = attempt.dir.log().join("0001.log");
    let failed = Failed {
        event: "step-failed",
        step: spec.step.clone(),
        excerpt,
        script: spec.file.clone(),
        log: log.strip_prefix(keep).map(Into::into).unwrap_or(log),
        next: vec![format!("buildkeep logs {}", spec.step)],
    };
    Ok((ended, failed))
}

/// Milliseconds are all that anybody reads.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// What scripts inherit: all but what is about us and about Git's own doings.
pub(super) fn inherited(cx: &Context) -> BTreeMap<OsString, OsString> {
    let is_ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("BUILDKEEP_TEST_") || name.starts_with("GIT_")
    };
    cx.world
        .env
        .iter()
        .filter(|(name, _)| !is_ours(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What scripts are told about where they are.
pub(super) fn told(
    keep: &Keep,
    spec: &Spec,
    substeps: &std::path::Path,
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
