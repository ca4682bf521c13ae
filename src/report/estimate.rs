//! How long steps take: by time, never by count.
//!
//! The estimate of a step is its own last success; else its SBU times the seconds that one SBU
//! took here (the median of what is known); else the median of all steps that are known.
use std::collections::BTreeMap;

/// What a step takes in all that has taken longer than expected, in terms of what it took so far.
const OVERDUE: f64 = 1.25;

/// What is known of a step's time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// How long its last success took, in seconds.
    pub last_s: Option<f64>,
    /// How long it should take, in units of binutils pass 1.
    pub sbu: Option<f64>,
}

/// Expected durations of all steps, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimates {
    by_step: BTreeMap<String, f64>,
}

impl Estimates {
    /// Estimates every step; empty if nothing at all is known.
    pub fn new(known: &BTreeMap<String, Known>) -> Self {
        let per_sbu = median(
            known
                .values()
                .filter_map(|step| Some(step.last_s? / step.sbu.filter(|sbu| *sbu > 0.0)?)),
        );
        let by_time = |step: &Known| step.last_s.or_else(|| Some(step.sbu? * per_sbu?));
        let Some(typical) = median(known.values().filter_map(by_time)) else {
            return Self::default();
        };
        let estimate =
            |(id, step): (&String, &Known)| (id.clone(), by_time(step).unwrap_or(typical));
        Self {
            by_step: known.iter().map(estimate).collect(),
        }
    }

    /// The expected duration of a step, if anything is known.
    pub fn of(&self, step: &str) -> Option<f64> {
        self.by_step.get(step).copied()
    }

    /// How much of the whole is done (0 to 1), and how many seconds are left.
    ///
    /// `done` says of each step how many seconds of it are behind us, or that all of it is.
    /// Without any knowledge, steps count the same and nothing is said about the time left.
    pub fn progress<'a>(
        &self,
        steps: impl Iterator<Item = (&'a str, Behind)>,
    ) -> (f64, Option<f64>) {
        let (mut whole, mut behind) = (0.0, 0.0);
        for (step, done) in steps {
            let expected = self.of(step).unwrap_or(1.0).max(0.001);
            let (step_behind, step_whole) = match done {
                Behind::All => (expected, expected),
                // Seconds say nothing where nothing is known that they are a part of.
                Behind::Seconds(_) if self.by_step.is_empty() => (0.0, expected),
                // One that takes longer than expected is never quite done.
                Behind::Seconds(seconds) => (seconds, expected.max(seconds * OVERDUE)),
            };
            whole += step_whole;
            behind += step_behind;
        }
        let left = (!self.by_step.is_empty()).then_some(whole - behind);
        (if whole > 0.0 { behind / whole } else { 0.0 }, left)
    }
}

/// How much of a step is behind us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behind {
    /// It is done.
    All,
    /// It has run for so long.
    Seconds(f64),
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<_> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(steps: &[(&str, Option<f64>, Option<f64>)]) -> BTreeMap<String, Known> {
        let one = |(id, last_s, sbu): &(&str, Option<f64>, Option<f64>)| {
            (
                (*id).to_owned(),
                Known {
                    last_s: *last_s,
                    sbu: *sbu,
                },
            )
        };
        steps.iter().map(one).collect()
    }

    #[test]
    fn own_time_beats_sbu_and_sbu_beats_the_others() {
        let known = known(&[
            ("a", Some(20.0), Some(2.0)),
            ("b", None, Some(5.0)),
            ("c", None, None),
        ]);
        let estimates = Estimates::new(&known);
        assert_eq!(estimates.of("a"), Some(20.0));
        assert_eq!(estimates.of("b"), Some(50.0));
        assert_eq!(estimates.of("c"), Some(50.0));
    }

    #[test]
    fn progress_is_by_time() {
        let estimates = Estimates::new(&known(&[("a", Some(10.0), None), ("b", Some(90.0), None)]));
        let steps = [("a", Behind::All), ("b", Behind::Seconds(0.0))];
        assert_eq!(estimates.progress(steps.into_iter()), (0.1, Some(90.0)));
        let overdue = [("a", Behind::All), ("b", Behind::Seconds(500.0))];
        let (done, left) = estimates.progress(overdue.into_iter());
        assert_eq!(left, Some(125.0), "an overdue step is never nearly done");
        assert!(done > 0.8 && done < 0.81, "{done}");
    }

    #[test]
    fn without_knowledge_nothing_is_promised() {
        let estimates = Estimates::new(&known(&[("a", None, None), ("b", None, Some(3.0))]));
        for ran in [0.0, 100.0] {
            let steps = [("a", Behind::All), ("b", Behind::Seconds(ran))];
            assert_eq!(estimates.progress(steps.into_iter()), (0.5, None));
        }
    }
}
