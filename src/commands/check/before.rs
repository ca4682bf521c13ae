//! The quick checks of the sets that buildkeep.toml names, before a run starts.
use std::time::Duration;

use super::{Args, configured_sets, history, machine};
use crate::check::{self, Outcome, Status, Tier, Wanted};
use crate::commands::Context;
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::clean_line;

/// A run is not kept waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Refuses to build on a machine that is known not to be fit; `step` is the first one to be run.
///
/// What only warns is told by `check`, and what could not be found out stops nobody. Variables and
/// umask are looked at by the run itself, which knows what the plan sets.
pub(in crate::commands) fn before_run(
    cx: &mut Context,
    keep: &Keep,
    step: &str,
) -> Result<(), Failure> {
    let names = configured_sets(keep)?;
    if names.is_empty() {
        return Ok(());
    }
    let (own, built_in) = (check::own(keep.root())?, check::built_in()?);
    let mut selection = check::resolve(&names, &own, &built_in)?.narrowed(&Wanted {
        tier: Tier::Fast,
        only: Vec::new(),
        skip: Vec::new(),
    })?;
    selection.checks.retain(|check| {
        !matches!(
            check.probe,
            check::Probe::Env(check::EnvIs::Unset(_) | check::EnvIs::Umask(_))
        )
    });
    let args = Args {
        stage: stage_of(step),
        ..Args::default()
    };
    let machine = machine(cx, Some(keep), &args);
    let report = check::run(names, &selection, &machine, Some(PATIENCE));
    if report.is_good() {
        return Ok(());
    }
    history::record(cx, keep, &report);
    let failed = report
        .results
        .iter()
        .filter(|one| one.status == Status::Fail);
    let told: Vec<String> = failed.map(told).collect();
    let mut failure = Failure::user(format!(
        "this machine is not fit for the build: {}",
        told.join("; ")
    ));
    failure = failure.hint("why, and what mends it: `buildkeep check`");
    Err(failure.hint("go on all the same: `buildkeep run --unchecked`"))
}

fn told(outcome: &Outcome) -> String {
    let found = outcome.found.as_deref().unwrap_or("nothing");
    clean_line(&format!("{} (found: {found})", outcome.what)).to_string()
}

/// The stage that a step belongs to: `chapter5` of `chapter05/gcc-pass1`.
fn stage_of(step: &str) -> Option<String> {
    let (folder, _) = step.split_once('/')?;
    let digits = folder.find(|c: char| c.is_ascii_digit());
    Some(match digits {
        Some(at) => format!("{}{}", &folder[..at], folder[at..].trim_start_matches('0')),
        None => folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::stage_of;

    #[test]
    fn a_step_tells_its_stage() {
        let stage = |step| stage_of(step).unwrap_or_default();
        assert_eq!(stage("chapter05/gcc-pass1"), "chapter5");
        assert_eq!(stage("chapter10/kernel"), "chapter10");
        assert_eq!(stage("toolchain/gcc"), "toolchain");
        assert_eq!(stage("gcc"), "");
    }
}
