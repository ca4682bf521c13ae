//! `git gc` is kept out while we write, in its own way.
//!
//! It deletes what nothing refers to; so it could delete our new objects before their ref is moved.
//! Git promises nothing here: its own commits can be damaged by `git gc --prune=now`. But `git gc`
//! never runs twice: whoever has its name in `gc.pid` is the one.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, getpid, test_kill_process};

use super::Error;
use super::git_lock::GitLock;
use crate::fs::read_optional;

/// How often we look whether it is done.
const POLL: Duration = Duration::from_millis(20);
/// How often we look at all: for half a minute.
const TRIES: usize = 1500;

/// No `git gc` begins until this is dropped.
#[must_use = "git gc may run when this is dropped"]
#[derive(Debug)]
pub struct GcLock(PathBuf);

impl GcLock {
    /// Waits for a `git gc` that is at work, and keeps the next one out.
    pub(super) fn acquire(git_dir: &Path) -> Result<Self, Error> {
        let path = git_dir.join("gc.pid");
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        for _ in 0..TRIES {
            let lock = GitLock::acquire(&path)?;
            let note = read_optional(&path)?.unwrap_or_default();
            if !is_at_work(&String::from_utf8_lossy(&note), &host) {
                lock.put(format!("{} {host}", getpid().as_raw_nonzero()).as_bytes())?;
                return Ok(Self(path));
            }
            drop(lock);
            std::thread::sleep(POLL);
        }
        Err(Error::GitAtWork { path })
    }
}

impl Drop for GcLock {
    fn drop(&mut self) {
        // If it stays, Git sees that its process is no more.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether a note `<pid> <host>` names a process of this host that lives; of other hosts nobody knows,
/// and a keep is not shared by hosts.
fn is_at_work(note: &str, host: &str) -> bool {
    let Some((pid, there)) = note.trim().split_once(' ') else {
        return false;
    };
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    let is_alive = |pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH);
    there == host && pid.is_some_and(|pid| pid != getpid() && is_alive(pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gc_at_work_is_told_from_one_that_died() {
        assert!(is_at_work("1 box", "box"));
        assert!(!is_at_work("1 other", "box"));
        assert!(!is_at_work("0 box", "box") && !is_at_work("", "box"));
        assert!(!is_at_work("4194305 box", "box"), "beyond every pid");
    }

    #[test]
    fn one_that_died_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gc.pid");
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        fs::write(&path, format!("4194305 {host}")).unwrap();
        let lock = GcLock::acquire(dir.path()).unwrap();
        let note = fs::read_to_string(&path).unwrap();
        assert_eq!(note, format!("{} {host}", std::process::id()));
        drop(lock);
        assert!(!path.exists());
    }
}
