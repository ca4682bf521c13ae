//! The process that waits for the death of a monitor, and has another go on with its run.
//!
//! It is a child of the monitor and has its environment, which no file has.
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open, setsid};

use super::guard::{is_ready, readable, wait_for};
use super::helper::{Helper, Program};
use super::reaper::Children;
use super::{Error, Monitor, OVERRIDES};

/// How often to look whether the new monitor has taken the run.
const POLL: Duration = Duration::from_millis(50);
/// How often to look before the next one is tried.
const LOOKS: u32 = 200;
/// How long to wait before each try to start another.
const TRIES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// Waits until the monitor with this number has died. If its run is not over by then, and nobody
/// else looks after it, another monitor goes on with it.
pub(super) fn stand_by(run: &Path, monitor: i32) -> Result<(), Error> {
    // Fails only for the leader of a session, which is what we want to be.
    let _ = setsid();
    let _children = Children::watch()?;
    wait_for_death(monitor);
    for pause in TRIES {
        wait_for(&mut [], Some(pause));
        let Some(record) = Monitor::load(run)? else {
            return Ok(());
        };
        if record.is_over || record.is_alive() || record.dies_often() {
            return Ok(());
        }
        let started = Program::of_self().monitor(run, &record.cwd).spawn();
        if started.is_ok_and(|child| has_taken(run, child)) {
            return Ok(());
        }
    }
    Ok(())
}

fn wait_for_death(monitor: i32) {
    let Some(pid) = Pid::from_raw(monitor) else {
        return;
    };
    // The descriptor is opened before we look whose child we are, so it means no later process.
    if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty())
        && getppid() == Some(pid)
    {
        while !is_ready(&fd) {
            wait_for(&mut [readable(&fd)], None);
        }
    }
}

/// Waits until a new monitor looks after the run; false if it ended before.
fn has_taken(run: &Path, mut child: Child) -> bool {
    for _ in 0..LOOKS {
        if Monitor::load(run).is_ok_and(|record| record.is_none_or(|record| record.is_alive())) {
            return true;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        wait_for(&mut [], Some(POLL));
    }
    true
}

/// A standby that runs, as its monitor holds it.
#[derive(Debug)]
pub struct Standby {
    run: PathBuf,
    /// `-c` options, to be handed on.
    overrides: OsString,
    child: Option<Child>,
}

impl Standby {
    /// Has somebody stand by for this process, the monitor of the run in `run`.
    pub fn call(run: &Path, overrides: OsString) -> Self {
        let mut standby = Self {
            run: run.to_owned(),
            overrides,
            child: None,
        };
        standby.look();
        standby
    }

    /// Calls another if it died.
    pub fn look(&mut self) {
        let has_died = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if !self.child.as_mut().is_none_or(has_died) {
            return;
        }
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let mut command = Program::of_self().helper_in(&Helper::Standby(me), &self.run);
        command.env(OVERRIDES, &self.overrides);
        // Without it the run goes on all the same, until somebody kills us.
        self.child = command.spawn().ok();
    }
}
