//! `checkpoint`
use std::path::PathBuf;

use super::backup::{self, Snapshots};
use super::steps::{Checkpoint, none};
use super::there::ReadArg;
use super::trees::{TreeDiff, Wanted};
use super::vaults::VaultArg;
use super::{Answer, Context};
use crate::failure::Failure;
use crate::vault::{self, Snapshot};

/// List, compare and restore the snapshots that were taken after steps
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List checkpoints, oldest first
    List(List),
    /// Show what differs between the states after two steps
    Diff(Diff),
    /// Restore the state after a step, or parts of it; `rollback --tree` also marks later steps
    Restore(backup::RestoreArgs),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only those after this step
    step: Option<String>,
    #[command(flatten)]
    vault: ReadArg,
}

#[derive(Debug, clap::Args)]
struct Diff {
    /// The earlier step
    before: String,
    /// The later step; without it the newest snapshot
    after: Option<String>,
    /// Only at and below these paths in them
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    vault: VaultArg,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.verb {
        Verb::List(args) => list(cx, args),
        Verb::Diff(args) => diff(cx, args),
        Verb::Restore(args) => backup::restore(cx, args),
    }
}

fn diff(cx: &mut Context, args: &Diff) -> Result<Answer, Failure> {
    let found = Checkpoint::of(cx, &args.vault, &args.before)?;
    let (vault, all, before) = (&found.vault, &found.all, found.snapshot());
    let after = match &args.after {
        Some(name) => {
            vault::checkpoint(all, name).ok_or_else(|| none(cx.keep().ok().as_ref(), name))?
        }
        None => found.newest(),
    };
    let sides = (Some(before), &all[after]);
    let diff = TreeDiff::of(cx, (vault, all), sides, (&args.paths, &args.wanted))?;
    cx.ui.show(&diff)?;
    Ok(Answer::Yes)
}

fn list(cx: &mut Context, args: &List) -> Result<Answer, Failure> {
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
