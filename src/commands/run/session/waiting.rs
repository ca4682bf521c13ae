//! What a run waits for: ends of steps, people, memory, room on the disk.
use std::time::Duration;

use serde_json::json;

use super::super::active::{Active, line, stop_all};
use super::super::room::{self, Waited};
use super::super::watch::{TICK, warn_of_full_disk};
use super::Session;
use crate::failure::{Failure, Kind};
use crate::run::{Interrupt, is_paused, shortage, wait_any};

impl Session<'_> {
    /// Waits if the failure came of a keep that cannot be written for now.
    pub(super) fn wait_for_room(
        &mut self,
        failure: Failure,
        active: &[Active],
    ) -> Result<(), Failure> {
        match room::wait(self.cx, &self.keep, &self.interrupts) {
            Some(Waited::Writable) => Ok(()),
            None => Err(failure),
            Some(Waited::Interrupted) => {
                stop_all(active, &self.interrupts, &self.cx.world.clock)?;
                Err(failure)
            }
        }
    }

    /// Says once why the end of a step does not get on record. Some file systems keep blocks for
    /// themselves, so what they say of their room is not enough.
    fn warn_of_what_is_not_recorded(&mut self, active: &[Active], now: Duration) {
        let is_ending = active.iter().any(|active| active.follower.is_ending());
        let since = *self.ending_since.get_or_insert(now);
        if !is_ending {
            self.ending_since = None;
        } else if !self.is_full && now.saturating_sub(since) > TICK {
            self.is_full = room::warn(self.cx, &self.keep).is_some();
        }
    }

    /// Whether there is too little of something for another step; said once.
    pub(super) fn is_short(&mut self, at: usize, active: &[Active]) -> Result<bool, Failure> {
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
    pub(super) fn memory_of(&self, step: &str) -> u64 {
        let manifest = self.manifests.get(step);
        manifest
            .and_then(|manifest| manifest.max_rss_bytes)
            .unwrap_or(0)
    }

    /// Waits until something may have ended; a person who interrupts stops all that runs.
    pub(super) fn wait(&mut self, active: &mut [Active]) -> Result<(), Failure> {
        let followers: Vec<_> = active
            .iter_mut()
            .map(|active| &mut active.follower)
            .collect();
        wait_any(&followers, TICK, &self.interrupts);
        let now = self.cx.world.clock.since_boot();
        let dirs = active.iter().map(|active| active.follower.dir());
        self.sampler.tick(now, dirs);
        for active in active.iter_mut() {
            let dir = active.follower.dir();
            self.telling.look(&self.run, dir, now);
            active.part = self.telling.newest(dir);
        }
        let what = line(active, now, self.waiting);
        let is_told = active.iter().any(|active| is_paused(active.follower.dir()));
        self.cx.ui.live(if self.is_halted && !is_told {
            format!("paused (`buildkeep resume`)  {what}")
        } else {
            what
        });
        self.warn_of_what_is_not_recorded(active, now);
        for active in active.iter() {
            warn_of_full_disk(self.cx, &active.follower, &mut self.is_full);
        }
        self.post.look(now);
        self.leaving
            .retain_mut(|keeper| matches!(keeper.try_wait(), Ok(None)));
        if !self.was_interrupted() {
            return Ok(());
        }
        if self.is_stopping {
            let message = "interrupted before the end of the step was on record";
            return Err(Failure::text(Kind::Interrupted, message)
                .hint("`buildkeep status` shows what became of it"));
        }
        (self.is_stopping, self.is_enough) = (true, true);
        if active.is_empty() {
            self.summary.exit = 130;
        }
        let what = line(active, now, None);
        self.cx
            .ui
            .live(format!("{what}  stopping; Ctrl-C again ends it at once"));
        stop_all(active, &self.interrupts, &self.cx.world.clock)
    }

    /// Whether somebody wants the run to end. That the terminal is gone is no such wish.
    pub(super) fn was_interrupted(&mut self) -> bool {
        match self.interrupts.next() {
            Some(Interrupt::Stop) => true,
            Some(Interrupt::HangUp) => {
                self.is_leaving |= !self.post.is_background();
                false
            }
            None => false,
        }
    }
}
