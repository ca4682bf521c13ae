//! Doing things at once, with as many threads as there may be.
use std::panic::resume_unwind;
use std::thread::Builder;

/// More threads than this do not make a disk faster.
const MOST: usize = 8;

/// Does `work` to all `things`, several at a time, and returns an error if there was one.
///
/// For what waits for the disk: a file system writes what is synced at the same time in one go, so
/// ten syncs at once take little longer than one.
pub fn at_once<T: Sync, E: Send>(
    things: &[T],
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let share = things.len().div_ceil(MOST).max(1);
    let (mine, others) = things.split_at(share.min(things.len()));
    let all = |part: &[T]| part.iter().try_for_each(&work);
    std::thread::scope(|scope| {
        let mut left = Vec::new();
        let mut workers = Vec::new();
        for part in others.chunks(share) {
            match Builder::new().spawn_scoped(scope, || all(part)) {
                Ok(worker) => workers.push(worker),
                // Where there may be no more threads, it takes longer.
                Err(_) => left.push(part),
            }
        }
        let mut done = all(mine);
        for part in left {
            done = done.and(all(part));
        }
        for worker in workers {
            done = done.and(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

/// Does `work` on this thread and on so many others, and returns what became of each.
///
/// For workers that share what there is to do: where there may be no more threads, fewer do it.
pub fn together<R: Send>(others: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let begin = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let workers: Vec<_> = (0..others).map_while(begin).collect();
        let mut done = vec![work()];
        // All are waited for, whatever became of the first.
        for worker in workers {
            done.push(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{at_once, together};

    #[test]
    fn all_work_together() {
        let next = AtomicUsize::new(0);
        let shares = together(3, || {
            let mut share = Vec::new();
            while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < 100)
            {
                share.push(number);
            }
            share
        });
        assert_eq!(shares.len(), 4);
        let mut all: Vec<usize> = shares.concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn all_is_done_and_an_error_is_told() {
        for count in [0, 1, 2, 8, 9, 100] {
            let things: Vec<usize> = (0..count).collect();
            let sum = AtomicUsize::new(0);
            let add = |thing: &usize| {
                sum.fetch_add(thing + 1, Ordering::Relaxed);
                if *thing == 7 { Err("seven") } else { Ok(()) }
            };
            let done = at_once(&things, add);
            assert_eq!(done.is_err(), count > 7);
            if count <= 9 {
                assert_eq!(sum.into_inner(), count * (count + 1) / 2);
            }
        }
    }
}
