//! `backup archive expire` and `backup archive forget`
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::catalogue::{self, Archive};
use super::list::is_expired;
use super::verify::{Verdict, look};
use crate::commands::vaults::shown;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::fs::remove_file_durable;
use crate::ui::{clean, counted, size, style};

/// Delete archives whose time is over, and take them out of the catalogue
///
/// A file is only deleted if it is still what was written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Take archives out of the catalogue; their files stay
#[derive(Debug, clap::Args)]
pub(super) struct ForgetArgs {
    /// Files, or ids of the list
    #[arg(required = true)]
    archives: Vec<String>,
}

/// What becomes of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// Its file is deleted.
    Delete,
    /// Its file is gone already, or never was one: only the catalogue changes.
    Forget,
    /// What is there is not what was written, and is left alone.
    Leave,
}

#[derive(Debug, Serialize)]
struct Judged {
    id: String,
    path: Option<String>,
    bytes: u64,
    fate: Fate,
    reason: Option<String>,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    dry_run: bool,
    bytes_freed: u64,
    archives: Vec<Judged>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.archives.is_empty() {
            return writeln!(f, "no archive has expired");
        }
        for one in &self.archives {
            let word = match one.fate {
                Fate::Delete => style::bad("delete"),
                Fate::Forget => style::notable("forget"),
                Fate::Leave => style::good("leave "),
            };
            let place = clean(one.path.as_deref().unwrap_or("standard output"));
            match &one.reason {
                Some(reason) => writeln!(f, "{word}  {place}  {}", clean(reason))?,
                None => writeln!(f, "{word}  {place}  {}", size(one.bytes))?,
            }
        }
        let freed = if self.dry_run {
            "would be freed"
        } else {
            "freed"
        };
        writeln!(f, "{} {freed}", size(self.bytes_freed))
    }
}

/// Runs the command; the answer is no if something that expired stays.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let now = cx.world.clock.stamp();
    let mut expired = catalogue::all(&keep)?;
    expired.retain(|archive| is_expired(archive, &now));
    let judged: Vec<Judged> = shown(&mut cx.ui, "reading what expired", |counter| {
        expired
            .iter()
            .map(|archive| judge(archive, counter))
            .collect()
    });
    let going = judged.iter().filter(|one| one.fate == Fate::Delete);
    let mut outcome = Outcome {
        dry_run: true,
        bytes_freed: going.map(|one| one.bytes).sum(),
        archives: judged,
    };
    let stays = outcome.archives.iter().any(|one| one.fate == Fate::Leave);
    if args.dry_run || outcome.archives.iter().all(|one| one.fate == Fate::Leave) {
        cx.ui.show(&outcome)?;
        return Ok(Answer::of(!stays));
    }
    if !args.yes && !confirmed(cx, &outcome)? {
        cx.ui.status("nothing was deleted");
        return Ok(Answer::No);
    }
    for one in &outcome.archives {
        if let (Fate::Delete, Some(path)) = (one.fate, &one.path) {
            remove_file_durable(Path::new(path))?;
        }
    }
    let gone = expired.iter().zip(&outcome.archives);
    let gone = gone.filter(|(_, one)| one.fate != Fate::Leave);
    let gone: Vec<_> = gone.map(|(archive, _)| archive.clone()).collect();
    catalogue::remove(cx, &keep, &gone)?;
    outcome.dry_run = false;
    cx.ui.show(&outcome)?;
    Ok(Answer::of(!stays))
}

fn judge(archive: &Archive, progress: &dyn crate::vault::Progress) -> Judged {
    let is_folder = archive.path.is_some() && archive.sha256.is_none();
    let (verdict, reason) = if is_folder {
        (Verdict::Damaged, None)
    } else {
        look(archive, progress)
    };
    let (fate, reason) = match verdict {
        Verdict::Good => (Fate::Delete, None),
        Verdict::Missing | Verdict::Elsewhere => (Fate::Forget, reason),
        Verdict::Damaged if is_folder => {
            let reason = "a folder is yours to delete; then `backup archive forget`";
            (Fate::Leave, Some(reason.to_owned()))
        }
        Verdict::Damaged => (Fate::Leave, reason),
    };
    Judged {
        id: archive.id.clone(),
        path: archive.path.clone(),
        bytes: archive.bytes.unwrap_or(archive.content_bytes),
        fate,
        reason,
    }
}

fn confirmed(cx: &mut Context, outcome: &Outcome) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(
            Failure::user("archives are to be deleted, and nobody is there to ask")
                .hint("look at it first: add `--dry-run`")
                .hint("do it without a question: add `--yes`"),
        );
    }
    cx.ui.status(outcome);
    Ok(cx.ui.confirm("Delete them?")?)
}

/// What was forgotten.
#[derive(Debug, Serialize)]
struct Forgotten {
    forgotten: Vec<String>,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = counted(self.forgotten.len() as u64, "archive");
        writeln!(f, "{count} taken out of the catalogue; the files stay")
    }
}

/// Runs `forget`.
pub(super) fn forget(cx: &mut Context, args: &ForgetArgs) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let gone = catalogue::named(cx, catalogue::all(&keep)?, &args.archives)?;
    catalogue::remove(cx, &keep, &gone)?;
    cx.ui.show(&Forgotten {
        forgotten: gone.iter().map(Archive::name).collect(),
    })?;
    Ok(Answer::Yes)
}
