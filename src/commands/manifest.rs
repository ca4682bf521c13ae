//! `manifest`
use super::steps::Checkpoint;
use super::trees::FileList;
use super::vaults::VaultArg;
use super::{Answer, Context};
use crate::failure::Failure;

/// List the files that a step installed, by its checkpoint: a package file list
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step: its id, or the end of it
    step: String,
    #[command(flatten)]
    vault: VaultArg,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let found = Checkpoint::of(cx, &args.vault, &args.step)?;
    let list = FileList::of(&found.vault, (found.before(), found.snapshot()))?;
    cx.ui.show(&list)?;
    cx.ui
        .status(format!("{}: {}", found.steps(), list.summary()));
    found.warn(cx);
    Ok(Answer::Yes)
}
