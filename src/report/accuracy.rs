//! How good the estimates were.
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::estimate::{Basis, Estimates, Known, median};
use crate::ui::{clean, counted, seconds, style};

/// So many steps are shown to people if none is named: those that were off the most.
const SHOWN: usize = 10;

/// Estimates against what steps took, each with what was known before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    /// How many estimates there were.
    pub estimates: usize,
    /// Half of them were off by less than this part of the estimate.
    pub median_error: Option<f64>,
    /// Which part of the times was within its range.
    pub within: Option<f64>,
    /// All estimates together.
    pub expected_s: f64,
    /// What it took.
    pub actual_s: f64,
    /// What one SBU takes here.
    pub seconds_per_sbu: Option<f64>,
    /// Each of them, oldest first.
    pub steps: Vec<Estimated>,
}

/// One estimate, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimated {
    /// The step.
    pub step: String,
    /// What was expected.
    pub expected_s: f64,
    /// Hardly less.
    pub low_s: f64,
    /// Hardly more.
    pub high_s: f64,
    /// What it took.
    pub actual_s: f64,
    /// How the estimate was made.
    pub basis: Basis,
}

impl Estimated {
    /// How far off it was, in parts of the estimate; more is positive.
    pub fn error(&self) -> f64 {
        (self.actual_s - self.expected_s) / self.expected_s.max(0.001)
    }

    fn is_within(&self) -> bool {
        (self.low_s..=self.high_s).contains(&self.actual_s)
    }
}

impl Accuracy {
    /// Goes through `times`, oldest first, and estimates each from what was `known` before it.
    pub fn of<'a>(
        mut known: BTreeMap<String, Known>,
        times: impl Iterator<Item = (&'a str, f64)>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let mut steps = Vec::new();
        for (step, actual_s) in times {
            let range = is_wanted(step)
                .then(|| Estimates::new(&known).of(step))
                .flatten();
            steps.extend(range.map(|range| Estimated {
                step: step.to_owned(),
                expected_s: range.likely_s,
                low_s: range.low_s,
                high_s: range.high_s,
                actual_s,
                basis: range.basis,
            }));
            if let Some(known) = known.get_mut(step) {
                known.times.push(actual_s);
            }
        }
        let count = steps.len();
        let within = steps.iter().filter(|one| one.is_within()).count();
        Self {
            estimates: count,
            median_error: median(steps.iter().map(|one| one.error().abs())),
            within: (count > 0).then(|| within as f64 / count as f64),
            expected_s: steps.iter().map(|one| one.expected_s).sum(),
            actual_s: steps.iter().map(|one| one.actual_s).sum(),
            seconds_per_sbu: Estimates::new(&known).seconds_per_sbu(),
            steps,
        }
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sbu) = self.seconds_per_sbu {
            writeln!(f, "one SBU takes {} here", seconds(sbu))?;
        }
        let (Some(error), Some(within)) = (self.median_error, self.within) else {
            return writeln!(
                f,
                "nothing was estimated yet: that needs steps that worked before"
            );
        };
        writeln!(
            f,
            "{}: half were off by less than {:.0} %, {:.0} % were within their range",
            counted(self.estimates as u64, "estimate"),
            (error * 100.0).ceil(),
            (within * 100.0).floor()
        )?;
        let (expected, actual) = (seconds(self.expected_s), seconds(self.actual_s));
        writeln!(f, "all together: {expected} expected, {actual} taken")?;
        self.worst(f)
    }
}

impl Accuracy {
    fn worst(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps: Vec<&Estimated> = self.steps.iter().collect();
        let off = |one: &Estimated| (one.actual_s - one.expected_s).abs();
        steps.sort_by(|a, b| off(b).total_cmp(&off(a)));
        steps.truncate(SHOWN);
        let width = steps.iter().map(|one| one.step.chars().count()).max();
        let width = width.unwrap_or(0).clamp(4, 40);
        writeln!(
            f,
            "\n{:width$}  {:>12}  {:>12}     off  by",
            "step", "expected", "taken"
        )?;
        for one in steps {
            let percent = format!("{:+.0} %", one.error() * 100.0);
            let percent = format!("{percent:>7}");
            let name = format!("{:width$}", clean(&one.step));
            let (expected, actual) = (seconds(one.expected_s), seconds(one.actual_s));
            write!(f, "{}  {expected:>12}  {actual:>12} ", style::name(name))?;
            if one.is_within() {
                write!(f, "{percent}")?;
            } else {
                write!(f, "{}", style::notable(percent))?;
            }
            writeln!(f, "  {}", style::faint(one.basis))?;
        }
        Ok(())
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "its own times",
            Self::Sbu => "SBU",
            Self::Others => "other steps",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_estimated_from_what_was_known_before() {
        let known: BTreeMap<String, Known> = [("a", Some(2.0)), ("b", Some(4.0)), ("c", None)]
            .map(|(step, sbu)| {
                (
                    step.to_owned(),
                    Known {
                        times: Vec::new(),
                        sbu,
                    },
                )
            })
            .into();
        let times = [("a", 20.0), ("b", 44.0), ("a", 22.0), ("gone", 1.0)];
        let accuracy = Accuracy::of(known, times.into_iter(), |_| true);
        let told: Vec<(&str, f64, Basis)> = accuracy
            .steps
            .iter()
            .map(|one| (one.step.as_str(), one.expected_s, one.basis))
            .collect();
        assert_eq!(told, [("b", 40.0, Basis::Sbu), ("a", 20.0, Basis::Own)]);
        assert_eq!(accuracy.within, Some(1.0));
        assert!((accuracy.median_error.unwrap() - 0.1).abs() < 1e-9);
        assert_eq!(
            Accuracy::of(BTreeMap::new(), [("a", 1.0)].into_iter(), |_| true).estimates,
            0
        );
    }
}
