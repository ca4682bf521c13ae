//! `undo` and `redo`
mod choose;
mod list;
mod plan;

use std::fmt;

use serde::Serialize;

use super::restore::{Changes, refuse_while_running, save_work, warn_of_secrets};
use super::{Answer, Context, check, secret};
use crate::config::Error;
use crate::failure::Failure;
use crate::store::{Expect, Keep, Message, Operation, Trailers, WriteGuard};
use crate::ui::{clean, style};
use choose::{Sense, beyond, candidates};
use list::Told;
use plan::{Reversal, TagChange, original};

/// Undo what the last command changed, or an earlier one
///
/// Again, it goes further back. The content of before returns as a new commit and tags are put back;
/// what came later stays, key by key. `buildkeep redo` does it again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// This operation, as --list shows it; without it the last one not undone yet
    #[arg(value_name = "OPERATION")]
    operation: Option<String>,
    /// List what was done, newest first, and what of it is undone
    #[arg(long, conflicts_with_all = ["operation", "dry_run", "while_running", "message"])]
    list: bool,
    /// List at most this many
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        default_value_t = 20,
        requires = "list"
    )]
    limit: usize,
    #[command(flatten)]
    how: How,
}

/// Do again what the last undo took back
///
/// Again, it goes further forward, until something new was done.
#[derive(Debug, clap::Args)]
pub struct RedoArgs {
    #[command(flatten)]
    how: How,
}

/// What undoing and doing again have in common.
#[derive(Debug, clap::Args)]
struct How {
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Even while steps run, which may read what changes
    #[arg(long)]
    while_running: bool,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// What was undone or done again, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    operation: Told,
    without_effect: Vec<Told>,
    beyond: Vec<Beyond>,
    #[serde(flatten)]
    changes: Changes,
    tags: Vec<TagChange>,
    /// What this does not reach.
    stays: Vec<String>,
    applied: bool,
    commit: Option<String>,
    version: Option<u64>,
    saved: Option<String>,
    back: Option<&'static str>,
    #[serde(skip)]
    verbs: [&'static str; 3],
}

/// What was done last, and is out of reach.
#[derive(Debug, Serialize)]
struct Beyond {
    subject: String,
    take_back: String,
}

impl Beyond {
    fn of(operation: &Operation) -> Self {
        Self {
            subject: operation.commit.message.subject.clone(),
            take_back: operation.take_back().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [did, doing, back] = self.verbs;
        let name = format!(
            "`{}` of {}",
            clean(&self.operation.subject),
            self.operation.when()
        );
        for other in &self.without_effect {
            writeln!(
                f,
                "passed over `{}`: nothing is left of it",
                clean(&other.subject)
            )?;
        }
        for one in &self.beyond {
            let (subject, how) = (clean(&one.subject), clean(&one.take_back));
            writeln!(f, "passed over `{subject}`, which is beyond undo: {how}")?;
        }
        let is_noop = self.changes.files.is_empty() && self.tags.is_empty();
        match &self.commit {
            _ if is_noop => return writeln!(f, "nothing to do: nothing is left of {name}"),
            Some(commit) => {
                let commit = style::notable(&commit[..10]);
                writeln!(f, "{did} {name}, committed {commit}")?;
            }
            None if self.applied => writeln!(f, "{did} {name}")?,
            None => writeln!(f, "{doing} {name} changes:")?,
        }
        for tag in &self.tags {
            let what = if tag.after.is_some() {
                "is put back"
            } else {
                "is taken away"
            };
            writeln!(f, "  tag {} {what}", clean(&tag.name))?;
        }
        write!(f, "{}", self.changes)?;
        for note in &self.stays {
            writeln!(f, "  {} {}", style::notable("stays:"), clean(note))?;
        }
        match self.back {
            Some(command) => writeln!(f, "{back} {}", style::name(command)),
            None => Ok(()),
        }
    }
}

/// Runs `undo`.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    if args.list {
        return list::run(cx, args.limit);
    }
    if args.operation.is_none() && !args.how.dry_run {
        let keep = cx.keep()?;
        if let Some(name) = newest_fix(&keep)? {
            return check::undo(cx, Some(&keep), &name, check::Consent::Given);
        }
    }
    let sense = args
        .operation
        .as_deref()
        .map_or(Sense::Undo, Sense::UndoNamed);
    carry_out(cx, sense, &args.how)
}

/// The check whose fix is the newest thing that was done, if it is not taken back.
fn newest_fix(keep: &Keep) -> Result<Option<String>, Failure> {
    let newest = keep.operations()?.next().transpose()?;
    let how = newest.as_ref().and_then(Operation::take_back);
    Ok(how
        .and_then(|how| how.strip_prefix("buildkeep check --undo "))
        .map(str::to_owned))
}

/// Runs `redo`.
pub fn redo(cx: &mut Context, args: &RedoArgs) -> Result<Answer, Failure> {
    carry_out(cx, Sense::Redo, &args.how)
}

fn carry_out(cx: &mut Context, sense: Sense<'_>, how: &How) -> Result<Answer, Failure> {
    secret::refuse_message(cx, how.message.as_deref())?;
    let keep = cx.keep()?;
    let shown = Reversal::plan(&keep, candidates(&keep, sense)?)?;
    let mut outcome = outcome(cx, &keep, &shown)?;
    if sense == Sense::Undo {
        outcome.beyond = beyond(&keep)?.iter().map(Beyond::of).collect();
    }
    if let Some(files) = &shown.files {
        warn_of_secrets(cx, &keep, files)?;
    }
    if how.dry_run || shown.is_noop() {
        cx.ui.show(&outcome)?;
        return Ok(Answer::Yes);
    }
    if !how.while_running && shown.files.is_some() {
        refuse_while_running(cx, &keep, "this")?;
    }
    let guard = cx.lock(&keep)?;
    // What was the last operation may not be it any more.
    let first = Reversal::plan(&keep, candidates(&keep, sense)?)?;
    if first.operation.id() != shown.operation.id() {
        return Err(Error::Changed.into());
    }
    if let Some(files) = &shown.files {
        outcome.saved = save_work(cx, &keep, &guard, (files, "an undo"))?;
    }
    let again = Reversal::plan(&keep, candidates(&keep, sense)?)?;
    if !again.is_same(&shown) {
        return Err(Error::Changed.into());
    }
    apply(cx, (&keep, &guard), &again, (how, &mut outcome))?;
    cx.ui.show(&outcome)?;
    Ok(Answer::Yes)
}

/// Writes what the plan says: a commit for the files, then the tags.
fn apply(
    cx: &mut Context,
    (keep, guard): (&Keep, &WriteGuard),
    plan: &Reversal,
    (how, outcome): (&How, &mut Outcome),
) -> Result<(), Failure> {
    let mut trailers = facts(cx, keep, plan);
    let verb = if plan.operation.undoes().is_empty() {
        "undo"
    } else {
        "redo"
    };
    let subject = how.message.clone().unwrap_or_else(|| {
        let done = original(keep, &plan.operation).commit.message.subject;
        format!("{verb}: {done}")
    });
    let signature = cx.signature(keep);
    if let Some(files) = plan.files.as_ref().filter(|files| !files.is_noop()) {
        outcome.changes.record(keep, &mut trailers)?;
        let message = Message::new(subject.clone(), trailers.clone());
        let commit_id = keep.commit_files(guard, &files.changes(), &message, &signature)?;
        outcome.commit = Some(commit_id.to_string());
        outcome.version = super::versions::number_in(&trailers);
    }
    if !plan.tags.is_empty() {
        let message = Message::new(subject.clone(), trailers);
        let mut transaction = keep.begin(guard, &message, &signature);
        for tag in &plan.tags {
            match (tag.before, tag.after) {
                (before, Some(after)) => {
                    transaction.set_ref(&tag.name, Expect::seen(before), after, &subject)?;
                }
                (Some(before), None) => transaction.delete_ref(&tag.name, before)?,
                (None, None) => {}
            }
        }
        transaction.finish()?;
    }
    outcome.applied = true;
    outcome.back = Some(if verb == "undo" {
        "buildkeep redo"
    } else {
        "buildkeep undo"
    });
    Ok(())
}

fn outcome(cx: &Context, keep: &Keep, plan: &Reversal) -> Result<Outcome, Failure> {
    let changes = plan.changes(cx, keep)?;
    let is_undo = plan.operation.undoes().is_empty();
    Ok(Outcome {
        operation: Told::of(&original(keep, &plan.operation)),
        without_effect: plan.without_effect.iter().map(Told::of).collect(),
        beyond: Vec::new(),
        stays: stays(keep, plan, &changes)?,
        changes,
        tags: plan.tag_changes(),
        applied: false,
        commit: None,
        version: None,
        saved: None,
        back: None,
        verbs: if is_undo {
            ["undid", "undoing", "to do it again:"]
        } else {
            ["did again", "doing again", "to undo:"]
        },
    })
}

/// What lies beyond the reach of an undo: what remotes have, and what steps built.
fn stays(keep: &Keep, plan: &Reversal, changes: &Changes) -> Result<Vec<String>, Failure> {
    let mut stays = Vec::new();
    let branch = keep.branch()?;
    let short = branch.trim_start_matches("refs/heads/");
    let moved = plan.operation.moves.iter().find(|one| one.name == branch);
    for (name, tip) in keep.repo().refs("refs/remotes/")? {
        let remote = name
            .strip_prefix("refs/remotes/")
            .and_then(|name| name.strip_suffix(short)?.strip_suffix('/'));
        let commit_id = moved.and_then(|one| one.after);
        if let (Some(remote), Some(commit_id)) = (remote, commit_id)
            && keep.repo().is_ancestor(commit_id, tip)?
        {
            stays.push(format!(
                "what `{remote}` has; `buildkeep push` sends this commit after it"
            ));
        }
    }
    let is_shared = !plan.tags.is_empty() && keep.private("push.json").exists();
    if is_shared {
        stays.push("a tag that a remote has; there: `git push REMOTE :refs/tags/NAME`".into());
    }
    if !changes.stale.stale.is_empty() {
        stays.push("what these steps built, until `buildkeep run` builds them again".into());
    }
    Ok(stays)
}

/// The facts of the commit: which operations it undoes, or which undo it takes back.
fn facts(cx: &Context, keep: &Keep, plan: &Reversal) -> Trailers {
    let mut trailers = cx.trailers("undo", keep);
    let operation = &plan.operation;
    if !operation.undoes().is_empty() {
        return trailers.with("Redoes", operation.id());
    }
    let again = operation
        .redoes()
        .and_then(|undo| keep.operation(undo).ok());
    let first = again.map_or_else(|| vec![operation.id()], |undo| undo.undoes());
    let passed = plan.without_effect.iter().map(Operation::id);
    for id in first.into_iter().chain(passed) {
        trailers.push("Undoes", id);
    }
    trailers
}
