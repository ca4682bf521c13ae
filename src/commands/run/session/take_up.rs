//! Going on with a run that another process began.
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::active::Active;
use super::super::choose::Wanted;
use super::super::lines::Place;
use super::super::schedule::Schedule;
use super::super::{checkpoint, settle};
use super::Session;
use crate::failure::Failure;
use crate::plan::Fingerprint;
use crate::run::{Attempt, AttemptState, Follower, Program};

impl Session<'_> {
    /// Takes up what the run led to so far: what ended is counted and, if need be, published; what
    /// runs is waited for.
    pub(super) fn take_up(
        &mut self,
        schedule: &mut Schedule,
        (wanted, scope): (&Wanted, &BTreeMap<usize, usize>),
    ) -> Result<Vec<Active>, Failure> {
        let mut active = Vec::new();
        let mut newest = None;
        for attempt in self.run.attempts()? {
            let steps = &self.plan.steps;
            let Some(at) = steps.iter().position(|step| step.id == attempt.spec.step) else {
                // The plan has changed meanwhile: what came of it is published with the rest.
                continue;
            };
            let parts = attempt.spec.fingerprint.clone();
            self.upstream
                .add(&attempt.spec.step, &Fingerprint { parts });
            let place = Place {
                at: scope.get(&at).copied().unwrap_or(1),
                of: scope.len(),
            };
            if attempt.is_closed {
                self.take_up_ended(schedule, (at, place), (&attempt, wanted))?;
                newest = Some(attempt);
            } else {
                schedule.start(at);
                active.push(self.take_up_running((at, place), &attempt));
            }
        }
        let built = newest.filter(|attempt| attempt.state == AttemptState::Succeeded);
        if let Some(attempt) = built.filter(|_| active.is_empty()) {
            checkpoint::make_up(self.cx, &self.keep, &self.plan, &attempt)?;
        }
        Ok(active)
    }

    fn take_up_ended(
        &mut self,
        schedule: &mut Schedule,
        (at, place): (usize, Place),
        (attempt, wanted): (&Attempt, &Wanted),
    ) -> Result<(), Failure> {
        let known = self.manifests.get(&attempt.spec.step);
        if known.is_none_or(|manifest| manifest.attempt != attempt.spec.attempt) {
            self.run.event_once("step-ended", settle::ended(attempt))?;
            self.ended(attempt, place)?;
        }
        if self.is_again(attempt) {
            return Ok(());
        }
        schedule.settle(at);
        let step = self.plan.steps[at].clone();
        self.after(&step, attempt, wanted);
        Ok(())
    }

    fn take_up_running(&self, at: (usize, Place), attempt: &Attempt) -> Active {
        let follower = Follower::new(&Program::of_self(), &attempt.dir, None);
        let now = self.cx.world.clock.since_boot();
        let began = attempt.started_boot_s.map(Duration::from_secs_f64);
        self.active(at, follower, began.unwrap_or(now))
    }
}
