//! Noticing that children end.
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, wait, waitid};

use super::Error;
use super::error::Doing as _;
use super::exit::Ending;
use super::raw::notice_children;

/// What is to be told about children at this moment.
pub(super) enum Reaped {
    /// One ended, and is gone now.
    One(i32, Ending),
    /// All that there are still run.
    NoMore,
    /// There are none.
    NoChildren,
}

/// The children of this process, orphans that it adopted included.
pub(super) struct Children {
    signals: SignalFd,
}

impl Children {
    /// Blocks every signal that can be blocked, and has the end of children noticed instead.
    ///
    /// What is spawned later inherits that: whoever becomes the script unblocks them.
    pub(super) fn watch() -> Result<Self, Error> {
        notice_children();
        SigSet::all().thread_block().doing("block signals")?;
        let children = SigSet::from(Signal::SIGCHLD);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&children, flags).doing("watch for children")?;
        Ok(Self { signals })
    }

    /// Forgets what was noticed, before looking.
    pub(super) fn clear(&self) {
        while matches!(self.signals.read_signal(), Ok(Some(_))) {}
    }
}

impl AsFd for Children {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

/// Takes the status of one child that ended.
pub(super) fn reap() -> Reaped {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                let ending = Ending::from_wait_status(status.as_raw());
                return Reaped::One(pid.as_raw_nonzero().get(), ending);
            }
            Ok(None) => return Reaped::NoMore,
            Err(Errno::INTR) => {}
            Err(_) => return Reaped::NoChildren,
        }
    }
}

/// Looks how a child ended and leaves it there, so that its status outlives us.
pub(super) fn peek(pid: i32) -> Option<Ending> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(Pid::from_raw(pid)?), options).ok()??;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Ending::Code(code & 0xff)),
        (None, Some(signal)) => Some(Ending::Signal(signal)),
        (None, None) => None,
    }
}
