//! `backup diff`
use std::path::PathBuf;

use crate::commands::trees::{TreeDiff, Wanted};
use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;

/// Show what differs between two snapshots
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The older one: its tag or a part of it, a commit, or the step of a checkpoint
    before: String,
    /// The newer one
    after: String,
    /// Only at and below these paths in them
    paths: Vec<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    vault: VaultArg,
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let (before, after) = (vault.find(&args.before)?, vault.find(&args.after)?);
    let all = vault.snapshots()?;
    let sides = (Some(&before), &after);
    let diff = TreeDiff::of(cx, (&vault, &all), sides, (&args.paths, &args.wanted))?;
    cx.ui.show(&diff)?;
    Ok(Answer::Yes)
}
