//! How far a step is within itself, as its script tells.
use std::fmt;

use serde::Serialize;

use super::estimate::OVERDUE;
use crate::run::{LastSuccess, Substep, Substeps};
use crate::ui::{clean_line, seconds};

/// What a step took before, part by part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    parts: Vec<Substep>,
    duration_s: Option<f64>,
}

impl Before {
    /// As it was when the step last succeeded.
    pub fn of(success: &LastSuccess) -> Self {
        Self {
            parts: success.substeps.clone(),
            duration_s: success.duration_s,
        }
    }
}

/// The part of a step that goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Which one it is, from 1.
    pub number: usize,
    /// Of how many.
    pub of: Option<usize>,
    /// How long it has gone on.
    pub elapsed_s: Option<f64>,
    /// How long it took the last time.
    pub expected_s: Option<f64>,
    /// What the whole step still takes, going by the last time.
    pub step_left_s: Option<f64>,
}

impl Part {
    /// The part at which a step is that has run for so many seconds.
    pub fn of(told: &Substeps, before: &Before, step_elapsed_s: Option<f64>) -> Option<Self> {
        let (number, newest) = told.newest()?;
        let elapsed_s = step_elapsed_s
            .zip(newest.began_s)
            .map(|(now, began)| newest.duration_s.unwrap_or((now - began).max(0.0)));
        let known = position(told, &before.parts).map(|at| &before.parts[at]);
        let planned = told.of.and_then(|of| usize::try_from(of).ok());
        let usual = known.is_some().then_some(before.parts.len());
        let of = planned.or(usual).filter(|of| *of >= number);
        Some(Self {
            name: newest.name.clone(),
            number,
            of,
            elapsed_s,
            expected_s: known.and_then(|part| part.duration_s),
            step_left_s: known.and_then(|part| left(part, newest, before, elapsed_s?)),
        })
    }

    /// `compile (2 of 5)`
    pub fn title(&self) -> String {
        let name = clean_line(&self.name);
        match self.of {
            Some(of) => format!("{name} ({} of {of})", self.number),
            None => name.into_owned(),
        }
    }
}

/// Where the newest part stands in the list of the last time: that of the same name, or of those the
/// one that came as often before.
fn position(told: &Substeps, before: &[Substep]) -> Option<usize> {
    let newest = told.parts.last()?;
    let namesakes = told.parts.iter().filter(|part| part.name == newest.name);
    let same = |(_, part): &(usize, &Substep)| part.name == newest.name;
    let found = before
        .iter()
        .enumerate()
        .filter(same)
        .nth(namesakes.count() - 1);
    found.map(|(at, _)| at)
}

/// What is left of a step whose part `newest` has gone on for `elapsed_s`, and was `part` the last
/// time.
fn left(part: &Substep, newest: &Substep, before: &Before, elapsed_s: f64) -> Option<f64> {
    let (began, took) = (part.began_s?, part.duration_s?);
    let after = (before.duration_s? - began - took).max(0.0);
    if newest.duration_s.is_some() {
        return Some(after);
    }
    // One that takes longer than expected is never quite done.
    Some(after + (took - elapsed_s).max(elapsed_s * (OVERDUE - 1.0)))
}

/// `compile (2 of 5), 3 min 10 s of about 20 min`
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title())?;
        if let Some(elapsed) = self.elapsed_s {
            write!(f, ", {}", seconds(elapsed))?;
        }
        match (self.elapsed_s, self.expected_s) {
            (Some(_), Some(expected)) => write!(f, " of about {}", seconds(expected)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(&str, f64, Option<f64>)]) -> Vec<Substep> {
        let one = |(name, began, took): &(&str, f64, Option<f64>)| Substep {
            name: (*name).into(),
            began_s: Some(*began),
            duration_s: *took,
        };
        list.iter().map(one).collect()
    }

    fn told(list: &[(&str, f64, Option<f64>)]) -> Substeps {
        Substeps {
            parts: parts(list),
            ..Substeps::default()
        }
    }

    fn before() -> Before {
        Before {
            parts: parts(&[
                ("configure", 1.0, Some(9.0)),
                ("make", 10.0, Some(80.0)),
                ("make", 90.0, Some(6.0)),
            ]),
            duration_s: Some(100.0),
        }
    }

    #[test]
    fn a_part_is_known_by_its_name_and_how_often_that_came() {
        let now = told(&[("configure", 2.0, Some(18.0)), ("make", 20.0, None)]);
        let part = Part::of(&now, &before(), Some(40.0)).unwrap();
        assert_eq!((part.number, part.of), (2, Some(3)));
        assert_eq!((part.elapsed_s, part.expected_s), (Some(20.0), Some(80.0)));
        assert_eq!(part.step_left_s, Some(60.0 + 10.0));
        assert_eq!(part.to_string(), "make (2 of 3), 20 s of about 1 min 20 s");
        let again = told(&[("make", 20.0, Some(1.0)), ("make", 30.0, None)]);
        let part = Part::of(&again, &before(), Some(40.0)).unwrap();
        assert_eq!(part.expected_s, Some(6.0));
        assert!(
            (part.step_left_s.unwrap() - 6.5).abs() < 1e-9,
            "overdue: {part:?}"
        );
        let third = told(&[("make", 1.0, None); 3]);
        assert_eq!(
            Part::of(&third, &before(), Some(2.0)).unwrap().expected_s,
            None
        );
    }

    #[test]
    fn what_was_never_told_before_says_nothing_about_the_time() {
        let now = told(&[("new", 5.0, None)]);
        let part = Part::of(&now, &before(), Some(7.0)).unwrap();
        assert_eq!((part.elapsed_s, part.step_left_s), (Some(2.0), None));
        assert_eq!(part.to_string(), "new, 2.0 s");
        assert_eq!(Part::of(&told(&[]), &before(), Some(7.0)), None);
        let over = told(&[("configure", 2.0, Some(3.0))]);
        let part = Part::of(&over, &before(), Some(7.0)).unwrap();
        assert_eq!((part.elapsed_s, part.step_left_s), (Some(3.0), Some(90.0)));
    }
}
