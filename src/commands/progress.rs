//! How long work goes on: entries, bytes, rate, and what is left of it.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use crate::ui::{Ui, duration, size};
use crate::vault::Progress;
use crate::world::Clock;

/// How often the live line is drawn.
const DRAW: Duration = Duration::from_millis(100);
/// The time that a rate is of.
const WINDOW: Duration = Duration::from_secs(4);
/// Before this nothing is said of what is left.
const SOON: Duration = Duration::from_secs(2);

/// Counts what the workers do.
#[derive(Default)]
pub(super) struct Counter {
    entries: AtomicU64,
    bytes: AtomicU64,
    all_entries: AtomicU64,
    all_bytes: AtomicU64,
    /// Whether the work is over.
    over: AtomicBool,
}

impl Counter {
    /// Says how much there is to do; no bytes if nobody knows.
    pub(super) fn expect(&self, entries: u64, bytes: u64) {
        self.all_bytes.store(bytes, Ordering::Relaxed);
        self.all_entries.store(entries, Ordering::Relaxed);
    }

    /// The work is over.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether nobody wants to know any more how much there is.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn now(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            entries: load(&self.entries),
            bytes: load(&self.bytes),
            all_entries: load(&self.all_entries),
            all_bytes: load(&self.all_bytes),
        }
    }
}

impl Progress for Counter {
    fn seen(&self, entries: u64) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
    }

    fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Where the work is.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    entries: u64,
    bytes: u64,
    all_entries: u64,
    all_bytes: u64,
}

impl Counts {
    /// What is done, as a part of the whole; none if the whole is not known.
    fn part(self) -> Option<f64> {
        let part = |done: u64, all: u64| (all > 0).then(|| done.min(all) as f64 / all as f64);
        part(self.bytes, self.all_bytes).or_else(|| part(self.entries, self.all_entries))
    }

    fn line(self, rate: u64, elapsed: Duration) -> String {
        let of = |all: u64| match all {
            0 => String::new(),
            all => format!(" of {}", all.max(self.entries)),
        };
        let mut line = format!(
            "{}{} entries, {}",
            self.entries,
            of(self.all_entries),
            size(self.bytes)
        );
        if self.all_bytes > 0 {
            line += &format!(" of {}", size(self.all_bytes.max(self.bytes)));
        }
        if rate > 0 {
            line += &format!(", {}/s", size(rate));
        }
        let part = self.part().filter(|part| *part > 0.01 && elapsed >= SOON);
        if let Some(part) = part {
            let left = elapsed.mul_f64((1.0 - part) / part);
            line += &format!(", {} left", duration(left));
        }
        line
    }
}

/// Bytes a second, of the last seconds.
#[derive(Default)]
struct Rate(VecDeque<(Duration, u64)>);

impl Rate {
    fn at(&mut self, now: Duration, bytes: u64) -> u64 {
        self.0.push_back((now, bytes));
        while self.0.len() > 2 && self.0.front().is_some_and(|(then, _)| *then + WINDOW < now) {
            self.0.pop_front();
        }
        let (then, before) = self.0.front().copied().unwrap_or((now, bytes));
        let seconds = now.saturating_sub(then).as_secs_f64();
        if seconds < 0.5 {
            return 0;
        }
        (bytes.saturating_sub(before) as f64 / seconds) as u64
    }
}

/// Does long work, with a live line about it on a terminal.
pub(super) fn shown<T>(ui: &mut Ui, what: &str, work: impl FnOnce(&Counter) -> T) -> T {
    let counter = &Counter::default();
    let (finished, wait) = mpsc::channel::<()>();
    let clock = Clock::new(chrono::DateTime::default);
    let began = clock.since_boot();
    std::thread::scope(|scope| {
        // Without a thread, nothing is shown.
        let _ = Builder::new().spawn_scoped(scope, move || {
            let mut rate = Rate::default();
            while wait.recv_timeout(DRAW) == Err(mpsc::RecvTimeoutError::Timeout) {
                let (now, counts) = (clock.since_boot(), counter.now());
                let elapsed = now.saturating_sub(began);
                let rate = rate.at(now, counts.bytes);
                ui.live(format!("{what}: {}", counts.line(rate, elapsed)));
            }
            ui.live_end();
        });
        let done = work(counter);
        drop(finished);
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_is_known() {
        let mut counts = Counts {
            entries: 41_203,
            bytes: 1_200_000_000,
            ..Counts::default()
        };
        let late = Duration::from_secs(10);
        assert_eq!(counts.line(0, late), "41203 entries, 1.2 GB");
        counts.all_entries = 82_406;
        assert_eq!(
            counts.line(210_000_000, late),
            "41203 of 82406 entries, 1.2 GB, 210 MB/s, 10 s left"
        );
        counts.all_bytes = 4_800_000_000;
        assert_eq!(
            counts.line(210_000_000, late),
            "41203 of 82406 entries, 1.2 GB of 4.8 GB, 210 MB/s, 30 s left"
        );
        assert!(!counts.line(0, Duration::from_secs(1)).contains("left"));
        counts.bytes = 9_000_000_000;
        assert!(
            counts
                .line(0, late)
                .ends_with("9.0 GB of 9.0 GB, 0.0 s left")
        );
    }

    #[test]
    fn a_rate_is_of_the_last_seconds() {
        let mut rate = Rate::default();
        let at = |tenths: u64| Duration::from_millis(tenths * 100);
        for tenths in 0..100 {
            rate.at(at(tenths), 0);
        }
        assert_eq!(rate.at(at(100), 4_000_000), 1_000_000);
    }
}
