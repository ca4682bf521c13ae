//! Keeping what a restore replaces.
use std::path::PathBuf;

use super::plan::Plan;
use crate::vault::{Created, Error, Only, Problem, Progress, SnapshotInfo, Source, Vault, create};
use crate::world::World;

/// Why such a snapshot is taken.
pub const REASON: &str = "before restore";

/// Takes a snapshot of the files that the plan replaces or removes, and of those whose attributes it changes;
/// none if it replaces nothing. An error if one of them could not be kept.
pub fn keep_replaced(
    vault: &Vault,
    plan: &Plan,
    info: &SnapshotInfo,
    world: &World,
    progress: &(dyn Progress + Sync),
) -> Result<Option<Created>, Error> {
    if plan.replaced.is_empty() && plan.removed.is_empty() {
        return Ok(None);
    }
    let source = Source {
        only: Some(plan.touched.iter().cloned().collect::<Only>()),
        ..Source::new(plan.to.clone(), plan.snapshot.set.clone())
    };
    let created = create(vault, &source, info, world, progress)?;
    match created.problems.iter().find(|problem| problem.is_loss()) {
        None => Ok(Some(created)),
        Some(problem) => Err(not_kept(plan.to.join(&problem.path), problem)),
    }
}

fn not_kept(path: PathBuf, problem: &Problem) -> Error {
    Error::NotKept {
        path,
        reason: problem
            .reason
            .clone()
            .unwrap_or_else(|| "it is changing".to_owned()),
    }
}
