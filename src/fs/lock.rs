//! One kernel lock around every write.
//!
//! A `flock` dies with its holder, so it can never be stale. Who holds it is written into the file,
//! for the message to the one who waits; that note is information, never a decision.
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{AtPath as _, PathError, read_optional};

/// How often a waiter looks again.
const POLL: Duration = Duration::from_millis(10);

/// Who holds a lock, as it told us.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// What it was asked to do.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl Holder {
    /// Whether somebody stopped it, with Ctrl-Z, say: then it will never be done by itself.
    pub fn is_stopped(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
        let status = status.unwrap_or_default();
        let after_name = status.rsplit(") ").next().unwrap_or_default();
        after_name.starts_with(['T', 't'])
    }
}

/// Why a lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it, and kept it for as long as we wanted to wait.
    #[error("{} is in use{}", path.display(), holder.as_ref().map(|h| format!(" by process {} (`{}`, since {})", h.pid, h.command, h.since)).unwrap_or_default())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// The holder, if it left a note.
        holder: Option<Holder>,
    },
    /// The file could not be opened or locked.
    #[error(transparent)]
    Io(#[from] PathError),
}

/// An exclusive lock, held until dropped.
#[must_use = "the lock is released when dropped"]
#[derive(Debug)]
pub struct Lock {
    file: File,
    was_left: bool,
}

impl Lock {
    /// Takes the lock at `path`, waiting up to `patience` for its holder.
    pub fn acquire(path: &Path, me: &Holder, patience: Duration) -> Result<Self, LockError> {
        let file = open(path)?;
        let deadline = now() + patience;
        loop {
            if try_lock(&file, path)? {
                return Ok(Self::noted(file, me));
            }
            if now() >= deadline {
                return Err(LockError::Busy {
                    path: path.to_owned(),
                    holder: holder_of(path),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// Takes the lock if it is free at this moment.
    pub fn try_acquire(path: &Path, me: &Holder) -> Result<Option<Self>, PathError> {
        let file = open(path)?;
        if !try_lock(&file, path)? {
            return Ok(None);
        }
        Ok(Some(Self::noted(file, me)))
    }

    fn noted(file: File, me: &Holder) -> Self {
        let was_left = file.metadata().is_ok_and(|meta| meta.len() > 0);
        write_note(&file, me, was_left);
        Self { file, was_left }
    }

    /// Whether the holder before left its note: it died, or it did not bring its work to an end.
    pub fn was_left(&self) -> bool {
        self.was_left
    }

    /// Takes the note away: all that was begun under this lock is done.
    pub fn settle(&self) {
        // A note that stays makes the next holder look closer than it has to.
        let _ = self.file.set_len(0);
    }

    /// A descriptor of the same lock, for a helper process: the lock is free once all are closed.
    pub fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// Tells whether somebody holds the lock at `path` now; those who only look do not see one another.
pub fn is_locked(path: &Path) -> Result<bool, PathError> {
    if !path.exists() {
        return Ok(false);
    }
    let file = File::open(path).at("open", path)?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(io::Error::from(error)).at("lock", path),
    }
}

/// The note that the holder of the lock at `path` left.
pub fn holder_of(path: &Path) -> Option<Holder> {
    let text = read_optional(path).ok()??;
    serde_json::from_slice(&text).ok()
}

/// The time that passed, whatever the clock on the wall says, for how long to wait.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

fn open(path: &Path) -> Result<File, PathError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .at("open", path)
}

fn try_lock(file: &File, path: &Path) -> Result<bool, PathError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(io::Error::from(error)).at("lock", path),
    }
}

/// Not durable, and a failure is no reason to stop: the note only helps the message.
fn write_note(file: &File, me: &Holder, was_left: bool) {
    if let Ok(text) = serde_json::to_vec(me) {
        if was_left {
            let _ = file.set_len(0);
        }
        let _ = file.write_all_at(&text, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    fn me(pid: u32) -> Holder {
        Holder {
            pid,
            command: "buildkeep config edit".into(),
            since: "2026-01-02T03:04:05Z".into(),
        }
    }

    #[test]
    fn who_waits_long_enough_is_told_who_has_it_and_whether_that_one_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let held = Lock::acquire(&path, &me(child.id()), Duration::ZERO).unwrap();
        let Err(LockError::Busy { holder, .. }) = Lock::acquire(&path, &me(1), POLL * 3) else {
            panic!("two have it");
        };
        let holder = holder.unwrap();
        assert!(holder.pid == child.id() && !holder.is_stopped());
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::STOP).unwrap();
        while !holder.is_stopped() {
            thread::sleep(POLL);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!holder.is_stopped());
        drop(held);
        assert!(Lock::acquire(&path, &me(1), Duration::ZERO).is_ok());
    }
}
