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
