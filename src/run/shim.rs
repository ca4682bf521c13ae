//! The process that starts the script and waits for it.
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, WaitOptions, getpid, getppid, pidfd_open, set_child_subreaper, setsid, waitpid,
};
use serde_json::json;

use super::duty::Duty;
use super::error::Doing as _;
use super::exit::{Ending, Unknown};
use super::guard::{Guard, Watch, is_ready, readable, retry_after, wait_for};
use super::helper::{Helper, Program};
use super::keeper::open_fifo;
use super::reaper::{Children, peek};
use super::tty::Tty;
use super::{AttemptDir, Error, Usage};
use crate::world::Clock;

/// How often to look whether the keeper has the rest of the output.
const SOON: Duration = Duration::from_millis(2);

/// Starts the script of the attempt in `dir`, and stays until its end is on record and its output
/// in the log. The lock of the attempt is our standard input; the script's terminal, if it is to have
/// one, our standard output.
pub(super) fn run(dir: AttemptDir, clock: &Clock, keeper: i32) -> Result<(), Error> {
    // Fails only for the leader of a session, which is what we want to be.
    let _ = setsid();
    let children = Children::watch()?;
    let fifo = open_fifo(&dir)?;
    let mut duty = Duty::new(dir, clock.clone(), "shim")?;
    let tty = duty.spec.sandbox.tty.then(Tty::of_stdout).transpose()?;
    let script = Program::of_self()
        .helper(&Helper::Launch, &duty.dir)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .spawn()
        .doing("start the script")?;
    let script = script.id() as i32;
    // The record of the process itself is what counts; this line is for the story.
    let _ = duty.event("started", json!({ "pid": script }));
    let shim = Shim {
        keeper: watch_keeper(keeper),
        duty,
        children,
        fifo,
        tty,
        script,
        noted: None,
        usage: None,
    };
    shim.stay()
}

/// The keeper's pidfd, unless it is gone already and somebody else is our parent.
fn watch_keeper(keeper: i32) -> Option<OwnedFd> {
    let keeper = Pid::from_raw(keeper)?;
    let fd = pidfd_open(keeper, PidfdFlags::empty()).ok()?;
    (getppid() == Some(keeper)).then_some(fd)
}

struct Shim {
    duty: Duty,
    children: Children,
    fifo: OwnedFd,
    tty: Option<Tty>,
    keeper: Option<OwnedFd>,
    script: i32,
    noted: Option<Ending>,
    usage: Option<Usage>,
}

impl Shim {
    fn stay(mut self) -> Result<(), Error> {
        let mut patience = None;
        let mut is_settled = false;
        let mut failures = 0;
        loop {
            let Some(keeper) = self.keeper.as_ref().filter(|keeper| !is_ready(keeper)) else {
                return self.take_over();
            };
            if is_settled && !is_ready(&self.fifo) && !self.tty.as_ref().is_some_and(is_ready) {
                return Ok(());
            }
            wait_for(&mut [readable(&self.children), readable(keeper)], patience);
            self.children.clear();
            if let Some(ending) = self.noted.or_else(|| peek(self.script)) {
                is_settled = self.settle(ending).is_ok();
                if !is_settled && self.duty.is_gone() {
                    return Ok(());
                }
                failures += u32::from(!is_settled);
                patience = Some(if is_settled {
                    SOON
                } else {
                    retry_after(failures)
                });
            }
        }
    }

    /// Notes the end before the system forgets it, then puts it on record; may be tried again.
    fn settle(&mut self, ending: Ending) -> Result<(), Error> {
        let ending = match self.noted {
            Some(ending) => ending,
            None => self.note(ending)?,
        };
        if self.usage.is_none() {
            let script = Pid::from_raw(self.script);
            // It has ended, so this neither waits nor fails.
            let _ = waitpid(script, WaitOptions::NOHANG);
            self.usage = Usage::of_children();
        }
        self.duty.record(ending, self.usage)
    }

    fn note(&mut self, ending: Ending) -> Result<Ending, Error> {
        if self.duty.process()?.is_none() {
            self.duty.give_up()?;
        }
        let was_started = self
            .duty
            .process()?
            .is_some_and(|file| file.process.is_some());
        let ending = if was_started {
            ending
        } else {
            Ending::Unknown(Unknown::NeverStarted)
        };
        self.duty.exited(ending)?;
        self.noted = Some(ending);
        Ok(ending)
    }

    /// Does the keeper's work from here on.
    fn take_over(mut self) -> Result<(), Error> {
        set_child_subreaper(Some(getpid())).doing("adopt orphans")?;
        // The event only tells the story.
        let _ = self.duty.taken_over();
        let watch = match self.noted {
            Some(ending) => Watch::Known(ending, self.usage),
            None => Watch::Orphan,
        };
        Guard::new(self.duty, self.children, self.fifo, self.tty)?.stay(watch);
        Ok(())
    }
}
