//! One run of the plan: each step that is not done, as soon as what it needs is.
mod launch;
mod take_up;
mod waiting;

pub(super) use launch::{GRACE_S, begin_run, inherited, rounded, told, told_of};

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::Duration;

use serde_json::json;

use super::active::Active;
use super::checkpoint;
use super::choose::{Choice, Reason, Wanted, reason};
use super::lines::{Place, Summary};
use super::post::Post;
use super::prepare;
use super::schedule::Schedule;
use super::secrets::Giver;
use super::telling::Telling;
use super::{say, settle};
use crate::commands::{Context, older, preflight};
use crate::failure::Failure;
use crate::plan::{Fingerprint, Plan, Step, StepEnv, Upstream};
use crate::run::{
    Attempt, AttemptState, Follower, Interrupts, Manifest, Room, Run, Sampler, Shortage, Unknown,
};
use crate::store::Keep;
use crate::vault;

/// What a run stands on.
pub(super) struct Ground {
    pub(super) keep: Keep,
    pub(super) plan: Plan,
    pub(super) giver: Giver,
    pub(super) manifests: BTreeMap<String, Manifest>,
}

/// How a run left this process.
pub(super) enum Outcome {
    /// It is over.
    Over(Summary),
    /// It cannot go on.
    Failed(Summary, Failure),
    /// Another process goes on with it.
    HandedOver,
}

/// A run that goes on.
pub(super) struct Session<'a> {
    cx: &'a mut Context,
    keep: Keep,
    plan: Plan,
    giver: Giver,
    run: Run,
    post: Post,
    manifests: BTreeMap<String, Manifest>,
    interrupts: Interrupts,
    upstream: Upstream,
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
    /// Somebody wants nothing more to be started for now.
    is_paused: bool,
    /// Something more would have been started.
    is_halted: bool,
    /// The terminal is gone: a process in the background goes on.
    is_leaving: bool,
    is_full: bool,
    /// Since when a script has ended whose end is not on record, since boot.
    ending_since: Option<Duration>,
    /// Steps that were begun a second time, because our processes were killed before the script began.
    again: BTreeSet<String>,
    /// The attempt whose end was put into the journal last.
    told: Option<String>,
    /// Keepers whose attempts are over, and who are about to leave.
    leaving: Vec<Child>,
    /// The last step that succeeded since the last snapshot.
    to_keep: Option<(Step, Attempt)>,
    /// Those before it that ran at the same time.
    kept_with: Vec<vault::Step>,
    sampler: Sampler,
    telling: Telling,
    summary: Summary,
}

impl<'a> Session<'a> {
    pub(super) fn begin(
        cx: &'a mut Context,
        ground: Ground,
        (run, post): (Run, Post),
    ) -> Result<Self, Failure> {
        let interrupts = Interrupts::watch_terminal()?;
        let config_commit = ground.keep.repo().head()?.map(|id| id.to_string());
        Ok(Self {
            summary: Summary {
                run: Some(run.id().to_owned()),
                ..Summary::nothing(0)
            },
            sampler: Sampler::new(ground.plan.root.as_deref().unwrap_or(ground.keep.root())),
            cx,
            keep: ground.keep,
            plan: ground.plan,
            giver: ground.giver,
            post,
            manifests: ground.manifests,
            interrupts,
            upstream: Upstream::default(),
            config_commit,
            blocked: BTreeSet::new(),
            jobs: 1,
            room: Room::default(),
            waiting: None,
            said: None,
            is_enough: false,
            is_stopping: false,
            is_paused: run.is_paused(),
            is_halted: false,
            is_leaving: false,
            is_full: false,
            ending_since: None,
            again: BTreeSet::new(),
            told: None,
            leaving: Vec::new(),
            to_keep: None,
            telling: Telling::default(),
            kept_with: Vec::new(),
            run,
        })
    }

    /// Runs what is to be run; `choices` are what it looked like before the first step.
    ///
    /// Something may go wrong between steps: how far the run came is told all the same.
    pub(super) fn work(mut self, wanted: &Wanted, choices: &[Choice]) -> Result<Outcome, Failure> {
        let jobs = wanted.jobs.or(self.plan.jobs).unwrap_or(1);
        self.jobs = usize::try_from(jobs).unwrap_or(1).max(1);
        let failure = self.steps(wanted, choices).err();
        if self.is_leaving {
            self.post.hand_over(self.cx)?;
            return Ok(Outcome::HandedOver);
        }
        let now = self.cx.world.clock.since_boot().as_secs_f64();
        self.summary.duration_s = rounded(now - self.post.began_s());
        match failure {
            None => {
                while let Err(failure) = self.end() {
                    if let Err(failure) = self.wait_for_room(failure, &[]) {
                        // Nobody else would get further.
                        let _ = self.run.give_up_monitor();
                        return Err(failure);
                    }
                }
                self.tell_what_is_older();
                Ok(Outcome::Over(self.summary))
            }
            Some(failure) => {
                let summary = self.give_up(&failure, choices.len());
                Ok(Outcome::Failed(summary, failure))
            }
        }
    }

    /// Says which steps were built before something changed that was built again now.
    fn tell_what_is_older(&mut self) {
        if self.summary.exit != 0 || self.summary.succeeded == 0 {
            return;
        }
        let fingerprints = self.plan.fingerprints(&self.giver.keys);
        // Steps may have changed what others are built from: `status` tells of that.
        let Ok(fingerprints) = fingerprints else {
            return;
        };
        if let Some(older) = older::find(&self.plan, &self.manifests, &fingerprints) {
            self.cx.ui.status(older.in_words());
            let first = older.steps.first().map_or("", String::as_str);
            let again = format!("build them again: `buildkeep run --from {first} --force`");
            self.cx.ui.hint(again);
        }
    }

    fn steps(&mut self, wanted: &Wanted, choices: &[Choice]) -> Result<(), Failure> {
        let scope: BTreeMap<usize, usize> = choices.iter().map(|c| c.at).zip(1..).collect();
        let mut schedule = Schedule::new(&self.plan);
        if let Some(seed) = wanted.shuffle {
            schedule.shuffle(seed);
        }
        let mut active = self.take_up(&mut schedule, (wanted, &scope))?;
        loop {
            if let Err(failure) = self.fill(&mut schedule, &mut active, (wanted, &scope)) {
                self.wait_for_room(failure, &active)?;
                continue;
            }
            if active.is_empty() && !self.is_halted {
                self.cx.ui.live_end();
                return Ok(());
            }
            self.wait(&mut active)?;
            if self.is_leaving {
                return Ok(());
            }
            if let Err(failure) = self.collect(&mut schedule, &mut active, wanted) {
                self.wait_for_room(failure, &active)?;
            }
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
        self.is_paused = self.run.is_paused();
        self.is_halted = self.is_paused && !self.is_enough && schedule.next().is_some();
        while !self.is_halted
            && active.len() < self.jobs
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
        self.see_mark(&step)?;
        let reason = if wanted.forces(at) {
            Reason::Forced
        } else {
            reason(&step, self.manifests.get(&step.id), &fingerprint)
        };
        if reason == Reason::Done {
            self.summary.done += 1;
            return Ok(None);
        }
        if self.was_interrupted() {
            // Between two steps, in a snapshot say, there was nothing to stop.
            self.summary.exit = 130;
            self.is_enough = true;
            self.leave(&step, &fingerprint);
            return Ok(None);
        }
        let (env, fingerprint) = self.reveal(&step, env, fingerprint)?;
        let follower = self.start(&step, (&env, &fingerprint), (place, &reason))?;
        let began = self.cx.world.clock.since_boot();
        Ok(Some(self.active((at, place), follower, began)))
    }

    /// Learns of a mark that somebody made since the run began.
    fn see_mark(&mut self, step: &Step) -> Result<(), Failure> {
        let path = Manifest::path(&step.id);
        if let Some(text) = self.keep.state_file(&path)? {
            let manifest = Manifest::parse(&path, &text)?;
            if manifest.mark.is_some() {
                self.manifests.insert(step.id.clone(), manifest);
            }
        }
        Ok(())
    }

    /// A step that runs since `began`.
    fn active(&self, (at, place): (usize, Place), follower: Follower, began: Duration) -> Active {
        let step = self.plan.steps[at].clone();
        let manifest = self.manifests.get(&step.id);
        let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
        Active {
            at,
            place,
            follower,
            began,
            last_s: success.and_then(|success| success.duration_s),
            memory: self.memory_of(&step.id),
            part: None,
            step,
        }
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
            let now = self.cx.world.clock.since_boot();
            self.telling.last_look(&self.run, &attempt.dir, now);
            // What fails here is tried again, so it comes before anything that must be done once.
            if self.told.as_ref() != Some(&attempt.spec.attempt) {
                self.run.event("step-ended", settle::ended(&attempt))?;
                self.told = Some(attempt.spec.attempt.clone());
            }
            self.ended(&attempt, active[at].place)?;
            let mut ended = active.remove(at);
            self.leaving.extend(ended.follower.take_keeper());
            self.post.got_somewhere();
            if self.is_again(&attempt) {
                schedule.wait_again(ended.at);
                continue;
            }
            schedule.settle(ended.at);
            self.after(&ended.step, &attempt, wanted);
            if attempt.state == AttemptState::Succeeded {
                let before = self.to_keep.replace((ended.step, *attempt));
                self.kept_with
                    .extend(before.map(|(step, attempt)| checkpoint::named(&step, &attempt)));
            }
        }
        // Others that run would be in the snapshot with half of what they make.
        if active.is_empty()
            && let Some((step, attempt)) = self.to_keep.take()
        {
            let last = (&step, &attempt, std::mem::take(&mut self.kept_with));
            if let Some(taken) = checkpoint::after(self.cx, &self.keep, &self.plan, last) {
                self.run.event("checkpoint", json!(taken))?;
            }
        }
        Ok(())
    }

    /// Publishes what came of a step, and tells.
    fn ended(&mut self, attempt: &Attempt, place: Place) -> Result<(), Failure> {
        let published = settle::publish(self.cx, &self.keep, &self.run, Some(attempt))?;
        self.manifests
            .extend(published.map(|manifest| (attempt.spec.step.clone(), manifest)));
        self.tell(attempt, place)
    }

    /// Whether a step is begun a second time: our processes were killed before its script began.
    fn is_again(&mut self, attempt: &Attempt) -> bool {
        let exit = attempt.exit.as_ref();
        exit.is_some_and(|exit| exit.unknown == Some(Unknown::NeverStarted))
            && attempt.stop.is_none()
            && self.again.insert(attempt.spec.step.clone())
    }

    /// What a step would get and be built from now; steps before it may have changed that.
    fn origin(&mut self, step: &Step) -> Result<(StepEnv, Fingerprint), Failure> {
        let env = self.plan.environment(step, &self.giver.keys)?;
        let fingerprint = self.plan.fingerprint(step, &env, &self.upstream)?;
        self.upstream.add(&step.id, &fingerprint);
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
            failed.since(self.manifests.get(&attempt.spec.step));
            failed.next.push("buildkeep run".into());
            say(self.cx, &failed);
        }
        Ok(())
    }

    fn after(&mut self, step: &Step, attempt: &Attempt, wanted: &Wanted) {
        match attempt.state {
            AttemptState::Succeeded => {
                self.summary.succeeded += 1;
                preflight::remember(&self.keep, self.plan.root.as_deref());
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
        let _ = self.run.give_up_monitor();
        let summary = &mut self.summary;
        summary.exit = failure.kind().exit_code();
        let reached = summary.succeeded + summary.failed + summary.stopped + summary.done;
        summary.left = wanted.saturating_sub(reached);
        self.summary
    }

    fn end(&mut self) -> Result<(), Failure> {
        let succeeded = self.summary.succeeded;
        self.run.event_once("run-ended", json!(self.summary))?;
        settle::publish(self.cx, &self.keep, &self.run, None)?;
        self.run.close()?;
        if self.summary.exit == 0 && self.summary.done + succeeded == self.plan.steps.len() {
            prepare::mark_good(self.cx, &self.keep, self.run.id())?;
        }
        Ok(())
    }
}
