//! Waiting for an attempt in the foreground.
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::error::Doing as _;
use super::guard::{is_ready, readable, wait_for};
use super::helper::Program;
use super::keeper::open_fifo;
use super::{Attempt, AttemptDir, Error, Identity, adopt, inspect};
use crate::fs::read;

/// How long a look may be late when there is no process to wait for.
const POLL: Duration = Duration::from_millis(50);
/// How many keepers are started for one attempt before we give up.
const ADOPTIONS: u32 = 20;

/// What waiting for an attempt led to.
#[derive(Debug)]
pub enum Tick {
    /// It goes on.
    Running,
    /// It is over; its log is complete.
    Over(Box<Attempt>),
    /// Somebody wants us to end.
    Interrupted,
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// A person or the system asks us to end.
    Stop,
    /// The terminal is gone.
    HangUp,
}

/// The signals by which a person or the system asks us to end, received instead of obeyed.
pub struct Interrupts(SignalFd);

impl Interrupts {
    /// Receives `SIGINT` and `SIGTERM` from now on; threads that exist already do not take part.
    pub fn watch() -> Result<Self, Error> {
        Self::of(&[Signal::SIGINT, Signal::SIGTERM])
    }

    /// Receives `SIGHUP` as well, unless it is ignored, as under `nohup`.
    pub fn watch_terminal() -> Result<Self, Error> {
        if ignores_hangup() {
            return Self::watch();
        }
        Self::of(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])
    }

    fn of(signals: &[Signal]) -> Result<Self, Error> {
        let signals: SigSet = signals.iter().copied().collect();
        signals.thread_block().doing("block signals")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let fd = SignalFd::with_flags(&signals, flags).doing("watch for signals")?;
        Ok(Self(fd))
    }

    /// Whether somebody asked us to end since the last look.
    pub fn came(&self) -> bool {
        self.next() == Some(Interrupt::Stop)
    }

    /// What came since the last look.
    pub fn next(&self) -> Option<Interrupt> {
        let info = self.0.read_signal().ok()??;
        let is_hangup = info.ssi_signo == Signal::SIGHUP as u32;
        Some(if is_hangup {
            Interrupt::HangUp
        } else {
            Interrupt::Stop
        })
    }

    /// Waits for one, but no longer than `time`.
    pub fn wait(&self, time: Duration) {
        wait_for(&mut [readable(&self.0)], Some(time));
    }
}

/// Whether `SIGHUP` is ignored: the lowest bit of `SigIgn`.
fn ignores_hangup() -> bool {
    let status = read(Path::new("/proc/self/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Waits for one attempt, and sees to it that somebody is in charge.
#[derive(Debug)]
pub struct Follower {
    program: Program,
    dir: AttemptDir,
    keeper: Option<Child>,
    adoptions: u32,
    is_ending: bool,
    /// Held so that output waits for a reader even if all others die, the script included.
    _fifo: Option<OwnedFd>,
    /// Held so that the system remembers how the script ended, and handed to who adopts it.
    script: Option<OwnedFd>,
}

impl Follower {
    /// Follows the attempt in `dir`, whose keeper may be a child of ours.
    pub fn new(program: &Program, dir: &AttemptDir, keeper: Option<Child>) -> Self {
        Self {
            program: program.clone(),
            dir: dir.clone(),
            keeper,
            adoptions: 0,
            is_ending: false,
            _fifo: open_fifo(dir).ok(),
            script: None,
        }
    }

    /// The attempt.
    pub fn dir(&self) -> &AttemptDir {
        &self.dir
    }

    /// Whether the script has ended, but its end is not on record yet.
    pub fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Gives the keeper away if it is our child: whoever has it waits for its end.
    pub fn take_keeper(&mut self) -> Option<Child> {
        self.keeper.take()
    }

    /// Waits for the end of the attempt, but no longer than `time`.
    pub fn wait(&mut self, time: Duration, interrupts: &Interrupts) -> Result<Tick, Error> {
        if let Some(attempt) = self.look()? {
            return Ok(Tick::Over(attempt));
        }
        if interrupts.came() {
            return Ok(Tick::Interrupted);
        }
        wait_any(&[self], time, interrupts);
        Ok(Tick::Running)
    }

    /// Looks after the attempt, without waiting; returns it once it is over.
    pub fn look(&mut self) -> Result<Option<Box<Attempt>>, Error> {
        let attempt = inspect(&self.dir).map_err(|error| self.reason_of(error))?;
        if attempt.is_closed {
            return Ok(Some(Box::new(attempt)));
        }
        self.reap();
        if self.script.is_none() {
            self.script = attempt.process.as_ref().and_then(Identity::open);
        }
        // Nothing to open means that somebody reaped it before we came.
        self.is_ending = attempt.process.is_some() && self.script.as_ref().is_none_or(is_ready);
        if !attempt.is_guarded && self.keeper.is_none() {
            self.adopt()?;
        }
        Ok(None)
    }

    /// Without its folder an attempt cannot be told of.
    fn reason_of(&self, error: Error) -> Error {
        let path = self.dir.path();
        if path.exists() {
            return error;
        }
        Error::Deleted {
            path: path.to_owned(),
        }
    }

    /// What ends when the attempt does: the keeper if it is our child, else the script; nothing if
    /// that is over.
    fn end(&self) -> Option<OwnedFd> {
        if let Some(keeper) = &self.keeper {
            return pidfd_open(Pid::from_raw(keeper.id() as i32)?, PidfdFlags::empty()).ok();
        }
        let script = self.script.as_ref().filter(|script| !is_ready(script))?;
        script.try_clone().ok()
    }

    fn reap(&mut self) {
        let ended = |keeper: &mut Child| !matches!(keeper.try_wait(), Ok(None));
        if self.keeper.as_mut().is_some_and(ended) {
            self.keeper = None;
        }
    }

    fn adopt(&mut self) -> Result<(), Error> {
        self.adoptions += 1;
        if self.adoptions > ADOPTIONS {
            return Err(Error::HelperDied {
                path: self.dir.path().to_owned(),
            });
        }
        let script = self.script.as_ref().and_then(|fd| fd.try_clone().ok());
        self.keeper = Some(adopt(&self.program, &self.dir, script)?);
        Ok(())
    }
}

/// Waits until one of the attempts may have ended or a signal came, but no longer than `time`.
pub fn wait_any(followers: &[&mut Follower], time: Duration, interrupts: &Interrupts) {
    let ends: Vec<_> = followers.iter().map(|follower| follower.end()).collect();
    let is_seen = ends.iter().all(Option::is_some);
    let mut fds: Vec<_> = ends.iter().flatten().map(readable).collect();
    fds.push(readable(&interrupts.0));
    wait_for(&mut fds, Some(if is_seen { time } else { time.min(POLL) }));
}
