//! `config validate`
use std::fmt;

use serde::Serialize;

use super::super::configuration::tell_old_forms;
use super::super::project::{keys, seen};
use super::super::{Answer, Context, versions};
use super::range;
use crate::config::{BUILTIN, Effective, Error, Files, Role, Scope, Sources};
use crate::document::{Document, KeyPath, Problem, code, render};
use crate::failure::Failure;
use crate::plan;
use crate::store::Keep;
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
    /// Every commit after the first one named, up to the last: `v3..v5`, `origin/main..`
    #[arg(long, value_name = "A..B", conflicts_with_all = ["at", "staged"])]
    range: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Validated {
    valid: bool,
    files: usize,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl fmt::Display for Validated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.files, "file");
        if !self.warnings.is_empty() {
            writeln!(f, "{}\n", render(&self.warnings))?;
        }
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
    if let Some(range) = &args.range {
        return range::run(cx, &keep, range);
    }
    let files = match &args.at {
        Some(at) => Files::of_commit(keep.repo(), versions::resolve(&keep, at)?)?,
        None if args.staged => Files::of_index(keep.repo(), None)?,
        None => Files::of_work_tree(&keep)?,
    };
    let sources = Sources::read(&files)?;
    tell_old_forms(cx, &sources.old_forms());
    let mut errors = sources.problems().to_vec();
    let mut warnings = sources.warnings().to_vec();
    if args.at.is_none() && !args.staged {
        let (wrong, doubtful) = plan_problems(cx, &keep, &sources)?;
        errors.extend(wrong);
        errors.extend(super::super::validate::checks_of_work_tree(&keep)?);
        warnings.extend(doubtful);
    }
    let checked = files
        .iter()
        .filter(|(_, role, _)| !matches!(role, Role::Schema(_)));
    let validated = Validated {
        valid: errors.is_empty(),
        files: checked.count(),
        errors,
        warnings,
    };
    cx.ui.show(&validated)?;
    if args.at.is_none() && !args.staged {
        tell_old_copies(cx, &files);
    }
    Ok(Answer::of(validated.valid))
}

/// The program checks by the schemas that it brings along; editors read the copies in the keep.
fn tell_old_copies(cx: &mut Context, files: &Files) {
    for (file, text) in BUILTIN {
        let path = format!("schemas/{file}");
        let name = file.trim_end_matches(".schema.json");
        if files.get(&path).is_some_and(|copy| copy != text.as_bytes()) {
            cx.ui.hint(format!(
                "{path}, which editors read, is of another buildkeep: \
                 `buildkeep config schema --export {name} >{path}`"
            ));
        }
    }
}

/// What is wrong with the plan beyond its form: scripts, needs, variables; and what is doubtful.
fn plan_problems(
    cx: &Context,
    keep: &Keep,
    sources: &Sources,
) -> Result<(Vec<Problem>, Vec<Problem>), Failure> {
    if !sources.problems().is_empty() {
        return Ok(Default::default());
    }
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    let effective = match Effective::of(sources, &scope) {
        Err(Error::Invalid(problems)) => return Ok((problems, Vec::new())),
        other => other?,
    };
    let Some(text) = sources.document(&Role::Plan).map(Document::text) else {
        return Ok(Default::default());
    };
    let keys = keys(&effective, &seen(keep)?)?;
    let plan = match plan::load(keep.root(), "plan.toml", text) {
        Ok(plan) => plan,
        Err(error) => return Ok((error.into_problems()?, Vec::new())),
    };
    let wrong = match plan.fingerprints(&keys) {
        Ok(_) => Vec::new(),
        Err(error) => error.into_problems()?,
    };
    let unknown = plan.unknown_steps(&keys).into_iter();
    let doubtful = unknown.map(|(key, step)| affects_nothing(sources, key, step));
    Ok((wrong, doubtful.collect()))
}

/// A key that names a step which does not exist would make nothing stale, without a word.
fn affects_nothing(sources: &Sources, key: &str, step: &str) -> Problem {
    let path = KeyPath::parse(key).unwrap_or_default();
    let file = sources.schemas().origin_of(&path).unwrap_or("schemas");
    let message = format!("`{key}` affects the step `{step}`, which does not exist");
    Problem::in_file(code::NO_SUCH_STEP, file, message)
        .help("correct the name in `x-buildkeep-affects`; `buildkeep plan` lists the steps")
        .as_warning()
}

fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
