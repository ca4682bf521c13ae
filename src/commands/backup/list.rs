//! `backup list`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};
use crate::vault::Snapshot;

/// List snapshots, oldest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those filed under this name
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    #[command(flatten)]
    vault: VaultArg,
}

/// A snapshot.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Listed {
    snapshot: String,
    commit: String,
    time: String,
    host: String,
    set: String,
    step: Option<String>,
    run: Option<String>,
    attempt: Option<String>,
    files: u64,
    dirs: u64,
    bytes: u64,
}

impl From<Snapshot> for Listed {
    fn from(snapshot: Snapshot) -> Self {
        let (step, run, attempt) = match snapshot.step {
            Some(step) => (Some(step.id), Some(step.run), Some(step.attempt)),
            None => (None, None, None),
        };
        Self {
            snapshot: snapshot.tag,
            commit: snapshot.commit_id.to_string(),
            time: snapshot
                .time
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            host: snapshot.host,
            set: snapshot.set,
            step,
            run,
            attempt,
            files: snapshot.files,
            dirs: snapshot.dirs,
            bytes: snapshot.bytes,
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = style::name(clean(&self.snapshot));
        write!(
            f,
            "{tag}  {}, {}",
            counted(self.files, "file"),
            size(self.bytes)
        )?;
        match &self.step {
            Some(step) => writeln!(f, "  after {}", style::strong(clean(step))),
            None => writeln!(f),
        }
    }
}

/// All of them.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Snapshots {
    pub(in crate::commands) snapshots: Vec<Listed>,
}

impl fmt::Display for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.snapshots.is_empty() {
            return writeln!(f, "no snapshots yet; take one: buildkeep backup create");
        }
        self.snapshots
            .iter()
            .try_for_each(|snapshot| snapshot.fmt(f))
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let path = args.vault.path(cx)?;
    let mut snapshots = Vec::new();
    // Without `--vault` a keep may have no vault yet.
    if path.join("HEAD").exists() || args.vault.is_named() {
        let all = args.vault.open(cx)?.snapshots()?;
        let wanted = |snapshot: &Snapshot| args.set.as_ref().is_none_or(|set| *set == snapshot.set);
        snapshots = all.into_iter().filter(wanted).map(Listed::from).collect();
    }
    cx.ui.show(&Snapshots { snapshots })?;
    Ok(Answer::Yes)
}
