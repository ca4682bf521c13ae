//! How long steps take: by time, never by count.
//!
//! The estimate of a step is what it took before; else its SBU times the seconds that one SBU took
//! here; else what the other steps took, if several of them were measured. Each is a range, as wide as the
//! times that it comes from. What is left of all is known once each step has one.
use std::collections::BTreeMap;

use serde::Serialize;

/// What a step takes in all that has taken longer than expected, in terms of what it took so far.
pub(super) const OVERDUE: f64 = 1.25;
/// The same of one that worked only once: a single time says little about the next.
const OVERDUE_BY_ONE: f64 = 2.0;
/// Less than so many seconds more are never worth a word.
const LATE_S: f64 = 60.0;
/// So many of the newest times count.
const NEWEST: usize = 5;
/// A single time says that the next is likely between these parts of it.
const AROUND_ONE: (f64, f64) = (0.8, 1.3);
/// The next time may be as far beyond the ones so far.
const BEYOND: f64 = 0.1;
/// From fewer steps that were measured, nothing is guessed about others.
const MEASURED: usize = 3;
/// What is guessed from other steps may be as far off, at least.
const AROUND_OTHERS: (f64, f64) = (0.3, 3.0);
/// A step of which only that is known never counts for more than this part of the guess while it runs.
const MOST_OF_A_GUESS: f64 = 0.8;
/// How far SBU of the book are from what they are on a machine, where nothing better is known.
const AROUND_SBU: (f64, f64) = (0.5, 1.8);

/// What is known of a step's time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// How long its successes took, in seconds, the newest last.
    pub times: Vec<f64>,
    /// How long it should take, in units of binutils pass 1.
    pub sbu: Option<f64>,
}

impl Known {
    /// What it takes, from its own times.
    fn typical(&self) -> Option<f64> {
        median(self.newest())
    }

    fn newest(&self) -> impl Iterator<Item = f64> {
        self.times.iter().rev().take(NEWEST).copied()
    }
}

/// Where an estimate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What the step took before.
    Own,
    /// Its SBU, and what one SBU takes here.
    Sbu,
    /// What other steps took.
    Others,
}

/// How long something takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// Hardly less.
    pub low_s: f64,
    /// Most likely.
    pub likely_s: f64,
    /// Hardly more.
    pub high_s: f64,
    /// How this is known.
    pub basis: Basis,
    /// How many of the step's own times it comes from.
    #[serde(skip)]
    pub times: usize,
}

impl Range {
    fn around(likely_s: f64, (low, high): (f64, f64), basis: Basis) -> Self {
        Self {
            low_s: likely_s * low,
            likely_s,
            high_s: likely_s * high,
            basis,
            times: 0,
        }
    }

    /// From what on it is worth a word how long the step takes, in seconds; never by a guess.
    pub fn overdue_s(&self) -> Option<f64> {
        let part = if self.times > 1 {
            OVERDUE
        } else {
            OVERDUE_BY_ONE
        };
        let after = (self.high_s * part).max(self.high_s + LATE_S);
        (self.basis == Basis::Own).then_some(after)
    }

    /// From what the step itself took.
    fn of_times(known: &Known) -> Option<Self> {
        let likely = known.typical()?;
        if known.times.len() == 1 {
            return Some(Self {
                times: 1,
                ..Self::around(likely, AROUND_ONE, Basis::Own)
            });
        }
        let (low, high) = ends(known.newest())?;
        Some(Self {
            low_s: low * (1.0 - BEYOND),
            likely_s: likely,
            high_s: high * (1.0 + BEYOND),
            basis: Basis::Own,
            times: known.times.len(),
        })
    }
}

/// Expected durations of all steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimates {
    by_step: BTreeMap<String, Range>,
    per_sbu: Option<f64>,
}

impl Estimates {
    /// Estimates every step of which something is known; the others by those, if enough were measured.
    pub fn new(known: &BTreeMap<String, Known>) -> Self {
        let sbu = Sbu::of(known.values());
        let by_time =
            |step: &Known| Range::of_times(step).or_else(|| Some(sbu.as_ref()?.range(step.sbu?)));
        let timed: Vec<f64> = known
            .values()
            .filter_map(|step| by_time(step).map(|range| range.likely_s))
            .collect();
        let measured = known.values().filter(|step| !step.times.is_empty()).count();
        let others = of_others(&timed).filter(|_| measured >= MEASURED);
        let estimate = |(id, step): (&String, &Known)| {
            let range = by_time(step).or(others)?;
            Some((id.clone(), range))
        };
        Self {
            by_step: known.iter().filter_map(estimate).collect(),
            per_sbu: sbu.map(|sbu| sbu.seconds),
        }
    }

    /// The expected duration of a step, if anything is known.
    pub fn of(&self, step: &str) -> Option<Range> {
        self.by_step.get(step).copied()
    }

    /// How many seconds one SBU takes on this machine, as its own builds show.
    pub fn seconds_per_sbu(&self) -> Option<f64> {
        self.per_sbu
    }

    /// The expected duration of a step, as far as that is more than a guess from other steps.
    pub fn expected(&self, step: &str) -> Option<Range> {
        self.of(step).filter(|range| range.basis != Basis::Others)
    }

    /// Whether something is known of all these steps: only then they can be weighed by time.
    pub fn know_all<'a>(&self, mut steps: impl Iterator<Item = &'a str>) -> bool {
        steps.all(|step| self.by_step.contains_key(step))
    }

    /// What a step still takes; of one of which nothing is known, as if steps were all the same.
    pub fn left(&self, step: &str, done: Behind) -> f64 {
        let expected = self.of(step).map_or(1.0, |range| range.likely_s);
        left_of(expected.max(0.001), done)
    }

    /// How much of the whole is done (0 to 1), and how much time is left.
    ///
    /// `done` says of each step how many seconds of it are behind us, or that all of it is.
    /// As long as nothing is known of one that is not done, steps count the same and nothing is said
    /// about the time left.
    pub fn progress<'a>(
        &self,
        steps: impl Iterator<Item = (&'a str, Behind)> + Clone,
    ) -> (f64, Option<Left>) {
        let mut open = steps.clone().filter(|(_, done)| *done != Behind::All);
        if open.any(|(step, _)| self.of(step).is_none()) {
            let (done, all) = steps.fold((0.0, 0.0), |(behind, all), (_, done)| {
                (behind + f64::from(done == Behind::All), all + 1.0)
            });
            return (done / all, None);
        }
        let (behind, left) = self.by_time(steps);
        (behind, (!self.by_step.is_empty()).then_some(left))
    }

    fn by_time<'a>(&self, steps: impl Iterator<Item = (&'a str, Behind)>) -> (f64, Left) {
        let (mut whole, mut behind) = (0.0, 0.0);
        let mut left = Left::default();
        for (step, done) in steps {
            let range = self.of(step);
            let expected = range.map_or(1.0, |range| range.likely_s).max(0.001);
            let (step_behind, step_whole) = match done {
                Behind::All => (expected, expected),
                Behind::Part { ran_s, left_s } => (ran_s, ran_s + left_s),
                // One that takes longer than expected is never quite done.
                Behind::Seconds(seconds)
                    if range.is_some_and(|range| range.basis == Basis::Own) =>
                {
                    (seconds, expected.max(seconds * OVERDUE))
                }
                // A wrong guess says nothing about how far the whole is.
                Behind::Seconds(seconds) => (seconds.min(expected * MOST_OF_A_GUESS), expected),
            };
            whole += step_whole;
            behind += step_behind;
            if let Some(range) = range.filter(|_| done != Behind::All) {
                left.add(left_of(expected, done), range);
            }
        }
        let part = if whole > 0.0 { behind / whole } else { 0.0 };
        (part, left.summed())
    }
}

/// What is left of a step that is expected to take so many seconds.
fn left_of(expected: f64, done: Behind) -> f64 {
    match done {
        Behind::All => 0.0,
        // One that takes longer than expected is never quite done.
        Behind::Seconds(seconds) => (expected - seconds).max(seconds * (OVERDUE - 1.0)),
        Behind::Part { left_s, .. } => left_s,
    }
}

/// The time that is left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Left {
    /// Hardly less than so many seconds.
    pub low_s: f64,
    /// Most likely.
    pub likely_s: f64,
    /// Hardly more.
    pub high_s: f64,
    /// Squares of what may be less and more: steps are not all slow, or all fast, at once.
    squares: (f64, f64),
}

impl Left {
    fn add(&mut self, likely: f64, range: Range) {
        let part = if range.likely_s > 0.0 {
            (likely / range.likely_s).min(1.0)
        } else {
            0.0
        };
        let (less, more) = (
            (range.likely_s - range.low_s) * part,
            (range.high_s - range.likely_s) * part,
        );
        self.likely_s += likely;
        if range.basis == Basis::Own {
            self.squares.0 += less * less;
            self.squares.1 += more * more;
        } else {
            // What is wrong with one of these is wrong with all.
            self.low_s -= less;
            self.high_s += more;
        }
    }

    fn summed(self) -> Self {
        let (less, more) = self.squares;
        Self {
            low_s: (self.likely_s + self.low_s - less.sqrt()).max(0.0),
            likely_s: self.likely_s,
            high_s: self.likely_s + self.high_s + more.sqrt(),
            squares: (0.0, 0.0),
        }
    }
}

/// How much of a step is behind us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behind {
    /// It is done.
    All,
    /// It has run for so long.
    Seconds(f64),
    /// It has run for so long, and is known by its parts to take so long still.
    Part {
        /// What is behind it, in seconds.
        ran_s: f64,
        /// What is before it.
        left_s: f64,
    },
}

/// What one SBU takes here.
struct Sbu {
    seconds: f64,
    around: (f64, f64),
}

impl Sbu {
    /// From steps of which both SBU and time are known. Small steps say little: their SBU is rounded.
    fn of<'a>(known: impl Iterator<Item = &'a Known>) -> Option<Self> {
        let ratio = |step: &Known| {
            let sbu = step.sbu.filter(|sbu| *sbu > 0.0)?;
            Some((sbu, step.typical()? / sbu))
        };
        let all: Vec<(f64, f64)> = known.filter_map(ratio).collect();
        let large: Vec<f64> = all
            .iter()
            .filter(|(sbu, _)| *sbu >= 0.5)
            .map(|(_, s)| *s)
            .collect();
        let ratios = if large.is_empty() {
            all.iter().map(|(_, s)| *s).collect()
        } else {
            large
        };
        let seconds = median(ratios.iter().copied())?;
        let (low, high) = (
            part_of(&ratios, 0.25)? / seconds,
            part_of(&ratios, 0.75)? / seconds,
        );
        let around = match ratios.len() {
            0..=3 => AROUND_SBU,
            _ => (low.min(AROUND_ONE.0), high.max(AROUND_ONE.1)),
        };
        Some(Self { seconds, around })
    }

    fn range(&self, sbu: f64) -> Range {
        Range::around(sbu * self.seconds, self.around, Basis::Sbu)
    }
}

/// What a step takes of which nothing is known but the others.
fn of_others(times: &[f64]) -> Option<Range> {
    let likely = median(times.iter().copied())?;
    let guess = Range::around(likely, AROUND_OTHERS, Basis::Others);
    Some(Range {
        low_s: part_of(times, 0.1)?.min(guess.low_s),
        high_s: part_of(times, 0.9)?.max(guess.high_s),
        ..guess
    })
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// The middle one; the upper of two.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let sorted = sorted(values);
    sorted.get(sorted.len() / 2).copied()
}

/// The value below which this part of them is.
fn part_of(values: &[f64], part: f64) -> Option<f64> {
    let sorted = sorted(values.iter().copied());
    let at = (sorted.len().checked_sub(1)? as f64 * part).round() as usize;
    sorted.get(at).copied()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<_> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests;
