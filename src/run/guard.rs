//! The loop of whoever keeps the log of an attempt.
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::duty::{Duty, noted_ending};
use super::error::Doing as _;
use super::exit::{Ending, Unknown, Usage};
use super::helper::{Helper, Program};
use super::log::LogWriter;
use super::pause::paused_for;
use super::process::Stat;
use super::raw::exit_status_of;
use super::reaper::{Children, Reaped, reap};
use super::tty::Tty;
use super::{Cgroup, Error, StopReason, left};
use crate::fs::PathError;

/// How long output of processes that outlive the script still belongs to the attempt.
const LEFTOVERS: Duration = Duration::from_secs(2);
/// How soon to try again what the disk refused.
const RETRY: Duration = Duration::from_millis(200);
/// How late at most, if it refuses again and again.
const RARELY: Duration = Duration::from_secs(5);
/// Whoever comes back so much later than wanted did not run meanwhile.
const OVERSLEPT: Duration = Duration::from_secs(2);
/// How often to look for what another process is about to write.
const SOON: Duration = Duration::from_millis(5);
/// How often the script is started by us when its starter died before it began.
const LAUNCHES: u32 = 3;
/// How often to ask how a process ended that somebody else has to reap.
const ASKS: u32 = 400;

/// Where the end of the script will show.
pub(super) enum Watch {
    /// The shim waits for it.
    Shim(i32),
    /// The shim is gone; the script is our child, or will be, or never was.
    Orphan,
    /// It is a child of somebody else: its number, and its pidfd.
    Stranger(i32, OwnedFd),
    /// It ended so.
    Known(Ending, Option<Usage>),
    /// It is on record.
    Nothing,
}

/// One process in charge of the log of an attempt, and its second line of defence.
pub(super) struct Guard {
    duty: Duty,
    children: Children,
    fifo: OwnedFd,
    /// The script's terminal, if it has one.
    tty: Option<Tty>,
    log: LogWriter,
    watch: Watch,
    /// The number of the script, once it is known.
    script: Option<i32>,
    launches: u32,
    asks: u32,
    /// For how long nothing of us ran, as far as we noticed: the machine or all of us were halted.
    halted: Duration,
    /// So many tries in a row did not succeed.
    failures: u32,
    recorded_at: Option<Duration>,
    is_over: bool,
    is_late: bool,
    /// The folder was deleted: there is only output left to take, so that the script never waits.
    is_gone: bool,
}

impl Guard {
    pub(super) fn new(
        duty: Duty,
        children: Children,
        fifo: OwnedFd,
        tty: Option<Tty>,
    ) -> Result<Self, PathError> {
        let log = LogWriter::open(&duty.dir.log())?;
        Ok(Self {
            duty,
            children,
            fifo,
            tty,
            log,
            watch: Watch::Nothing,
            script: None,
            launches: 0,
            asks: 0,
            halted: Duration::ZERO,
            failures: 0,
            recorded_at: None,
            is_over: false,
            is_late: false,
            is_gone: false,
        })
    }

    /// The attempt that is guarded.
    pub(super) fn duty(&mut self) -> &mut Duty {
        &mut self.duty
    }

    /// Stays until the attempt is over and nothing of it runs.
    ///
    /// What fails here is the disk, and is tried again: whatever happens, the script goes on and its
    /// output is drained.
    pub(super) fn stay(mut self, watch: Watch) {
        self.watch = watch;
        loop {
            self.wait_noticing();
            self.drain();
            let has_children = self.reap();
            let done = self
                .look(has_children)
                .and_then(|()| self.record())
                .and_then(|()| self.finish(has_children));
            self.failures = match &done {
                Ok(()) if !self.log.is_behind() => 0,
                _ => self.failures.saturating_add(1),
            };
            let is_finished = done.is_ok() && self.is_over;
            self.is_gone = !is_finished && self.duty.is_gone();
            if !has_children && (is_finished || self.is_gone && !self.has_stranger()) {
                self.leave();
                return;
            }
            self.stop_if_late();
        }
    }

    /// Removes the cgroup, unless something still runs in it.
    fn leave(&self) {
        if let Some(cgroup) = self.cgroup() {
            cgroup.remove();
        }
    }

    fn cgroup(&self) -> Option<Cgroup> {
        Cgroup::of(&self.duty.dir).ok().flatten()
    }

    fn drain(&mut self) {
        let now = self.duty.clock.now().timestamp_millis();
        let (log, fifo) = (&mut self.log, &self.fifo);
        if let Some(tty) = &self.tty {
            tty.pump(fifo, || log.drain(fifo, now));
        }
        log.drain(fifo, now);
    }

    /// Takes what the terminal has not passed on yet.
    fn drain_terminal(&mut self) {
        let now = self.duty.clock.now().timestamp_millis();
        let (log, fifo) = (&mut self.log, &self.fifo);
        if let Some(tty) = &self.tty {
            tty.finish(fifo, || log.drain(fifo, now));
        }
    }

    /// Waits, and notices if that took longer than it may: a machine that slept, or processes that
    /// were all halted, are no script that takes too long.
    fn wait_noticing(&mut self) {
        let patience = self.patience();
        let before = self.duty.clock.since_boot();
        self.wait(patience);
        let took = self.duty.clock.since_boot().saturating_sub(before);
        let over = patience.map_or(Duration::ZERO, |patience| took.saturating_sub(patience));
        if over > OVERSLEPT {
            self.halted += over;
        }
    }

    /// Waits for output, for the end of a child or of the script, or for the time of the next try.
    fn wait(&self, patience: Option<Duration>) {
        let (fifo, children) = (readable(&self.fifo), readable(&self.children));
        match &self.watch {
            Watch::Stranger(_, fd) if self.asks == 0 => {
                let tty = self.tty.as_ref().map(readable);
                let mut fds = vec![fifo, children, readable(fd)];
                fds.extend(tty);
                wait_for(&mut fds, patience);
            }
            _ => match &self.tty {
                Some(tty) => wait_for(&mut [fifo, children, readable(tty)], patience),
                None => wait_for(&mut [fifo, children], patience),
            },
        }
    }

    fn patience(&self) -> Option<Duration> {
        let is_ending = self.recorded_at.is_some() && !self.is_over;
        match &self.watch {
            _ if self.is_gone => None,
            _ if self.failures > 0 => {
                let left = self.time_left().unwrap_or(RARELY).max(RETRY);
                Some(retry_after(self.failures).min(left))
            }
            Watch::Orphan if self.script.is_none() => Some(SOON),
            Watch::Stranger(..) if self.asks > 0 => Some(SOON),
            Watch::Known(..) if self.asks > 0 => Some(RETRY),
            Watch::Known(..) => Some(Duration::ZERO),
            Watch::Nothing if self.recorded_at.is_none() => Some(Duration::ZERO),
            _ if is_ending => Some(RETRY / 4),
            _ => self.time_left().map(|left| left.clamp(RETRY, RARELY)),
        }
    }

    /// Whether a script that is not our child still runs.
    fn has_stranger(&self) -> bool {
        matches!(&self.watch, Watch::Stranger(_, fd) if !is_ready(fd))
    }

    /// Takes the status of children that ended; returns whether any are left.
    fn reap(&mut self) -> bool {
        self.children.clear();
        loop {
            let (pid, ending) = match reap() {
                Reaped::One(pid, ending) => (pid, ending),
                Reaped::NoMore => return true,
                Reaped::NoChildren => return false,
            };
            if matches!(self.watch, Watch::Shim(shim) if shim == pid) {
                self.watch = Watch::Orphan;
            } else if self.is_script(pid) {
                self.watch = Watch::Known(ending, Usage::of_children());
            }
        }
    }

    fn is_script(&mut self, pid: i32) -> bool {
        if self.script.is_none() {
            let file = self.duty.process().ok().flatten();
            self.script = file.and_then(|file| Some(file.process?.pid));
        }
        self.script == Some(pid)
    }

    fn look(&mut self, has_children: bool) -> Result<(), Error> {
        match self.watch {
            Watch::Orphan => self.look_for_orphan(has_children),
            Watch::Stranger(..) => {
                self.look_at_stranger();
                Ok(())
            }
            Watch::Shim(_) | Watch::Known(..) | Watch::Nothing => Ok(()),
        }
    }

    /// The shim is gone. Either it was done; or it died after it noted the end, or while the script
    /// ran, which makes the script our child; or before the script was started.
    fn look_for_orphan(&mut self, has_children: bool) -> Result<(), Error> {
        if self.duty.dir.exit().exists() {
            self.watch = Watch::Nothing;
            return Ok(());
        }
        if let Some(ending) = noted_ending(&self.duty.dir)? {
            self.watch = Watch::Known(ending, Usage::of_children());
            return Ok(());
        }
        let file = self.duty.process()?;
        if has_children {
            self.script = file.and_then(|file| Some(file.process?.pid));
            return Ok(());
        }
        match file {
            Some(file) => {
                let unknown = match file.process {
                    Some(_) => Unknown::Lost,
                    None => Unknown::NeverStarted,
                };
                self.watch = Watch::Known(Ending::Unknown(unknown), None);
            }
            None if self.launches < LAUNCHES => self.launch()?,
            None => drop(self.duty.give_up()?),
        }
        Ok(())
    }

    /// Starts the script: nothing of ours lives that could have, and the record that a process makes
    /// of itself before it becomes the script is not there.
    fn launch(&mut self) -> Result<(), Error> {
        self.launches += 1;
        let mut launcher = Program::of_self().helper(&Helper::Launch, &self.duty.dir);
        if let Some(tty) = &self.tty {
            launcher.stdout(tty.share()?);
        }
        launcher.spawn().map(drop).doing("start the script")
    }

    /// Asks how a script ended that is not our child: of its zombie, while there is one, and of the
    /// kernel, once somebody reaped it.
    fn look_at_stranger(&mut self) {
        let Watch::Stranger(pid, fd) = &self.watch else {
            return;
        };
        if self.asks == 0 && !is_ready(fd) {
            return;
        }
        self.asks += 1;
        let told = exit_status_of(fd.as_fd()).or_else(|| {
            let stat = Stat::of(*pid).ok()??;
            stat.exit_status.filter(|_| stat.is_zombie())
        });
        match told {
            Some(status) => self.watch = Watch::Known(Ending::from_wait_status(status), None),
            None if self.asks > ASKS => {
                self.watch = Watch::Known(Ending::Unknown(Unknown::Lost), None);
            }
            None => {}
        }
    }

    /// Puts the end on record; tried again until the disk takes it.
    fn record(&mut self) -> Result<(), Error> {
        if let Watch::Known(ending, usage) = self.watch {
            self.asks += 1;
            self.duty.record(ending, usage)?;
            self.watch = Watch::Nothing;
        }
        if matches!(self.watch, Watch::Nothing) && self.recorded_at.is_none() {
            self.recorded_at = Some(self.duty.clock.since_boot());
        }
        Ok(())
    }

    /// Says that the attempt is over, once the log has what came from it.
    fn finish(&mut self, has_children: bool) -> Result<(), Error> {
        let Some(recorded_at) = self.recorded_at.filter(|_| !self.is_over) else {
            return Ok(());
        };
        let waited = self.duty.clock.since_boot().saturating_sub(recorded_at);
        let cgroup = self.cgroup();
        let lives = has_children || cgroup.is_some_and(|cgroup| cgroup.is_populated());
        if lives && waited < LEFTOVERS {
            return Ok(());
        }
        if lives {
            left::note(&self.duty.dir)?;
        }
        self.drain_terminal();
        self.drain();
        if self.log.is_behind() {
            return Ok(());
        }
        // A log that cannot be synced is still the log.
        let _ = self.log.sync();
        self.duty.ended(self.log.size())?;
        self.is_over = true;
        Ok(())
    }

    /// How long the script may still take; nothing if it has ended, or need not end.
    fn time_left(&self) -> Option<Duration> {
        let has_ended = matches!(self.watch, Watch::Known(..) | Watch::Nothing);
        let is_limited = !has_ended && !self.is_late;
        let timeout = self.duty.spec.timeout_s.filter(|_| is_limited)?;
        let file = match self.duty.process() {
            Ok(Some(file)) => file,
            Ok(None) => return Some(RETRY),
            Err(_) => return Some(RARELY),
        };
        let paused = paused_for(&self.duty.dir, &self.duty.clock);
        let started = Duration::from_secs_f64(file.started_boot_s?);
        let deadline = started + Duration::from_secs(timeout) + paused + self.halted;
        Some(deadline.saturating_sub(self.duty.clock.since_boot()))
    }

    /// Has the script stopped once it took longer than it may.
    fn stop_if_late(&mut self) {
        if self.time_left() == Some(Duration::ZERO) {
            let stop = Helper::Stop(StopReason::Timeout);
            self.is_late = Program::of_self().spawn(&stop, &self.duty.dir).is_ok();
        }
    }
}

/// When to try again after so many failures in a row.
pub(super) fn retry_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(8);
    (RETRY * 2_u32.pow(doublings)).min(RARELY)
}

/// To be waited for until it can be read.
pub(super) fn readable<Fd: AsFd>(fd: &Fd) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::IN)
}

/// Waits until one of `fds` is ready, or for `patience`.
pub(super) fn wait_for(fds: &mut [PollFd<'_>], patience: Option<Duration>) {
    let timeout = patience.and_then(|time| Timespec::try_from(time).ok());
    // A failure only means to look earlier than needed.
    let _ = poll(fds, timeout.as_ref());
}

/// Whether `fd` can be read now.
pub(super) fn is_ready<Fd: AsFd>(fd: &Fd) -> bool {
    poll(&mut [readable(fd)], Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_tried_less_and_less_often() {
        let pauses: Vec<u128> = (1..=7).map(|n| retry_after(n).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(retry_after(u32::MAX), RARELY);
    }
}
