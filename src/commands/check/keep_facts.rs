//! What a keep knows, for checks about it.
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::check::{KeepFacts, Need};
use crate::commands::Context;
use crate::commands::past::Past;
use crate::commands::project::Project;
use crate::commands::run::manifests;
use crate::config::{Files, Sources, secrets};
use crate::failure::Failure;
use crate::fs::mounts;
use crate::plan::{Mounts, Plan};
use crate::run::{AttemptState, Manifest, Runs, left_cgroups};
use crate::store::Keep;

/// Gathers it.
pub(super) fn gather(
    cx: &Context,
    keep: &Keep,
    project: Option<&Project>,
) -> Result<KeepFacts, Failure> {
    let runs = Runs::new(keep.private("runs"));
    let open = runs.open(&cx.world.clock)?;
    let is_active = runs.is_active()?;
    let running = open.last().filter(|_| is_active).map(|run| {
        let record = run.record();
        let since = record
            .started
            .get(..16)
            .unwrap_or_default()
            .replace('T', " ");
        format!("`buildkeep {}`, since {since}", record.argv.join(" "))
    });
    let cut_off = open.iter().filter(|_| !is_active);
    let plan = project.map(|project| &project.plan);
    let manifests = manifests(keep)?;
    Ok(KeepFacts {
        interrupted: cut_off.map(|run| format!("run {}", run.id())).collect(),
        mounts: match plan {
            Some(plan) if running.is_none() => leftover(plan),
            _ => Vec::new(),
        },
        cgroups: left_cgroups(),
        secrets: secrets_in(cx, keep)?,
        needs: plan
            .map(|plan| needs(keep, plan, &manifests))
            .transpose()?
            .unwrap_or_default(),
        running,
    })
}

/// What is mounted in the root, the deepest first, if steps bring their own mounts along.
fn leftover(plan: &Plan) -> Vec<PathBuf> {
    let Some(root) = plan.root.as_ref().and_then(|root| root.canonicalize().ok()) else {
        return Vec::new();
    };
    let wants_them = |mounts: Mounts| mounts == Mounts::None;
    if plan
        .steps
        .iter()
        .any(|step| wants_them(step.runs_as.mounts) && step.runs_as.chroot)
    {
        return Vec::new();
    }
    let virtual_kinds = ["devtmpfs", "devpts", "proc", "sysfs"];
    let places = ["dev", "proc", "sys", "run"].map(|name| root.join(name));
    let is_left = |place: &PathBuf, kind: &str| {
        let is_usual = places.iter().any(|usual| place.starts_with(usual));
        is_usual || (place.starts_with(&root) && virtual_kinds.contains(&kind))
    };
    let all = mounts().into_iter();
    let mut left: Vec<PathBuf> = all
        .filter(|mount| mount.place != root && is_left(&mount.place, &mount.kind))
        .map(|mount| mount.place)
        .collect();
    left.sort();
    left.dedup();
    left.reverse();
    left
}

/// Where configuration looks as if it held a secret; what it is stays there.
fn secrets_in(cx: &Context, keep: &Keep) -> Result<Vec<String>, Failure> {
    let files = Files::of_work_tree(keep)?;
    let Ok(sources) = Sources::read(&files) else {
        return Ok(Vec::new());
    };
    let texts = files.iter().map(|(path, _, bytes)| (path, bytes));
    let found = secrets::check(&sources, texts, cx.world.clock.now().date_naive());
    let place = |problem: crate::document::Problem| format!("{}:{}", problem.file, problem.line);
    Ok(found.into_iter().map(place).collect())
}

/// The room that steps need which are not done.
fn needs(
    keep: &Keep,
    plan: &Plan,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<Vec<Need>, Failure> {
    let past = Past::of(keep)?;
    let is_done = |manifest: &Manifest| manifest.state == AttemptState::Succeeded;
    let left = plan.steps.iter().filter_map(|step| {
        let manifest = manifests.get(&step.id);
        if manifest.is_some_and(is_done) {
            return None;
        }
        Some(Need {
            step: step.id.clone(),
            place: plan.root.clone().unwrap_or_else(|| step.workdir.clone()),
            bytes: past.disk(step, manifest)?,
        })
    });
    Ok(left.collect())
}
