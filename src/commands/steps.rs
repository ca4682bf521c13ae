//! From what people type to a checkpoint, and to the snapshot before it.
use super::Context;
use super::vaults::{VaultArg, default_vault};
use crate::failure::Failure;
use crate::store::Keep;
use crate::vault::{Snapshot, Vault, checkpoint, lineage, newest};

/// A checkpoint in its vault.
pub(super) struct Checkpoint {
    /// The vault.
    pub(super) vault: Vault,
    /// All its snapshots, oldest first.
    pub(super) all: Vec<Snapshot>,
    /// The number of the checkpoint among them.
    at: usize,
}

impl Checkpoint {
    /// The newest one after the step called `name`, in the vault that is meant.
    pub(super) fn of(cx: &Context, vault: &VaultArg, name: &str) -> Result<Self, Failure> {
        let all = vault.open(cx)?;
        match Self::in_vault(all, name)? {
            Some(found) => Ok(found),
            None => Err(none(cx.keep().ok().as_ref(), name)),
        }
    }

    /// The same in the vault of a keep; nothing if there is no such checkpoint.
    pub(super) fn in_keep(keep: &Keep, name: &str) -> Result<Option<Self>, Failure> {
        match default_vault(keep)? {
            Some(vault) => Self::in_vault(vault, name),
            None => Ok(None),
        }
    }

    fn in_vault(vault: Vault, name: &str) -> Result<Option<Self>, Failure> {
        let all = vault.snapshots()?;
        let at = checkpoint(&all, name);
        Ok(at.map(|at| Self { vault, all, at }))
    }

    /// The checkpoint itself.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.all[self.at]
    }

    /// The snapshot of the state from which the step began.
    pub(super) fn before(&self) -> Option<&Snapshot> {
        let line = lineage(&self.all, self.at);
        Some(&self.all[*line.iter().rev().nth(1)?])
    }

    /// The state that the folder is in now, as far as snapshots tell.
    pub(super) fn newest(&self) -> usize {
        newest(&self.all, self.at)
    }

    /// The ids of its steps: of one, unless several ran together.
    pub(super) fn steps(&self) -> String {
        let steps = self.snapshot().steps().map(|step| &*step.id);
        steps.collect::<Vec<_>>().join(", ")
    }

    /// Says what a reader could take for more than it is.
    pub(super) fn warn(&self, cx: &mut Context) {
        let steps = self.steps();
        if self.before().is_none() {
            cx.ui.warn(format!(
                "nothing was snapshot before {steps}: whatever was there counts as its own"
            ));
        }
        if !self.snapshot().with.is_empty() {
            cx.ui.warn(format!(
                "{steps} ran together: this is what all of them did, up to the one checkpoint after them"
            ));
        }
    }
}

/// Why there is no checkpoint of a step, and what to do about it.
pub(super) fn none(keep: Option<&Keep>, name: &str) -> Failure {
    let plan = keep.and_then(|keep| super::plan::load(keep).ok());
    match plan.as_ref().map(|plan| plan.find(name)) {
        Some(Ok(step)) => Failure::user(format!("there is no checkpoint after {}", step.id))
            .hint("one is taken when a step succeeds, if plan.toml says `checkpoint = \"after\"`")
            .hint("list those that are there: `buildkeep checkpoint list`"),
        Some(Err(error)) => Failure::from(error)
            .hint("list the checkpoints that are there: `buildkeep checkpoint list`"),
        None => Failure::user(format!("there is no checkpoint after `{name}`"))
            .hint("list those that are there: `buildkeep checkpoint list`"),
    }
}
