//! Halting a script and all that it started, and having them go on.
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::error::Doing as _;
use super::files::{load, save};
use super::guard::wait_for;
use super::process::ProcFile;
use super::tree::members;
use super::{AttemptDir, Cgroup, Error};
use crate::world::Clock;

/// How often processes that are started while we halt them are looked for.
const ROUNDS: u32 = 100;
/// How long a signal may take to be obeyed before the next look.
const POLL: Duration = Duration::from_millis(5);

/// The content of `pauses.json`: when an attempt did nothing because somebody wanted it so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Pauses {
    /// From when to when, in seconds since boot; the last one may go on.
    spells: Vec<(f64, Option<f64>)>,
}

impl Pauses {
    fn of(dir: &AttemptDir) -> Result<Self, Error> {
        Ok(load(&dir.pauses())?.unwrap_or_default())
    }

    fn is_open(&self) -> bool {
        matches!(self.spells.last(), Some((_, None)))
    }

    fn total_s(&self, now_s: f64) -> f64 {
        let length = |(from, to): &(f64, Option<f64>)| (to.unwrap_or(now_s) - from).max(0.0);
        self.spells.iter().map(length).sum()
    }
}

/// For how long the attempt in `dir` was paused by now; that counts for no timeout.
pub(super) fn paused_for(dir: &AttemptDir, clock: &Clock) -> Duration {
    paused_by(dir, clock.since_boot())
}

/// The same by `now`, since boot.
pub fn paused_by(dir: &AttemptDir, now: Duration) -> Duration {
    let pauses = Pauses::of(dir).unwrap_or_default();
    let total = pauses.total_s(now.as_secs_f64());
    Duration::try_from_secs_f64(total).unwrap_or_default()
}

/// Whether somebody wants the attempt in `dir` to do nothing.
pub fn is_paused(dir: &AttemptDir) -> bool {
    Pauses::of(dir).is_ok_and(|pauses| pauses.is_open())
}

/// Halts all processes of the attempt in `dir`; they keep their memory and their files.
///
/// The wish is on record before the first of them is halted.
pub fn pause(dir: &AttemptDir, clock: &Clock) -> Result<(), Error> {
    let mut pauses = Pauses::of(dir)?;
    if !pauses.is_open() {
        pauses.spells.push((clock.since_boot().as_secs_f64(), None));
        save(&dir.pauses(), &pauses)?;
    }
    // Until the last of them is halted, any may start others.
    for _ in 0..ROUNDS {
        if let Some(cgroup) = Cgroup::of(dir)? {
            return cgroup.freeze(true).doing("freeze the cgroup of the step");
        }
        let is_to_come = !dir.process().exists();
        if !signal(dir, Signal::STOP, |is_stopped| !is_stopped)? && !is_to_come {
            break;
        }
        wait_for(&mut [], Some(POLL));
    }
    Ok(())
}

/// Has the processes of the attempt in `dir` go on.
pub fn resume(dir: &AttemptDir, clock: &Clock) -> Result<(), Error> {
    let mut pauses = Pauses::of(dir)?;
    thaw(dir)?;
    // A halt that was not obeyed yet is taken back too, so all get the signal.
    signal(dir, Signal::CONT, |_| true)?;
    for _ in 0..ROUNDS {
        wait_for(&mut [], Some(POLL));
        if !signal(dir, Signal::CONT, |is_stopped| is_stopped)? {
            break;
        }
    }
    if pauses.is_open() {
        let now = clock.since_boot().as_secs_f64();
        if let Some((_, to)) = pauses.spells.last_mut() {
            *to = Some(now);
        }
        save(&dir.pauses(), &pauses)?;
    }
    Ok(())
}

/// Ends the freeze of the cgroup, if there is one: what is frozen receives no signal but the last.
pub(super) fn thaw(dir: &AttemptDir) -> Result<(), Error> {
    match Cgroup::of(dir)? {
        Some(cgroup) if cgroup.is_frozen() => cgroup.freeze(false).doing("thaw the step"),
        _ => Ok(()),
    }
}

/// Sends a signal to those members that need it; returns whether there were any.
fn signal(dir: &AttemptDir, signal: Signal, needs: impl Fn(bool) -> bool) -> Result<bool, Error> {
    let file: Option<ProcFile> = load(&dir.process())?;
    let members = members(dir, file.and_then(|file| file.process).as_ref())?;
    let mut any = false;
    for member in members
        .iter()
        .filter(|member| needs(member.stat.is_stopped()))
    {
        // One that is gone, or not ours to halt, shows at the next look.
        any |= pidfd_send_signal(&member.pidfd, signal).is_ok();
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_halted_is_summed_and_the_last_spell_may_go_on() {
        let pauses = Pauses {
            spells: vec![(10.0, Some(15.0)), (20.0, None)],
        };
        assert!(pauses.is_open());
        assert!((pauses.total_s(27.5) - 12.5).abs() < 1e-9);
        assert!((Pauses::default().total_s(5.0)).abs() < 1e-9);
    }

    #[test]
    fn an_attempt_that_was_never_halted_lost_no_time() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::new(chrono::Utc::now);
        let paused = paused_for(&AttemptDir::new(dir.path()), &clock);
        assert_eq!(paused, Duration::ZERO);
    }
}
