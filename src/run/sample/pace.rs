//! How often to look, so that looking stays cheap.
use std::time::Duration;

/// What may be spent, of one processor: walks and the rest together, half of it each.
const BUDGET: f64 = 0.001 / 2.0;
/// How far the walk over all processes may be put off.
const MAX: Duration = Duration::from_secs(80);

/// When to walk next, by what walks cost.
#[derive(Debug)]
pub(super) struct Pace {
    base: Duration,
    period: Duration,
    next: Duration,
}

impl Pace {
    pub(super) fn new(base: Duration) -> Self {
        Self {
            base,
            period: base,
            next: Duration::ZERO,
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.next
    }

    /// Takes the cost of a look at `now` into account: twice as far apart as long as that is over
    /// the budget, and nearer again once half of it would do.
    pub(super) fn spent(&mut self, now: Duration, cost: Duration) {
        let share = |period: Duration| cost.as_secs_f64() / period.as_secs_f64();
        if share(self.period) > BUDGET {
            self.period = (self.period * 2).min(MAX);
        } else if self.is_slow() && share(self.period / 2) < BUDGET / 2.0 {
            self.period = (self.period / 2).max(self.base);
        }
        self.next = now + self.period;
    }

    /// How far apart looks are.
    pub(super) fn period(&self) -> Duration {
        self.period
    }

    /// Whether it looks less often than it would like to.
    pub(super) fn is_slow(&self) -> bool {
        self.period > self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_look_within_the_budget_is_repeated_at_its_time() {
        let mut pace = Pace::new(5 * SECOND);
        assert!(pace.is_due(Duration::ZERO));
        pace.spent(100 * SECOND, Duration::from_millis(2));
        assert!(!pace.is_due(104 * SECOND) && pace.is_due(105 * SECOND));
        assert!(!pace.is_slow());
    }

    #[test]
    fn what_costs_too_much_is_done_less_often_until_it_is_cheap_again() {
        let mut pace = Pace::new(5 * SECOND);
        (0..3).for_each(|_| pace.spent(Duration::ZERO, Duration::from_millis(11)));
        assert_eq!(pace.period, 40 * SECOND);
        assert!(pace.is_slow());
        (0..9).for_each(|_| pace.spent(Duration::ZERO, SECOND));
        assert_eq!(pace.period, MAX, "but it never stops");
        (0..9).for_each(|_| pace.spent(Duration::ZERO, Duration::from_millis(1)));
        assert_eq!(pace.period, 5 * SECOND);
    }
}
