//! A snapshot of the root after a step.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::commands::{Context, vaults};
use crate::failure::Failure;
use crate::plan::{Checkpoint, Plan, Step};
use crate::run::Attempt;
use crate::store::Keep;
use crate::ui::{counted, size, style};
use crate::vault::{self, Created, SnapshotInfo, Source, Vault};

/// A checkpoint was taken.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Taken {
    event: String,
    step: String,
    snapshot: String,
    files: u64,
    bytes_added: u64,
    duration_s: f64,
    missing: usize,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!(
            "      snapshot of {}, {} new, {:.1} s",
            counted(self.files, "file"),
            size(self.bytes_added),
            self.duration_s
        );
        writeln!(f, "{}", style::faint(line))?;
        match self.missing {
            0 => Ok(()),
            missing => writeln!(
                f,
                "      {} of the files could not be read",
                style::notable(missing)
            ),
        }
    }
}

/// Takes a snapshot after `step`, if the plan wants one and there is a root.
///
/// A snapshot that cannot be taken is a warning: the step is done all the same. Returns what was
/// taken.
pub(super) fn after(
    cx: &mut Context,
    keep: &Keep,
    plan: &Plan,
    (step, attempt, with): (&Step, &Attempt, Vec<vault::Step>),
) -> Option<Taken> {
    let is_wanted = step.checkpoint == Checkpoint::After;
    let root = plan.root.as_deref().filter(|_| is_wanted)?;
    let source = Source::new(root.to_owned(), vaults::set_name(root));
    let info = SnapshotInfo {
        host: keep.host(),
        op: cx.op.clone(),
        step: Some(named(step, attempt)),
        with,
        reason: None,
        back_to: None,
    };
    let what = format!("snapshot after {}", step.id);
    let world = cx.world.clone();
    let taken = Vault::open_or_create(&vault::default_path(&keep.private(""))).and_then(|vault| {
        vaults::shown(&mut cx.ui, &what, |counter| {
            vault::create(&vault, &source, &info, &world, counter)
        })
    });
    match taken {
        Ok(created) => {
            let taken = told(&step.id, &created);
            super::say(cx, &taken);
            Some(taken)
        }
        Err(error) => {
            let failure = Failure::from(error);
            cx.ui.warn(format!(
                "no snapshot after {}: {}",
                step.id,
                failure.message()
            ));
            None
        }
    }
}

/// Takes the snapshot after a step that an earlier command was killed before it took.
pub(super) fn make_up(
    cx: &mut Context,
    keep: &Keep,
    plan: &Plan,
    attempt: &Attempt,
) -> Result<(), Failure> {
    let Some(step) = plan.steps.iter().find(|step| step.id == attempt.spec.step) else {
        return Ok(());
    };
    let taken = match vaults::default_vault(keep)? {
        Some(vault) => vault.snapshots()?,
        None => Vec::new(),
    };
    let is_of_attempt = |step: &vault::Step| step.attempt == attempt.spec.attempt;
    if !taken
        .iter()
        .any(|taken| taken.step.as_ref().is_some_and(is_of_attempt))
    {
        after(cx, keep, plan, (step, attempt, Vec::new()));
    }
    Ok(())
}

/// A step as its checkpoint names it.
pub(super) fn named(step: &Step, attempt: &Attempt) -> vault::Step {
    vault::Step {
        id: step.id.clone(),
        run: attempt.spec.run.clone(),
        attempt: attempt.spec.attempt.clone(),
    }
}

fn told(step: &str, created: &Created) -> Taken {
    Taken {
        event: "checkpoint".into(),
        step: step.to_owned(),
        snapshot: created.snapshot.tag.clone(),
        files: created.snapshot.files,
        bytes_added: created.bytes_added,
        duration_s: (created.duration.as_secs_f64() * 1000.0).round() / 1000.0,
        missing: created
            .problems
            .iter()
            .filter(|problem| problem.is_loss())
            .count(),
    }
}
