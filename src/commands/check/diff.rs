//! `check --diff`: what changed on this machine.
use std::fmt;

use serde::Serialize;

use super::Site;
use crate::check::FactChange;
use crate::commands::{Answer, Context, facts, versions};
use crate::failure::Failure;
use crate::store::{Commit, Keep};
use crate::ui::{clean, style};
use crate::world::rfc3339;

/// What changed on this machine since something was built.
#[derive(Debug, Serialize)]
struct Difference {
    /// What it is compared with.
    with: String,
    /// The run that this was, if it was one.
    run: Option<String>,
    /// When that was, RFC 3339.
    since: String,
    changes: Vec<FactChange>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.since.get(..16).unwrap_or_default().replace('T', " ");
        let with = clean(&self.with);
        if self.changes.is_empty() {
            return writeln!(f, "this machine is as it was at {with} ({time})");
        }
        writeln!(f, "this machine, since {with} ({time}):")?;
        for change in &self.changes {
            let told = change.to_string();
            writeln!(f, "  {}", style::notable(clean(&told)))?;
        }
        Ok(())
    }
}

/// Tells what is different from what was noted at `spec`: a run, a version; the last good build if
/// it is empty.
pub(super) fn show(
    cx: &mut Context,
    (keep, site): (&Keep, Option<Site<'_>>),
    spec: &str,
) -> Result<Answer, Failure> {
    let (with, commit) = match spec {
        "" => good(keep)?,
        spec => named(keep, spec)?,
    };
    let Some(before) = facts::at(keep, commit.id)? else {
        return Err(
            Failure::user(format!("what this machine was at {with} was not noted"))
                .hint("runs and `buildkeep check` note it from now on"),
        );
    };
    let root = site.and_then(|site| site.plan.root.as_deref());
    let changes = facts::look(cx, keep, root).changes(&before);
    cx.ui.show(&Difference {
        with,
        run: commit.message.trailers.get("Run").map(str::to_owned),
        since: rfc3339(commit.author.time.to_utc()),
        changes,
    })?;
    Ok(Answer::Yes)
}

fn is_of_run(commit: &Commit, run: &str) -> bool {
    let own = commit.message.trailers.get("Run");
    own.is_some_and(|own| own.eq_ignore_ascii_case(run))
}

/// The newest build that was finished; without one, the newest step that succeeded.
fn good(keep: &Keep) -> Result<(String, Commit), Failure> {
    let tags = keep.repo().refs("refs/tags/good/")?;
    let runs = tags.iter().filter_map(|(name, _)| name.rsplit('/').next());
    // Names of runs begin with the time.
    if let Some(run) = runs.max()
        && let Some(commit) = facts::newest(keep, |commit| is_of_run(commit, run))?
    {
        return Ok(("the last good build".into(), commit));
    }
    let is_success = |commit: &Commit| commit.message.trailers.get("State") == Some("succeeded");
    match facts::newest(keep, is_success)? {
        Some(commit) => {
            let step = commit.message.trailers.get("Step").unwrap_or("a step");
            Ok((format!("the last success, of {step}"), commit))
        }
        None => Err(Failure::user("nothing was built on this machine yet")
            .hint("what it is now: `buildkeep check`, and then `host.toml` of the state branch")),
    }
}

/// A run, or the newest build of a version.
fn named(keep: &Keep, spec: &str) -> Result<(String, Commit), Failure> {
    if let Some(commit) = facts::newest(keep, |commit| is_of_run(commit, spec))? {
        return Ok((format!("run {spec}"), commit));
    }
    let version = versions::resolve(keep, spec)?.to_string();
    let is_of_it = |commit: &Commit| commit.message.trailers.get("Config") == Some(&version);
    match facts::newest(keep, is_of_it)? {
        Some(commit) => Ok((format!("the last step built from {spec}"), commit)),
        None => Err(
            Failure::user(format!("nothing was built from {spec} on this machine"))
                .hint("runs and what they built: `buildkeep log --kind run`"),
        ),
    }
}
