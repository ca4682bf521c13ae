//! Why there is no plan.
use std::fmt::Write as _;

use super::Unfit;
use crate::document::{self, Problem};
use crate::fs::PathError;

/// Why there is no plan, or no such step in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The schema that came with the program is damaged.
    #[error(transparent)]
    Schema(#[from] document::Error),
    /// plan.toml is not right, in at least one place.
    #[error("{}", first_of(.0))]
    Document(Vec<Problem>),
    /// Files that should be steps and cannot be.
    #[error("{}", unfit(.0))]
    Unfit(Vec<Unfit>),
    /// Scripts that would be the same step.
    #[error("{}", same(.0))]
    SameId(Vec<SameId>),
    /// There is no such step.
    #[error("no step is called `{name}`")]
    Unknown {
        /// What was typed.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Several steps could be meant.
    #[error("`{name}` could be any of {} steps: {}", candidates.len(), listed(candidates))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// Their ids.
        candidates: Vec<String>,
    },
}

/// Scripts that would be the same step.
#[derive(Debug)]
pub struct SameId {
    /// The id that they would share.
    pub id: String,
    /// The scripts, as people name them.
    pub files: Vec<String>,
}

fn first_of(problems: &[Problem]) -> String {
    let Some(first) = problems.first() else {
        return "plan.toml is not right".into();
    };
    let mut text = format!(
        "{}:{}:{}: {}",
        first.file, first.line, first.column, first.message
    );
    if problems.len() > 1 {
        let _ = write!(text, " (and {} more)", problems.len() - 1);
    }
    text
}

fn unfit(unfit: &[Unfit]) -> String {
    match unfit {
        [one] => format!("{one}"),
        several => {
            let lines = several.iter().map(|unfit| format!("\n  {unfit}"));
            format!(
                "{} scripts cannot be run:{}",
                several.len(),
                lines.collect::<String>()
            )
        }
    }
}

fn same(same: &[SameId]) -> String {
    let lines = same.iter().map(|same| {
        let files = match same.files.as_slice() {
            [first, second] => format!("{first} and {second} would both"),
            [first, second, more @ ..] => {
                format!("{first}, {second} and {} more would all", more.len())
            }
            few => format!("{} would", few.join("")),
        };
        format!("{files} be the step `{}`", same.id)
    });
    lines.collect::<Vec<_>>().join("\n  ")
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
