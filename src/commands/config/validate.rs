//! `config validate`
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context, versions};
use crate::config::{Files, Role, Sources};
use crate::document::{Problem, render};
use crate::failure::Failure;
use crate::ui::style;

/// Check every configuration file, overlay, plan.toml and buildkeep.toml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As it was in a version, tag, date or commit
    #[arg(long, value_name = "REVISION", conflicts_with = "staged")]
    at: Option<String>,
    /// As plain `git commit` would commit it
    #[arg(long)]
    staged: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Validated {
    valid: bool,
    files: usize,
    errors: Vec<Problem>,
}

impl fmt::Display for Validated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.files, "file");
        if self.valid {
            return writeln!(f, "{} {files} checked", style::good("valid:"));
        }
        let errors = counted(self.errors.len(), "error");
        writeln!(
            f,
            "{}\n\n{}",
            render(&self.errors),
            style::bad(format!("{errors} in {files}"))
        )
    }
}

/// Runs the command; the answer is no if something is wrong.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let files = match &args.at {
        Some(at) => Files::of_commit(keep.repo(), versions::resolve(&keep, at)?)?,
        None if args.staged => Files::of_index(keep.repo(), None)?,
        None => Files::of_work_tree(&keep)?,
    };
    let errors = Sources::read(&files)?.problems().to_vec();
    let checked = files
        .iter()
        .filter(|(_, role, _)| !matches!(role, Role::Schema(_)));
    let validated = Validated {
        valid: errors.is_empty(),
        files: checked.count(),
        errors,
    };
    cx.ui.show(&validated)?;
    Ok(Answer::of(validated.valid))
}

fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
