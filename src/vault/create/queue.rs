//! What is left to do, shared by all workers.
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::node::Node;
use crate::vault::stat::Stat;

/// A piece of work.
pub(super) enum Job<'c> {
    /// Look into a folder.
    Folder(Folder<'c>),
    /// Read a large file.
    Large(Large<'c>),
}

/// A folder to look into.
pub(super) struct Folder<'c> {
    pub(super) parent: Arc<OwnedFd>,
    pub(super) name: Vec<u8>,
    pub(super) stat: Stat,
    pub(super) node: Arc<Node<'c>>,
}

/// A large file, an entry of a folder that was looked into.
pub(super) struct Large<'c> {
    pub(super) dir: Arc<OwnedFd>,
    pub(super) name: Vec<u8>,
    pub(super) node: Arc<Node<'c>>,
    pub(super) slot: usize,
}

/// Folders last in, first out, so that few are open at a time; large files before all folders, so
/// that none is left for the end.
#[derive(Default)]
pub(super) struct Queue<'c> {
    state: Mutex<State<'c>>,
    wake: Condvar,
}

#[derive(Default)]
struct State<'c> {
    folders: Vec<Folder<'c>>,
    large: Vec<Large<'c>>,
    at_work: usize,
    stopped: bool,
}

impl<'c> Queue<'c> {
    pub(super) fn push(&self, job: Job<'c>) {
        let mut state = self.state();
        match job {
            Job::Folder(job) => state.folders.push(job),
            Job::Large(job) => state.large.push(job),
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The next job, waiting for one while others work; nothing when all is done or stopped.
    pub(super) fn next(&self) -> Option<Job<'c>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let large = state.large.pop().map(Job::Large);
            if let Some(job) = large.or_else(|| state.folders.pop().map(Job::Folder)) {
                state.at_work += 1;
                return Some(job);
            }
            if state.at_work == 0 {
                self.wake.notify_all();
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The job that was taken is done.
    pub(super) fn done(&self) {
        let mut state = self.state();
        state.at_work -= 1;
        if state.at_work == 0 && state.folders.is_empty() && state.large.is_empty() {
            self.wake.notify_all();
        }
    }

    /// Nobody gets another job.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.wake.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<'c>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
