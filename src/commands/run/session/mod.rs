//! One run of the plan: each step that is not done, as soon as what it needs is.
mod launch;

pub(super) use launch::{GRACE_S, begin_run, inherited, rounded, told, told_of};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::active::{Active, line, stop_all};
use super::checkpoint;
use super::choose::{Choice, Reason, Wanted, reason};
use super::lines::{Place, Summary};
use super::prepare;
use super::schedule::Schedule;
use super::secrets::Giver;
use super::watch::{TICK, warn_of_full_disk};
use super::{say, settle};
use crate::commands::Context;
use crate::failure::{Failure, Kind};
use crate::plan::{Fingerprint, Plan, Step, StepEnv};
use crate::run::{
    Attempt, AttemptState, Interrupts, Manifest, Room, Run, Shortage, shortage, wait_any,
};
use crate::store::Keep;

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
    /// How many steps may run at once.
    jobs: usize,
    room: Room,
    /// What the next step waits for, and what was said about that.
    waiting: Option<Shortage>,
    said: Option<Shortage>,
    /// Nothing more is started.
    is_enough: bool,
    is_stopping: bool,
    is_full: bool,
    /// The last step that succeeded since the last snapshot.
    to_keep: Option<(Step, Attempt)>,
    summary: Summary,
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
            jobs: 1,
            room: Room::default(),
            waiting: None,
            said: None,
            is_enough: false,
            is_stopping: false,
            is_full: false,
            to_keep: None,
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
        let jobs = wanted.jobs.or(self.plan.jobs).unwrap_or(1);
        self.jobs = usize::try_from(jobs).unwrap_or(1).max(1);
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
        let mut schedule = Schedule::new(&self.plan);
        if let Some(seed) = wanted.shuffle {
            schedule.shuffle(seed);
        }
        let mut active = Vec::new();
        loop {
            self.fill(&mut schedule, &mut active, (wanted, &scope))?;
            if active.is_empty() {
                self.cx.ui.live_end();
                return Ok(());
            }
            self.wait(&mut active)?;
            self.collect(&mut schedule, &mut active, wanted)?;
        }
    }

    /// Starts what can start, and settles what need not.
    fn fill(
        &mut self,
        schedule: &mut Schedule,
        active: &mut Vec<Active>,
        (wanted, scope): (&Wanted, &BTreeMap<usize, usize>),
    ) -> Result<(), Failure> {
        self.waiting = None;
        while active.len() < self.jobs
            && let Some(at) = schedule.next()
        {
            let may_wait = self.plan.throttle && !active.is_empty() && !self.is_enough;
            if may_wait && self.is_short(at, active)? {
                return Ok(());
            }
            let place = scope.get(&at).map(|number| Place {
                at: *number,
                of: scope.len(),
            });
            match self.consider(at, place, wanted)? {
                Some(started) => {
                    schedule.start(at);
                    active.push(started);
                }
                None => schedule.settle(at),
            }
        }
        Ok(())
    }

    /// Whether there is too little of something for another step; said once.
    fn is_short(&mut self, at: usize, active: &[Active]) -> Result<bool, Failure> {
        let need = self.memory_of(&self.plan.steps[at].id);
        let reserved = active.iter().map(Active::still_to_take).sum();
        self.waiting = shortage(&self.room, need, reserved);
        if let Some(shortage) = self.waiting.filter(|_| self.said != self.waiting) {
            let data = json!({ "for": shortage, "step": self.plan.steps[at].id });
            self.run.event("waiting", data)?;
            self.said = self.waiting;
        }
        Ok(self.waiting.is_some())
    }

    /// The memory that a step took the last time, in bytes.
    fn memory_of(&self, step: &str) -> u64 {
        let manifest = self.manifests.get(step);
        manifest
            .and_then(|manifest| manifest.max_rss_bytes)
            .unwrap_or(0)
    }

    /// Starts a step, if it has to be built.
    fn consider(
        &mut self,
        at: usize,
        place: Option<Place>,
        wanted: &Wanted,
    ) -> Result<Option<Active>, Failure> {
        let step = self.plan.steps[at].clone();
        let (env, fingerprint) = self.origin(&step)?;
        let Some(place) = place else {
            return Ok(None);
        };
        if self.is_enough || self.is_blocked(&step) {
            self.leave(&step, &fingerprint);
            return Ok(None);
        }
        let reason = if wanted.forces(at) {
            Reason::Forced
        } else {
            reason(&step, self.manifests.get(&step.id), &fingerprint)
        };
        if reason == Reason::Done {
            self.summary.done += 1;
            return Ok(None);
        }
        if self.interrupts.came() {
            // Between two steps, in a snapshot say, there was nothing to stop.
            self.summary.exit = 130;
            self.is_enough = true;
            self.leave(&step, &fingerprint);
            return Ok(None);
        }
        let (env, fingerprint) = self.reveal(&step, env, fingerprint)?;
        let follower = self.start(&step, (&env, &fingerprint), (place, &reason))?;
        let manifest = self.manifests.get(&step.id);
        let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
        Ok(Some(Active {
            at,
            place,
            follower,
            began: self.cx.world.clock.since_boot(),
            last_s: success.and_then(|success| success.duration_s),
            memory: self.memory_of(&step.id),
            step,
        }))
    }

    /// Waits until something may have ended; a person who interrupts stops all that runs.
    fn wait(&mut self, active: &mut [Active]) -> Result<(), Failure> {
        let followers: Vec<_> = active
            .iter_mut()
            .map(|active| &mut active.follower)
            .collect();
        wait_any(&followers, TICK, &self.interrupts);
        let now = self.cx.world.clock.since_boot();
        self.cx.ui.live(line(active, now, self.waiting));
        for active in active.iter() {
            warn_of_full_disk(self.cx, &active.follower, &mut self.is_full);
        }
        if !self.interrupts.came() {
            return Ok(());
        }
        if self.is_stopping {
            let message = "interrupted before the end of the step was on record";
            return Err(Failure::text(Kind::Interrupted, message)
                .hint("`buildkeep status` shows what became of it"));
        }
        (self.is_stopping, self.is_enough) = (true, true);
        let what = line(active, now, None);
        self.cx
            .ui
            .live(format!("{what}  stopping; Ctrl-C again ends it at once"));
        stop_all(active, &self.interrupts, &self.cx.world.clock)
    }

    /// Puts on record what has ended.
    fn collect(
        &mut self,
        schedule: &mut Schedule,
        active: &mut Vec<Active>,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let mut at = 0;
        while at < active.len() {
            let Some(attempt) = active[at].follower.look()? else {
                at += 1;
                continue;
            };
            let ended = active.remove(at);
            schedule.settle(ended.at);
            self.ended(&ended, &attempt)?;
            self.after(&ended.step, &attempt, wanted);
            if attempt.state == AttemptState::Succeeded {
                self.to_keep = Some((ended.step, *attempt));
            }
        }
        // Others that run would be in the snapshot with half of what they make.
        if active.is_empty()
            && let Some((step, attempt)) = self.to_keep.take()
        {
            checkpoint::after(self.cx, &self.keep, &self.plan, (&step, &attempt));
        }
        Ok(())
    }

    /// Publishes what came of a step, and tells.
    fn ended(&mut self, active: &Active, attempt: &Attempt) -> Result<(), Failure> {
        self.run.event("step-ended", settle::ended(attempt))?;
        let published = settle::publish(self.cx, &self.keep, &self.run, Some(attempt))?;
        self.manifests
            .extend(published.map(|manifest| (active.step.id.clone(), manifest)));
        self.tell(attempt, active.place)
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

    fn after(&mut self, step: &Step, attempt: &Attempt, wanted: &Wanted) {
        match attempt.state {
            AttemptState::Succeeded => {
                self.summary.succeeded += 1;
                return;
            }
            AttemptState::Cancelled => {
                self.summary.stopped += 1;
                self.summary.exit = 130;
            }
            _ => {
                self.summary.failed += 1;
                self.summary.exit = self.summary.exit.max(1);
            }
        }
        self.blocked.insert(step.id.clone());
        self.is_enough |= !(wanted.keep_going && self.summary.exit == 1);
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
