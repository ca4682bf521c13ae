//! Why there is no plan.
use std::fmt::{self, Write as _};

use super::Unfit;
use crate::document::{self, Problem, code};
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

impl Error {
    /// What is wrong with the plan, each problem at its place; other errors stay errors.
    pub fn into_problems(self) -> Result<Vec<Problem>, Self> {
        match self {
            Self::Document(problems) => Ok(problems),
            Self::Unfit(unfit) => Ok(unfit.iter().map(unfit_problem).collect()),
            Self::SameId(same) => {
                let one = |same: &SameId| {
                    Problem::in_file(code::SAME_STEP, "plan.toml", same.to_string())
                        .help("rename one of them, or give it another `id` in plan.toml")
                };
                Ok(same.iter().map(one).collect())
            }
            other => Err(other),
        }
    }
}

fn unfit_problem(unfit: &Unfit) -> Problem {
    let file = unfit.path.display().to_string();
    Problem::in_file(code::UNFIT_SCRIPT, &file, unfit.fault.to_string()).help(unfit.fix())
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

impl fmt::Display for SameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.files.as_slice() {
            [first, second] => write!(f, "{first} and {second} would both"),
            [first, second, more @ ..] => {
                write!(f, "{first}, {second} and {} more would all", more.len())
            }
            few => write!(f, "{} would", few.join("")),
        }?;
        write!(f, " be the step `{}`", self.id)
    }
}

fn same(same: &[SameId]) -> String {
    let lines = same.iter().map(SameId::to_string);
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
