//! Waiting for an attempt in the foreground.
use std::time::Duration;

use super::lines::{Place, ran};
use super::telling::Telling;
use crate::commands::Context;
use crate::failure::{Failure, Kind};
use crate::fs::is_full;
use crate::run::{
    Attempt, AttemptDir, Follower, Interrupts, Run, Sampler, StopReason, Tick, inspect, log_size,
    stop,
};
use crate::ui::{clean, seconds, size};

/// How often the live line changes.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// What is waited for.
pub(super) struct Watched<'a> {
    pub(super) place: Place,
    pub(super) step: &'a str,
    /// How long it took the last time it worked.
    pub(super) last_s: Option<f64>,
    /// The run that it belongs to.
    pub(super) run: &'a Run,
}

/// Waits for the end of an attempt; a person who interrupts stops it, and twice, at once.
pub(super) fn watch(
    cx: &mut Context,
    mut follower: Follower,
    interrupts: &Interrupts,
    watched: &Watched<'_>,
) -> Result<Attempt, Failure> {
    let mut sampler = Sampler::new(cx.cwd());
    let (mut telling, dir) = (Telling::default(), follower.dir().clone());
    let began = began(&dir).unwrap_or_else(|| cx.world.clock.since_boot());
    let mut is_full = false;
    loop {
        match follower.wait(TICK, interrupts)? {
            Tick::Running => {
                let now = cx.world.clock.since_boot();
                sampler.tick(now, [follower.dir()].into_iter());
                telling.look(watched.run, &dir, now);
                let ran = ran(&dir, began, now);
                cx.ui.live(watched.line(&ran, log_size(&dir.log())?));
                warn_of_full_disk(cx, &follower, &mut is_full);
            }
            Tick::Interrupted => {
                let head = format!("{} {}", watched.place, clean(watched.step));
                cx.ui
                    .live(format!("{head}  stopping; Ctrl-C again ends it at once"));
                let hurry = || interrupts.came();
                stop(follower.dir(), StopReason::Asked, &cx.world.clock, hurry)?;
                return await_record(cx, follower, interrupts);
            }
            Tick::Over(attempt) => {
                telling.last_look(watched.run, &dir, cx.world.clock.since_boot());
                cx.ui.live_end();
                return Ok(*attempt);
            }
        }
    }
}

/// When the script of the attempt in `dir` began, since boot; none if it did not yet.
fn began(dir: &AttemptDir) -> Option<Duration> {
    let began = inspect(dir).ok()?.started_boot_s?;
    Duration::try_from_secs_f64(began).ok()
}

/// Waits until the end of an attempt whose processes have all gone is on record.
pub(in crate::commands) fn await_record(
    cx: &mut Context,
    mut follower: Follower,
    interrupts: &Interrupts,
) -> Result<Attempt, Failure> {
    let mut is_full = false;
    loop {
        match follower.wait(TICK, interrupts)? {
            Tick::Over(attempt) => {
                cx.ui.live_end();
                return Ok(*attempt);
            }
            Tick::Running => warn_of_full_disk(cx, &follower, &mut is_full),
            Tick::Interrupted => {
                let message = "interrupted before the end of the step was on record";
                return Err(Failure::text(Kind::Interrupted, message)
                    .hint("`buildkeep status` shows what became of it"));
            }
        }
    }
}

/// Says once that nothing can be recorded: the attempt goes on, and so do we.
pub(super) fn warn_of_full_disk(cx: &mut Context, follower: &Follower, was_full: &mut bool) {
    let place = follower.dir().path();
    if !*was_full && is_full(place) {
        *was_full = true;
        cx.ui.warn(format!(
            "no space left for {}: the step goes on, and the last MiB of its output is kept until \
             there is room",
            place.display()
        ));
    }
}

impl Watched<'_> {
    fn line(&self, ran: &str, log_bytes: u64) -> String {
        let usual = self
            .last_s
            .map(|last| format!(" of about {}", seconds(last)));
        format!(
            "{} {}  {ran}{}  {} of output",
            self.place,
            clean(self.step),
            usual.unwrap_or_default(),
            size(log_bytes)
        )
    }
}
