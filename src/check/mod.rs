//! Is this machine fit for the build?
//!
//! The model: a [`Set`] is data, built in (`templates/checks/*.toml`) or the keep's own
//! (`checks/*.toml`). [`resolve`] turns names of sets into a list of [`Check`]s; [`run`] looks at
//! the machine, in parallel and with a deadline for each and for all, and makes a [`Report`]. What
//! cannot be found out is `unknown`, never a failure. Looking changes nothing.

mod cache;
mod catalogue;
mod definition;
mod facts;
mod fix;
mod format;
mod host;
mod probe;
mod program;
mod read;
mod report;
mod requirement;
mod run;
mod select;
mod tool;
mod units;
mod version;

pub use catalogue::{
    BUILT_IN, built_in, built_in_for, own, own_of, own_texts, problems, resolve, set_at,
};
pub use definition::{Check, Fix, Fixes, Named, Rights, Set, Severity, Tier, Waiver, When};
pub use facts::{FACT_TOOLS, FactChange, Facts, ToolFact};
pub use fix::{Family, typed};
pub use format::{junit, sarif, tap};
pub use host::{Host, Machine, Os, without_places};
pub use probe::{
    Ability, Amount, CompileIs, EnvIs, Feature, FileIs, FileMust, FilesystemIs, KeepFacts, KeepIs,
    KernelIs, Language, Make, Need, Probe, Resource, SecurityIs, ToolIs, Trait,
};
pub use report::{Outcome, Report, Status, Summary, View};
pub use requirement::Requirement;
pub use run::{run, unknown};
pub use select::{Selection, Wanted};
pub use tool::{find_tool, version_line};
pub use version::Version;

use crate::document::{self, Problem};
use crate::fs::PathError;

/// Why there is nothing to check with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The schema that came with the program is damaged.
    #[error(transparent)]
    Schema(#[from] document::Error),
    /// A file of checks is not right, in at least one place.
    #[error("{}", first_of(.0))]
    Document(Vec<Problem>),
    /// There is no such set.
    #[error("there is no set of checks `{name}`")]
    UnknownSet {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// There is no such check in the sets that are run.
    #[error("there is no check `{name}` in these sets")]
    UnknownCheck {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
}

impl Error {
    /// There is no check of this name among `ids`.
    pub fn unknown_check<'a>(name: &str, ids: impl Iterator<Item = &'a str>) -> Self {
        Self::UnknownCheck {
            name: name.to_owned(),
            nearest: document::nearest(name, ids).map(str::to_owned),
        }
    }
}

fn first_of(problems: &[Problem]) -> String {
    match problems.first() {
        Some(first) => format!("{}:{}: {}", first.file, first.line, first.message),
        None => "a file of checks is not right".into(),
    }
}
