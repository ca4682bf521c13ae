//! `backup cat`
use std::path::PathBuf;

use crate::commands::there::ReadArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::vault::content;
use crate::vault::offsite::Depth;

/// Write a file of a snapshot to standard output
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its tag or a part of it, `latest`, `latest:SET`, a commit, or the step of a checkpoint
    snapshot: String,
    /// The file in it
    path: PathBuf,
    #[command(flatten)]
    vault: ReadArg,
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let snapshot = vault.find(&args.snapshot)?;
    let wanted = (std::slice::from_ref(&args.path), Depth::All);
    vault.fetch(cx, &snapshot, wanted)?;
    let mut write = |piece: &[u8]| Ok::<_, Failure>(cx.ui.raw(piece)?);
    content::read(&vault, &snapshot, &args.path, &mut write)?;
    Ok(Answer::Yes)
}
