//! Doing the same to several things at once.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::at_once;

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
