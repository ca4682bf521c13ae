//! `backup show`
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::list::Listed;
use crate::commands::there::ReadArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, size, style};
use crate::vault::offsite::Depth;
use crate::vault::show::{self, Entry};

/// Look into a snapshot
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its tag or a part of it, `latest`, `latest:SET`, a commit, or the step of a checkpoint
    snapshot: String,
    /// A folder or file in it
    path: Option<PathBuf>,
    #[command(flatten)]
    vault: ReadArg,
}

/// A folder of a snapshot.
#[derive(Debug, Serialize)]
struct Shown {
    snapshot: Listed,
    path: String,
    entries: Vec<Entry>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.snapshot)?;
        if self.path.is_empty() {
            self.snapshot.lacks(f)?;
        }
        self.entries.iter().try_for_each(|entry| line(f, entry))
    }
}

/// A line like those of `ls -l`.
fn line(f: &mut fmt::Formatter<'_>, entry: &Entry) -> fmt::Result {
    let text = |text: &Option<String>| clean(text.as_deref().unwrap_or("-")).into_owned();
    let name = clean(&entry.name);
    if entry.kind == "folder" {
        return writeln!(f, "{:60}{}", "", style::name(format!("{name}/")));
    }
    write!(
        f,
        "{:4} {:8} {:8} {:>8}  {:24}    {name}",
        text(&entry.mode),
        text(&entry.user),
        text(&entry.group),
        entry.size.map_or_else(|| "-".to_owned(), size),
        text(&entry.mtime),
    )?;
    match &entry.target {
        Some(target) => writeln!(f, " -> {}", clean(target)),
        None if entry.kind == "file" => writeln!(f),
        None => writeln!(f, " ({})", entry.kind.replace('_', " ")),
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let snapshot = vault.find(&args.snapshot)?;
    let path = args.path.clone().unwrap_or_default();
    let wanted = (std::slice::from_ref(&path), Depth::Folder);
    vault.fetch(cx, &snapshot, wanted)?;
    let entries = show::entries(&vault, &snapshot, &path)?;
    cx.ui.show(&Shown {
        snapshot: Listed::new(&snapshot, &vault.snapshots()?),
        path: path.display().to_string(),
        entries,
    })?;
    Ok(Answer::Yes)
}
