//! `checkpoint`
use super::backup::Snapshots;
use super::vaults::VaultArg;
use super::{Answer, Context};
use crate::failure::Failure;
use crate::vault::Snapshot;

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
    let wanted = |snapshot: &Snapshot| {
        let step = snapshot.step.as_ref().map(|step| step.id.as_str());
        let asked = args.step.as_deref();
        step.is_some_and(|step| asked.is_none_or(|asked| is_meant(step, asked)))
    };
    let snapshots = Snapshots::of(cx, &args.vault, wanted)?;
    cx.ui.show(&snapshots)?;
    Ok(Answer::Yes)
}

/// A step is meant by its id or an end of it.
fn is_meant(step: &str, asked: &str) -> bool {
    step.strip_suffix(asked)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
