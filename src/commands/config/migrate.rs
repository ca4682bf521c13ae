//! `config migrate`
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context, secret, versions};
use crate::config::{Files, Migrated, OldForm, Sources};
use crate::document::{hidden_lines, hidden_lines_of};
use crate::failure::Failure;
use crate::report::diff::{Differences, FileDiff, Side};
use crate::store::{FileChange, Keep, Message};
use crate::ui::style;

/// Rewrite files of an old form in the newest one; comments, order and spacing stay
///
/// All configuration files are rewritten, profiles and the overlays of other hosts too, in one
/// commit. Until then they are read as if they were. There is no way back but `rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// What was rewritten, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    files: Vec<OldForm>,
    commit: Option<String>,
    version: Option<u64>,
    #[serde(skip)]
    diff: Differences,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            return writeln!(f, "every file is of the newest form");
        }
        let Some(commit) = &self.commit else {
            return self.diff.fmt(f);
        };
        for OldForm { file, from, to } in &self.files {
            writeln!(f, "{file}: form {from} -> {to}")?;
        }
        let commit = style::notable(&commit[..10]);
        match self.version {
            Some(version) => writeln!(f, "  version {version}, committed {commit}"),
            None => writeln!(f, "  committed {commit}"),
        }
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    secret::refuse_message(cx, args.message.as_deref())?;
    let keep = cx.keep()?;
    let guard = cx.lock(&keep)?;
    let files = Files::of_work_tree(&keep)?;
    let sources = Sources::read(&files)?;
    if !sources.problems().is_empty() {
        return Err(Failure::problems(sources.problems()).hint("nothing was rewritten"));
    }
    let mut migrated = sources.migrated();
    refuse_dirty(&keep, &files, &migrated)?;
    migrated.extend(left(&keep, &files)?);
    let mut outcome = Outcome {
        files: migrated.iter().map(|file| file.form.clone()).collect(),
        commit: None,
        version: None,
        diff: diff(&files, &sources, &migrated),
    };
    if !migrated.is_empty() && !args.dry_run {
        let message = message(cx, &keep, args, &outcome.files)?;
        outcome.version = versions::number_in(&message.trailers);
        let changes: Vec<FileChange> = migrated.iter().map(Migrated::change).collect();
        let signature = cx.signature(&keep);
        let commit_id = keep.commit_contents(&guard, &changes, &message, &signature)?;
        outcome.commit = Some(commit_id.to_string());
    }
    cx.ui.show(&outcome)?;
    Ok(Answer::Yes)
}

/// What a killed migration wrote and did not commit.
fn left(keep: &Keep, files: &Files) -> Result<Vec<Migrated>, Failure> {
    let Some(head) = keep.repo().head()? else {
        return Ok(Vec::new());
    };
    let committed = Files::of_commit(keep.repo(), head)?.as_seen_from(files);
    let mut left = Sources::read(&committed)?.migrated();
    left.retain(|file| files.get(&file.form.file) == Some(file.text.as_bytes()));
    Ok(left)
}

/// A migration is a commit of its own: what somebody is at work on does not slip into it.
fn refuse_dirty(keep: &Keep, files: &Files, migrated: &[Migrated]) -> Result<(), Failure> {
    for file in migrated {
        let path = file.form.file.as_str();
        let committed = keep.committed_file(path)?;
        if committed.as_deref() != files.get(path) {
            return Err(
                Failure::user(format!("{path} has changes that are not committed"))
                    .hint("commit them first: `buildkeep commit`"),
            );
        }
    }
    Ok(())
}

fn message(cx: &Context, keep: &Keep, args: &Args, files: &[OldForm]) -> Result<Message, Failure> {
    let subject = args.message.clone().unwrap_or_else(|| match files {
        [OldForm { file, from, to }] => format!("config: migrate {file} from form {from} to {to}"),
        many => format!("config: migrate {} files to their newest form", many.len()),
    });
    let mut trailers = cx.trailers("migrate", keep);
    for OldForm { file, from, to } in files {
        trailers.push("Migrated", format!("{file} {from} -> {to}"));
    }
    if files.iter().any(|old| old.file != "plan.toml") {
        versions::add_next(keep, &mut trailers)?;
    }
    Ok(Message::new(subject, trailers))
}

/// The lines that change, without secrets under their old or new names.
fn diff(files: &Files, sources: &Sources, migrated: &[Migrated]) -> Differences {
    let schema = sources.schemas().combined();
    let one = |file: &Migrated| {
        let path = &file.form.file;
        let mut documents = sources.documents();
        let document = documents.find(|(_, document)| document.name() == path);
        let old = Side {
            content: files.get(path).unwrap_or_default().to_vec(),
            hidden: document
                .map(|(_, document)| hidden_lines_of(document, schema))
                .unwrap_or_default(),
        };
        let new = Side {
            hidden: hidden_lines(&file.text, schema),
            content: file.text.clone().into_bytes(),
        };
        FileDiff::new(path.clone(), Some(&old), Some(&new))
    };
    Differences {
        files: migrated.iter().map(one).collect(),
    }
}
