//! How long steps take: by time, never by count.
//!
//! The estimate of a step is what it took before; else its SBU times the seconds that one SBU took
//! here; else what the other steps took, if several of them were measured. Each is a range, as wide as the
//! times that it comes from. What is left of all is known once each step has one.
use std::collections::BTreeMap;

use serde::Serialize;

/// What a step takes in all that has taken longer than expected, in terms of what it took so far.
pub(super) const OVERDUE: f64 = 1.25;
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
}

impl Range {
    fn around(likely_s: f64, (low, high): (f64, f64), basis: Basis) -> Self {
        Self {
            low_s: likely_s * low,
            likely_s,
            high_s: likely_s * high,
            basis,
        }
    }

    /// From what the step itself took.
    fn of_times(known: &Known) -> Option<Self> {
        let likely = known.typical()?;
        if known.times.len() == 1 {
            return Some(Self::around(likely, AROUND_ONE, Basis::Own));
        }
        let (low, high) = ends(known.newest())?;
        Some(Self {
            low_s: low * (1.0 - BEYOND),
            likely_s: likely,
            high_s: high * (1.0 + BEYOND),
            basis: Basis::Own,
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
mod tests {
    use super::*;

    fn known(steps: &[(&str, &[f64], Option<f64>)]) -> BTreeMap<String, Known> {
        let one = |(id, times, sbu): &(&str, &[f64], Option<f64>)| {
            let times = times.to_vec();
            ((*id).to_owned(), Known { times, sbu: *sbu })
        };
        steps.iter().map(one).collect()
    }

    #[test]
    fn own_time_beats_sbu_and_sbu_beats_the_others() {
        let known = known(&[
            ("a", &[20.0], Some(2.0)),
            ("b", &[], Some(5.0)),
            ("c", &[], None),
            ("d", &[60.0], None),
            ("e", &[70.0], None),
        ]);
        let estimates = Estimates::new(&known);
        let of = |step| estimates.of(step).unwrap();
        assert_eq!((of("a").likely_s, of("a").basis), (20.0, Basis::Own));
        assert_eq!((of("b").likely_s, of("b").basis), (50.0, Basis::Sbu));
        assert_eq!((of("c").likely_s, of("c").basis), (60.0, Basis::Others));
        assert_eq!(estimates.seconds_per_sbu(), Some(10.0));
        assert!(of("b").low_s < 50.0 && of("b").high_s > 50.0);
    }

    #[test]
    fn a_range_is_as_wide_as_the_newest_times() {
        let old = [500.0, 100.0, 110.0, 90.0, 105.0, 95.0];
        let range = Estimates::new(&known(&[("a", &old, None)]))
            .of("a")
            .unwrap();
        assert_eq!((range.low_s, range.likely_s), (81.0, 100.0));
        assert!((range.high_s - 121.0).abs() < 1e-9, "{range:?}");
    }

    #[test]
    fn rounded_sbu_of_small_packages_do_not_count_beside_large_ones() {
        let known = known(&[
            ("gcc", &[4600.0], Some(46.0)),
            ("man-pages", &[0.4], Some(0.1)),
            ("iana-etc", &[0.3], Some(0.1)),
            ("glibc", &[], Some(12.0)),
        ]);
        let glibc = Estimates::new(&known).of("glibc").unwrap();
        assert_eq!((glibc.likely_s, glibc.basis), (1200.0, Basis::Sbu));
    }

    #[test]
    fn progress_is_by_time() {
        let estimates = Estimates::new(&known(&[("a", &[10.0], None), ("b", &[90.0], None)]));
        let left = |steps: [(&str, Behind); 2]| {
            let (done, left) = estimates.progress(steps.into_iter());
            (done, left.unwrap())
        };
        let (done, rest) = left([("a", Behind::All), ("b", Behind::Seconds(0.0))]);
        assert_eq!((done, rest.likely_s), (0.1, 90.0));
        assert!((rest.low_s - 72.0).abs() < 1e-9 && (rest.high_s - 117.0).abs() < 1e-9);
        let (done, rest) = left([("a", Behind::All), ("b", Behind::Seconds(500.0))]);
        assert!(
            (rest.likely_s - 125.0).abs() < 1e-9,
            "an overdue step is never nearly done"
        );
        assert!(done > 0.8 && done < 0.81, "{done}");
    }

    #[test]
    fn many_steps_are_less_uncertain_than_their_ranges_together() {
        let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
        let steps: Vec<(&str, &[f64], Option<f64>)> = names
            .iter()
            .map(|name| (name.as_str(), &[10.0][..], None))
            .collect();
        let estimates = Estimates::new(&known(&steps));
        let behind = names
            .iter()
            .map(|name| (name.as_str(), Behind::Seconds(0.0)));
        let left = estimates.progress(behind).1.unwrap();
        assert!((left.likely_s - 1000.0).abs() < 1e-6);
        assert!(
            (left.low_s - 980.0).abs() < 1e-6 && (left.high_s - 1030.0).abs() < 1e-6,
            "{left:?}"
        );
    }

    #[test]
    fn a_wrong_guess_does_not_move_the_whole_on() {
        let steps: [(&str, &[f64], Option<f64>); 6] = [
            ("ed", &[3.9], None),
            ("gzip", &[], None),
            ("sed", &[], None),
            ("patch", &[3.5], None),
            ("m4", &[4.1], None),
            ("make", &[], None),
        ];
        let estimates = Estimates::new(&known(&steps));
        assert_eq!(estimates.expected("gzip"), None);
        assert!(estimates.expected("ed").is_some());
        let behind = steps.iter().map(|(step, ..)| match *step {
            "ed" | "patch" | "m4" => (*step, Behind::All),
            "gzip" => ("gzip", Behind::Seconds(24.0)),
            other => (other, Behind::Seconds(0.0)),
        });
        let (done, left) = estimates.progress(behind);
        assert!(done < 4.0 / 6.0, "{done}");
        let left = left.unwrap();
        assert!(
            left.likely_s > 3.0 * 3.9 && left.high_s > left.likely_s * 2.0,
            "{left:?}"
        );
    }

    #[test]
    fn two_measured_steps_say_nothing_about_the_others() {
        let mut steps: Vec<(&str, &[f64], Option<f64>)> =
            vec![("a", &[4.0], None), ("b", &[5.0], None), ("gcc", &[], None)];
        let behind = |step| match step {
            "gcc" => (step, Behind::Seconds(3.0)),
            _ => (step, Behind::All),
        };
        let progress = |steps: &[(&'static str, &[f64], Option<f64>)]| {
            let each: Vec<_> = steps.iter().map(|(step, ..)| behind(*step)).collect();
            Estimates::new(&known(steps)).progress(each.into_iter())
        };
        let (done, left) = progress(&steps);
        assert_eq!((done, left), (2.0 / 3.0, None));
        steps.push(("c", &[6.0], None));
        assert!(progress(&steps).1.is_some());
        let all_known = [("a", &[4.0][..], None), ("gcc", &[90.0][..], None)];
        let left = progress(&all_known).1.unwrap().likely_s;
        assert!((left - 87.0).abs() < 1e-9, "{left}");
    }

    #[test]
    fn without_knowledge_nothing_is_promised() {
        let estimates = Estimates::new(&known(&[("a", &[], None), ("b", &[], Some(3.0))]));
        for ran in [0.0, 100.0] {
            let steps = [("a", Behind::All), ("b", Behind::Seconds(ran))];
            assert_eq!(estimates.progress(steps.into_iter()), (0.5, None));
        }
    }
}
