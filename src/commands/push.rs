//! `push`
use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::gate::{Passing, examine};
use super::{Answer, Context};
use crate::config::Judge;
use crate::document::as_size;
use crate::failure::Failure;
use crate::fs::write_durable;
use crate::store::{GitProgram, Keep, PushOutcome, PushedRef};
use crate::ui::{clean, size, style};
use crate::vault::Vault;
use crate::vault::offsite::{self, Destination, Sent};

/// Send configuration, state and vault to a remote
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which remote
    #[arg(default_value = "origin")]
    remote: String,
    /// Leave the vault here
    #[arg(long)]
    no_vault: bool,
    #[command(flatten)]
    batch: Batch,
}

/// How much is sent at once.
#[derive(Debug, clap::Args)]
pub(super) struct Batch {
    /// Send at most so much of the vault at once: a connection that breaks loses no more
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = batch)]
    batch: u64,
}

/// Where a vault goes.
pub(super) struct Place<'a> {
    /// What was typed for it.
    pub(super) remote: &'a str,
    pub(super) url: &'a str,
    /// The name of the vault there.
    pub(super) name: &'a str,
    pub(super) batch: &'a Batch,
}

/// What became of each ref.
#[derive(Debug, Serialize)]
struct Pushed {
    remote: String,
    refs: Vec<PushedRef>,
}

impl fmt::Display for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = self
            .refs
            .iter()
            .filter(|pushed| pushed.outcome != PushOutcome::UpToDate);
        let mut count = 0;
        for pushed in moved {
            count += 1;
            let name = clean(&pushed.name);
            match pushed.outcome {
                PushOutcome::Created => writeln!(f, "{} {name}", style::good("new     "))?,
                PushOutcome::Updated => writeln!(f, "{} {name}", style::good("updated "))?,
                PushOutcome::Rejected => {
                    writeln!(
                        f,
                        "{} {name} {}",
                        style::bad("rejected"),
                        clean(&pushed.summary)
                    )?;
                }
                PushOutcome::UpToDate => {}
            }
        }
        if count == 0 {
            writeln!(f, "{} has everything already", self.remote)?;
        }
        Ok(())
    }
}

/// Runs the command; the answer is no if the remote rejected something.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let git = cx.git()?;
    let remotes = git.run(keep.root(), &["remote"])?;
    if !remotes.lines().any(|name| name == args.remote) {
        return Err(
            Failure::user(format!("there is no remote `{}`", args.remote)).hint(format!(
                "add it: `buildkeep remote add {} URL`",
                args.remote
            )),
        );
    }
    gate(cx, &keep, &args.remote)?;
    let _guard = cx.lock(&keep)?;
    cx.ui.live(format!("pushing to {}", args.remote));
    let mut refs = keep.push(&git, &args.remote)?;
    cx.ui.live_end();
    if !args.no_vault
        && let Some(vault) = super::vaults::default_vault(&keep)?
    {
        let place = Place {
            remote: &args.remote,
            url: &keep.push_url(&git, &args.remote)?,
            name: "default",
            batch: &args.batch,
        };
        refs.extend(send(cx, &vault, &git, &place)?.refs);
    }
    let hints: BTreeSet<String> = refs
        .iter()
        .filter(|pushed| pushed.outcome == PushOutcome::Rejected)
        .map(|pushed| way_out(&pushed.summary, &args.remote))
        .collect();
    let rejected = !hints.is_empty();
    let moved = refs
        .iter()
        .any(|pushed| pushed.outcome != PushOutcome::UpToDate);
    if !rejected {
        record(cx, &keep, &args.remote)?;
    }
    cx.ui.show(&Pushed {
        remote: args.remote.clone(),
        refs,
    })?;
    if rejected {
        for hint in hints {
            cx.ui.hint(hint);
        }
    } else if moved {
        cx.ui.status(format!(
            "{} has the whole keep now; on another machine: `buildkeep clone URL`",
            args.remote
        ));
    }
    Ok(Answer::of(!rejected))
}

/// A size as it is typed.
fn batch(text: &str) -> Result<u64, String> {
    let size = as_size(&json!(text)).filter(|size| *size > 0);
    size.ok_or_else(|| "a size is wanted, as `256MiB`".to_owned())
}

/// Sends the vault.
pub(super) fn send(
    cx: &mut Context,
    vault: &Vault,
    git: &GitProgram,
    place: &Place<'_>,
) -> Result<Sent, Failure> {
    let to = Destination {
        git,
        url: place.url,
        name: place.name,
        batch: place.batch.batch,
    };
    let (ui, mut shown) = (&mut cx.ui, None);
    let sent = offsite::push(vault, &to, &cx.world, &mut |sending| {
        let line = format!(
            "sending the vault to {}: {} of {}",
            place.remote,
            size(sending.sent),
            size(sending.total)
        );
        if shown.as_ref() != Some(&line) {
            ui.live(&line);
            shown = Some(line);
        }
    });
    cx.ui.live_end();
    Ok(sent?)
}

/// What to do about a ref that the remote did not take, by what Git said of it.
fn way_out(summary: &str, remote: &str) -> String {
    if summary.contains("currently checked out") {
        "somebody works in that repository: push to a bare one (`git init --bare DIR`, then \
         `buildkeep remote add NAME DIR`), and pull from there"
            .to_owned()
    } else if summary.contains("hook declined") {
        "a hook of the remote refused it: what it said stands above".to_owned()
    } else {
        format!(
            "the remote has what is not here: `git pull --rebase {remote} main`, then push again"
        )
    }
}

/// Our own `git push` runs no hooks: what `pre-push` would refuse is refused here.
fn gate(cx: &mut Context, keep: &Keep, remote: &str) -> Result<(), Failure> {
    let Some(tip) = keep.repo().head()? else {
        return Ok(());
    };
    let refs = keep.repo().refs(&format!("refs/remotes/{remote}/"))?;
    let known: Vec<_> = refs.into_iter().map(|(_, id)| id).collect();
    let objects = keep.repo().objects();
    let mut judge = Judge::new(&objects, Some(keep.root()));
    let passing = Passing {
        today: cx.world.clock.now().date_naive(),
        what: "the push",
        known: &known,
        tip,
    };
    let notes = examine(&mut judge, &passing)?;
    for note in notes {
        cx.ui.status(note);
    }
    Ok(())
}

/// The time of the last success, so that `status` can show how old it is.
///
/// It stays on this machine: in the history it would be something new to push after every push.
fn record(cx: &Context, keep: &Keep, remote: &str) -> Result<(), Failure> {
    let time = cx.world.clock.stamp();
    let text = json!({"remote": remote, "time": time}).to_string() + "\n";
    Ok(write_durable(&keep.private("push.json"), text.as_bytes())?)
}
