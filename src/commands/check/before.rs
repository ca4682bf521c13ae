//! The quick checks of the sets that buildkeep.toml names, before a run starts.
use std::time::Duration;

use super::seat::{Site, stage_of};
use super::survey::{From, Sets, Survey};
use super::{Args, configured, configured_sets, from, history, is_about, machine, of_now};
use crate::check::{self, Check, EnvIs, Outcome, Probe, Status, Tier, Wanted};
use crate::commands::Context;
use crate::commands::project::Project;
use crate::failure::Failure;
use crate::plan::Step;
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
    site: Site<'_>,
    step: &Step,
) -> Result<(), Failure> {
    let keep = site.keep;
    let mut names = configured_sets(keep)?;
    if names.is_empty() {
        return Ok(());
    }
    let sets = Sets::new(check::own_texts(keep.root())?)?.and(&names)?;
    let stage = stage_of(&step.id);
    names.retain(|name| is_about(sets.stages(name), stage.as_deref().unwrap_or_default()));
    let args = Args {
        stage,
        ..Args::default()
    };
    let mut machine = machine(cx, (Some(keep), None), &args);
    machine.root.clone_from(&site.plan.root);
    let survey = Survey::new(cx, (&sets, &names), &From::Next(site, step), &machine)?;
    let survey = survey.narrowed(&quick())?.without(is_told_by_the_run);
    let report = survey.look(Some(PATIENCE));
    if report.is_good() {
        return Ok(());
    }
    history::record(cx, keep, &report, None);
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

/// What fails of the quick checks of the sets that buildkeep.toml names, as things stand.
pub(in crate::commands) fn failing(cx: &Context, keep: &Keep) -> Result<Vec<String>, Failure> {
    if configured_sets(keep)?.is_empty() {
        return Ok(Vec::new());
    }
    let sets = Sets::new(check::own_texts(keep.root())?)?;
    let project = Project::of(cx, keep.clone()).ok();
    let names = configured(keep, &sets)?;
    let sets = sets.and(&names)?;
    let names = of_now(names, project.as_ref(), &sets)?;
    let args = Args::default();
    let machine = machine(cx, (Some(keep), project.as_ref()), &args);
    let from = from(project.as_ref(), &args)?;
    let survey = Survey::new(cx, (&sets, &names), &from, &machine)?.narrowed(&quick())?;
    let results = survey.look(Some(PATIENCE)).results.into_iter();
    let failed = results.filter(|one| one.status == Status::Fail);
    Ok(failed.map(|one| told(&one)).collect())
}

fn quick() -> Wanted {
    Wanted {
        tier: Tier::Fast,
        only: Vec::new(),
        skip: Vec::new(),
    }
}

fn told(outcome: &Outcome) -> String {
    let found = outcome.found.as_deref().unwrap_or("nothing");
    clean_line(&format!("{} (found: {found})", outcome.what)).to_string()
}

fn is_told_by_the_run(check: &Check) -> bool {
    matches!(check.probe, Probe::Env(EnvIs::Unset(_) | EnvIs::Umask(_)))
}
