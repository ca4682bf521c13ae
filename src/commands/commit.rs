//! `commit`
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::stale::{self, Stale};
use super::{Answer, Context, secret};
use crate::failure::Failure;
use crate::store::{Change, ChangeKind, Keep, Message};
use crate::ui::{clean, clean_line, style};

/// Commit every change in the keep, after checking it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What changed, and why
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Only these files and folders
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Show what would be committed, and commit nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was committed, or would be.
#[derive(Debug, Serialize)]
struct Committed {
    commit: Option<String>,
    version: Option<u64>,
    subject: String,
    files: Vec<File>,
    #[serde(flatten)]
    stale: Stale,
}

/// A changed file.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) kind: ChangeKind,
}

impl File {
    pub(super) fn new(change: &Change) -> Self {
        Self {
            path: change.path.to_string(),
            kind: change.kind,
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = clean_line(&self.path);
        match self.kind {
            ChangeKind::Added => write!(f, "{} {path}", style::good("added   ")),
            ChangeKind::Modified => write!(f, "{} {path}", style::notable("modified")),
            ChangeKind::Deleted => write!(f, "{} {path}", style::bad("deleted ")),
        }
    }
}

impl fmt::Display for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            return writeln!(f, "nothing to commit");
        }
        match &self.commit {
            Some(commit) => writeln!(
                f,
                "committed {} {}",
                style::notable(&commit[..10]),
                clean(&self.subject)
            )?,
            None => writeln!(f, "would commit: {}", clean(&self.subject))?,
        }
        self.files
            .iter()
            .try_for_each(|file| writeln!(f, "  {file}"))?;
        write!(f, "{}", self.stale)
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    secret::refuse_message(cx, args.message.as_deref())?;
    let keep = cx.keep()?;
    let guard = cx.lock(&keep)?;
    let changes = chosen(cx, &keep, &args.paths)?;
    let text = match &args.message {
        Some(text) if text.trim().is_empty() => {
            return Err(Failure::user("the message is empty")
                .hint("say what changed, or leave -m out for a message of ours"));
        }
        Some(text) => text.clone(),
        None => subject_of(&changes),
    };
    let mut message = Message::new(text, cx.trailers("config", &keep));
    let mut committed = Committed {
        commit: None,
        version: None,
        files: changes.iter().map(File::new).collect(),
        subject: message.subject.clone(),
        stale: stale::by_commit(cx, &keep, &changes)?,
    };
    if !changes.is_empty() {
        super::validate::commit_of(&keep, &changes)?;
        secret::refuse_changes(cx, &keep, &changes)?;
    }
    if !args.dry_run {
        committed.stale.record(&mut message.trailers);
        super::versions::number_next(&keep, &changes, &mut message.trailers)?;
        committed.version = super::versions::number_in(&message.trailers);
        let signature = cx.signature(&keep);
        let commit_id = keep.commit_work_tree(&guard, &changes, &message, &signature)?;
        committed.commit = commit_id.map(|id| id.to_string());
    }
    cx.ui.show(&committed)?;
    Ok(Answer::Yes)
}

/// The changes below the paths that were named, or all.
fn chosen(cx: &Context, keep: &Keep, paths: &[String]) -> Result<Vec<Change>, Failure> {
    let mut changes = keep.changes()?;
    if paths.is_empty() {
        return Ok(changes);
    }
    let is_below =
        |change: &Change, wanted: &Path| Path::new(&change.path.to_string()).starts_with(wanted);
    let mut wanted = Vec::new();
    for path in paths {
        let inside = cx.in_keep(keep, path.as_ref()).ok_or_else(|| {
            Failure::user(format!(
                "{path} is not in the keep {}",
                keep.root().display()
            ))
        })?;
        let is_there = keep.root().join(&inside).symlink_metadata().is_ok();
        if !is_there && !changes.iter().any(|change| is_below(change, &inside)) {
            return Err(Failure::user(format!("there is no {path}"))
                .hint("see what has changed: `buildkeep diff`"));
        }
        wanted.push(inside);
    }
    changes.retain(|change| wanted.iter().any(|wanted| is_below(change, wanted)));
    Ok(changes)
}

/// A subject for those who give none: what changed.
pub(super) fn subject_of(changes: &[Change]) -> String {
    match changes {
        [only] => format!("keep: change {}", only.path),
        [first, rest @ ..] => format!("keep: change {} and {} more", first.path, rest.len()),
        [] => String::new(),
    }
}
