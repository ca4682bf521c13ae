//! Steps that run at the same time.
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::lines::{Place, ran};
use crate::failure::Failure;
use crate::plan::Step;
use crate::run::{
    AttemptDir, Follower, Interrupts, Shortage, StopReason, inspect, living, log_size, stop,
};
use crate::ui::{clean, clean_line, seconds, size};
use crate::world::Clock;

/// How often to look whether all have stopped.
const POLL: Duration = Duration::from_millis(50);
/// So many running steps are named in the live line.
const NAMED: usize = 3;

/// A step that runs.
pub(super) struct Active {
    /// Its position in the plan.
    pub(super) at: usize,
    pub(super) step: Step,
    pub(super) place: Place,
    pub(super) follower: Follower,
    /// When it began, since boot.
    pub(super) began: Duration,
    /// How long it took the last time it worked.
    pub(super) last_s: Option<f64>,
    /// The memory that it is known to take, in bytes.
    pub(super) memory: u64,
    /// What its script says that it does.
    pub(super) part: Option<String>,
}

impl Active {
    /// Memory that it may still take, going by what it took before.
    pub(super) fn still_to_take(&self) -> u64 {
        let now = inspect(self.follower.dir()).and_then(|attempt| living(&attempt));
        self.memory
            .saturating_sub(now.map_or(0, |living| living.rss_bytes))
    }

    fn is_of(&self, now: Duration) -> String {
        let took = ran(self.follower.dir(), self.began, now);
        let part = self.part.as_deref().map(clean_line);
        let part = part.map_or_else(String::new, |part| format!(", {part}"));
        match self.last_s {
            Some(last) => format!("{took} of about {}{part}", seconds(last)),
            None => format!("{took}{part}"),
        }
    }
}

/// What runs, in a line.
pub(super) fn line(active: &[Active], now: Duration, waiting: Option<Shortage>) -> String {
    let mut line = match active {
        [only] => format!(
            "{} {}  {}  {} of output",
            only.place,
            clean(&only.step.id),
            only.is_of(now),
            size(log_size(&only.follower.dir().log()).unwrap_or(0))
        ),
        many => {
            let one = |active: &Active| {
                format!(
                    "{} {} {}",
                    active.place,
                    clean(&active.step.id),
                    active.is_of(now)
                )
            };
            let named: Vec<_> = many.iter().take(NAMED).map(one).collect();
            named.join("  ")
        }
    };
    if let more @ 1.. = active.len().saturating_sub(NAMED) {
        let _ = write!(line, "  and {more} more");
    }
    if let Some(shortage) = waiting {
        let _ = write!(line, "  the next one waits for {shortage}");
    }
    line
}

/// Stops all that runs, at the same time; another interrupt ends them at once.
pub(super) fn stop_all(
    active: &[Active],
    interrupts: &Interrupts,
    clock: &Clock,
) -> Result<(), Failure> {
    let is_in_hurry = AtomicBool::new(false);
    let hurry = || is_in_hurry.load(Ordering::Relaxed);
    let end = |dir: &AttemptDir| stop(dir, StopReason::Asked, clock, hurry);
    let results: Vec<_> = thread::scope(|scope| {
        let (mut workers, mut alone) = (Vec::new(), Vec::new());
        for active in active {
            let dir = active.follower.dir();
            match thread::Builder::new().spawn_scoped(scope, move || end(dir)) {
                Ok(worker) => workers.push(worker),
                Err(_) => alone.push(dir),
            }
        }
        // Where there may be no more threads, they end one after the other.
        let mut results: Vec<_> = alone.into_iter().map(|dir| Ok(end(dir))).collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            if interrupts.came() {
                is_in_hurry.store(true, Ordering::Relaxed);
            }
            thread::sleep(POLL);
        }
        results.extend(workers.into_iter().map(thread::ScopedJoinHandle::join));
        results
    });
    for result in results {
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    }
    Ok(())
}
