//! Reading beside a `git repack`.
//!
//! It puts objects into a new pack and deletes the old one while we read. gix looks for new packs when
//! it misses an object, once; by the time it has listed them, they may have been replaced again.
use std::time::Duration;

/// How often what was not found is looked for again.
const TRIES: usize = 4;
/// How long in between.
const PAUSE: Duration = Duration::from_millis(10);

/// Reads, and again if that fails.
pub(super) fn patiently<T, E>(read: impl Fn() -> Result<T, E>) -> Result<T, E> {
    for _ in 0..TRIES {
        match read() {
            Err(_) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    read()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_comes_back_is_found_and_what_does_not_is_not() {
        let count = Cell::new(0);
        let third = || {
            count.set(count.get() + 1);
            if count.get() == 3 { Ok(3) } else { Err(()) }
        };
        assert_eq!(patiently(third), Ok(3));
        assert_eq!(patiently(|| Err::<(), _>("gone")), Err("gone"));
    }
}
