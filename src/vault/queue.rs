//! What is left to do, shared by all workers.
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::fs::together;

/// A piece of work.
pub(super) enum Job<F, L> {
    /// A folder to look into.
    Folder(F),
    /// A large file.
    Large(L),
}

/// Folders last in, first out, so that few are open at a time; large files before all folders, so
/// that none is left for the end.
pub(super) struct Queue<F, L> {
    state: Mutex<State<F, L>>,
    wake: Condvar,
}

struct State<F, L> {
    folders: Vec<F>,
    large: Vec<L>,
    at_work: usize,
    stopped: bool,
}

impl<F, L> Default for Queue<F, L> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                folders: Vec::new(),
                large: Vec::new(),
                at_work: 0,
                stopped: false,
            }),
            wake: Condvar::new(),
        }
    }
}

impl<F: Send, L: Send> Queue<F, L> {
    pub(super) fn push(&self, job: Job<F, L>) {
        let mut state = self.state();
        match job {
            Job::Folder(job) => state.folders.push(job),
            Job::Large(job) => state.large.push(job),
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Has workers at it, this thread among them, until nothing is left to do, or one of them failed.
    pub(super) fn work<E: Send>(
        &self,
        number: usize,
        worker: impl Fn() -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let run = || worker().inspect_err(|_| self.stop());
        together(number.saturating_sub(1), run)
            .into_iter()
            .collect()
    }

    /// The next job, waiting for one while others work; nothing when all is done or stopped.
    pub(super) fn next(&self) -> Option<Taken<'_, F, L>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            let large = state.large.pop().map(Job::Large);
            if let Some(job) = large.or_else(|| state.folders.pop().map(Job::Folder)) {
                state.at_work += 1;
                return Some(Taken {
                    queue: self,
                    job: Some(job),
                });
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

    /// Nobody gets another job.
    fn stop(&self) {
        self.state().stopped = true;
        self.wake.notify_all();
    }
}

impl<F, L> Queue<F, L> {
    fn done(&self) {
        let mut state = self.state();
        state.at_work -= 1;
        // A worker that panicked leaves the rest undone.
        state.stopped |= std::thread::panicking();
        if state.stopped || state.at_work == 0 {
            self.wake.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State<F, L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job at work, done when dropped.
pub(super) struct Taken<'q, F, L> {
    queue: &'q Queue<F, L>,
    job: Option<Job<F, L>>,
}

impl<F, L> Taken<'_, F, L> {
    /// The job.
    pub(super) fn job(&mut self) -> Option<Job<F, L>> {
        self.job.take()
    }
}

impl<F, L> Drop for Taken<'_, F, L> {
    fn drop(&mut self) {
        self.queue.done();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn all_jobs_are_done_also_those_that_jobs_add() {
        let queue: Queue<u32, u32> = Queue::default();
        let sum = AtomicU32::new(0);
        queue.push(Job::Folder(10));
        let worked: Result<(), ()> = queue.work(3, || {
            while let Some(mut taken) = queue.next() {
                match taken.job() {
                    Some(Job::Folder(depth)) if depth > 0 => {
                        queue.push(Job::Folder(depth - 1));
                        queue.push(Job::Large(depth));
                    }
                    Some(Job::Large(number)) => drop(sum.fetch_add(number, Ordering::Relaxed)),
                    _ => {}
                }
            }
            Ok(())
        });
        assert_eq!((worked, sum.into_inner()), (Ok(()), 55));
    }

    #[test]
    fn the_first_error_stops_all() {
        let queue: Queue<u32, u32> = Queue::default();
        for number in 0..100 {
            queue.push(Job::Folder(number));
        }
        let worked = queue.work(2, || match queue.next().and_then(|mut taken| taken.job()) {
            Some(_) => Err("no"),
            None => Ok(()),
        });
        assert_eq!(worked, Err("no"));
        assert!(queue.next().is_none());
    }
}
