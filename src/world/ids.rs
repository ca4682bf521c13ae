//! Where ids come from.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ulid::Ulid;

use super::Clock;

/// Makes ULIDs: sortable by time, unique without a register.
#[derive(Clone)]
pub struct Ids {
    clock: Clock,
    random: Arc<dyn Fn() -> u128 + Send + Sync>,
}

impl Ids {
    /// Ids from this clock and this source of random bits.
    pub fn new(clock: Clock, random: impl Fn() -> u128 + Send + Sync + 'static) -> Self {
        Self {
            clock,
            random: Arc::new(random),
        }
    }

    /// Ids that are the same in every test run: `seed` and a counter instead of random bits.
    pub fn fixed(clock: Clock, seed: u64) -> Self {
        let count = AtomicU64::new(0);
        Self::new(clock, move || {
            u128::from(seed * 1000 + count.fetch_add(1, Ordering::Relaxed))
        })
    }

    /// A new ULID, 26 characters.
    pub fn next(&self) -> String {
        let millis = self.clock.now().timestamp_millis().unsigned_abs();
        Ulid::from_parts(millis, (self.random)()).to_string()
    }

    /// A new ULID that comes after `latest`, also if the clock was set back since.
    pub fn next_after(&self, latest: Option<&str>) -> String {
        let next = self.next();
        let latest = latest.and_then(|latest| latest.parse::<Ulid>().ok());
        match latest {
            Some(latest) if latest.to_string() >= next => {
                Ulid::from_parts(latest.timestamp_ms() + 1, (self.random)()).to_string()
            }
            _ => next,
        }
    }

    /// Four letters or digits, for names that people read.
    pub fn short(&self) -> String {
        self.next()[22..].to_ascii_lowercase()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_rising_when_the_clock_was_set_back() {
        let at = |time: &str| Ids::fixed(Clock::fixed(time.parse().unwrap()), 1);
        let later = at("2027-01-02T03:04:05Z").next();
        let ids = at("2026-01-02T03:04:05Z");
        let next = ids.next_after(Some(&later));
        assert!(next > later && ids.next_after(Some(&next)) > next);
        let earlier = at("2025-01-02T03:04:05Z").next();
        assert!(ids.next_after(Some(&earlier)) < later);
        assert!(ids.next_after(Some("no id")) < later && ids.next_after(None) < later);
    }
}
