//! `backup push`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context, push};
use crate::failure::Failure;
use crate::store::{PushOutcome, PushedRef};
use crate::ui::{clean, counted, size};

/// Send any vault anywhere; `buildkeep push` sends the one in the keep, with all else
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A remote of the keep, any Git URL, or a folder
    remote: String,
    /// The name of the vault there
    #[arg(long, default_value = "default", value_name = "NAME")]
    name: String,
    #[command(flatten)]
    batch: push::Batch,
    #[command(flatten)]
    vault: VaultArg,
}

/// What was sent.
#[derive(Debug, Serialize)]
struct Outcome {
    remote: String,
    bytes: u64,
    refs: Vec<PushedRef>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = |pushed: &&PushedRef| pushed.outcome == PushOutcome::Created;
        let remote = clean(&self.remote);
        for pushed in self.refs.iter().filter(|pushed| pushed.is_rejected()) {
            writeln!(
                f,
                "rejected {} {}",
                clean(&pushed.name),
                clean(&pushed.summary)
            )?;
        }
        match self.refs.iter().filter(new).count() as u64 {
            0 => writeln!(f, "nothing new for {remote}"),
            count => writeln!(
                f,
                "{} sent to {remote}, {}",
                counted(count, "snapshot"),
                size(self.bytes)
            ),
        }
    }
}

/// Runs the command; the answer is no if the remote did not take all.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let git = cx.git()?;
    let url = crate::commands::there::url_of(cx, &git, &args.remote)?;
    let place = push::Place {
        remote: &args.remote,
        url: &url,
        name: &args.name,
        batch: &args.batch,
    };
    let sent = push::send(cx, &vault, &git, &place)?;
    let is_whole = !sent.refs.iter().any(PushedRef::is_rejected);
    cx.ui.show(&Outcome {
        remote: args.remote.clone(),
        bytes: sent.bytes,
        refs: sent.refs,
    })?;
    Ok(Answer::of(is_whole))
}
