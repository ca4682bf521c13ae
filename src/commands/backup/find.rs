//! `backup find`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};
use crate::vault::find::{Found, find};
use crate::vault::{Snapshot, shortest};

/// Find paths in all snapshots, and what they were in each
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name or a path with `*`, in the syntax of .gitignore
    pattern: String,
    /// Only in snapshots filed under this name
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    #[command(flatten)]
    vault: VaultArg,
}

/// What was found.
#[derive(Debug, Serialize)]
struct All {
    found: Vec<Found>,
    #[serde(skip)]
    snapshots: Vec<Snapshot>,
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |tag: &str| clean(shortest(tag, &self.snapshots)).into_owned();
        for found in &self.found {
            writeln!(f, "{}", style::strong(clean(&found.path)))?;
            for version in &found.versions {
                let (first, last) = (name(&version.first), name(&version.last));
                let until = match version.snapshots {
                    1 => String::new(),
                    count => format!(" to {last}, {}", counted(count as u64, "snapshot")),
                };
                let bytes = version
                    .size
                    .map_or_else(|| version.kind.replace('_', " "), size);
                let time = version.mtime.as_deref().and_then(|time| time.get(..19));
                let time = time.unwrap_or("-").replace('T', " ");
                let mode = &version.mode;
                writeln!(
                    f,
                    "  {mode}  {bytes:>6}  {time}  {}{until}",
                    style::name(first)
                )?;
            }
        }
        Ok(())
    }
}

/// Runs the command; the answer is no if nothing fits.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let snapshots = vault.snapshots()?;
    let wanted = |snapshot: &&Snapshot| args.set.as_ref().is_none_or(|set| *set == snapshot.set);
    let searched: Vec<_> = snapshots.iter().filter(wanted).cloned().collect();
    cx.ui.live(format!(
        "searching {}",
        counted(searched.len() as u64, "snapshot")
    ));
    let found = find(&vault, &searched, &args.pattern);
    cx.ui.live_end();
    let all = All {
        found: found?,
        snapshots,
    };
    cx.ui.show(&all)?;
    if all.found.is_empty() {
        let pattern = clean(&args.pattern);
        cx.ui
            .status(format!("no path of a snapshot fits `{pattern}`"));
    }
    Ok(Answer::of(!all.found.is_empty()))
}
