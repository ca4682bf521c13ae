//! `checkpoint`
use super::backup::{Listed, Snapshots};
use super::vaults::VaultArg;
use super::{Answer, Context};
use crate::failure::Failure;

/// List the snapshots that were taken after steps
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List checkpoints, oldest first
    List(List),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only those after this step
    step: Option<String>,
    #[command(flatten)]
    vault: VaultArg,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let Verb::List(args) = &args.verb;
    let path = args.vault.path(cx)?;
    let mut snapshots = Vec::new();
    if path.join("HEAD").exists() || args.vault.is_named() {
        for snapshot in args.vault.open(cx)?.snapshots()? {
            let step = snapshot.step.as_ref().map(|step| &step.id);
            if step.is_some() && (args.step.is_none() || step == args.step.as_ref()) {
                snapshots.push(Listed::from(snapshot));
            }
        }
    }
    cx.ui.show(&Snapshots { snapshots })?;
    Ok(Answer::Yes)
}
