//! `rollback`
use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::configuration::key;
use super::run::{running, runs_of};
use super::{Answer, Context, validate, versions};
use crate::config::diff::KeyChange;
use crate::config::rollback::{Extent, Plan, Restored};
use crate::config::{Error, Role};
use crate::failure::{Failure, Kind};
use crate::store::{Change, ChangeKind, Expect, Keep, Message, ObjectId, WriteGuard};
use crate::ui::{clean, style};

/// Go back to what a version held, as a new commit
///
/// Without --key, --file or --all the whole configuration goes back: config/, buildkeep.toml and
/// schemas/. History stays as it is, so a rollback can itself be rolled back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The version: `v3`, `last-good`, a tag, a date, or any commit
    #[arg(long, value_name = "REVISION")]
    to: String,
    /// Only these keys or tables
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    key: Vec<String>,
    /// Only this file or folder
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    file: Option<String>,
    /// Every file of the keep: scripts, plan and checks too
    #[arg(long, conflicts_with_all = ["key", "file"])]
    all: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Even while steps run, which may read what changes
    #[arg(long)]
    while_running: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// What went back, or would.
#[derive(Debug, Serialize)]
struct RolledBack {
    to: String,
    from: Option<String>,
    keys: Vec<KeyChange>,
    files: Vec<File>,
    commit: Option<String>,
    version: Option<u64>,
    saved: Option<String>,
    undo: Option<String>,
    #[serde(skip)]
    what: String,
    #[serde(skip)]
    called: String,
}

/// A file that is written or removed.
#[derive(Debug, Serialize)]
struct File {
    path: String,
    kind: ChangeKind,
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            return writeln!(
                f,
                "nothing to do: {} is that of {} already",
                self.what, self.called
            );
        }
        match &self.commit {
            Some(commit) => {
                let commit = style::notable(&commit[..10]);
                writeln!(
                    f,
                    "brought back {} of {}, committed {commit}",
                    self.what, self.called
                )?;
            }
            None => writeln!(f, "bringing back {} of {} changes:", self.what, self.called)?,
        }
        f.write_str(&self.changes())?;
        match &self.undo {
            Some(undo) => writeln!(f, "to undo: {}", style::name(undo)),
            None => Ok(()),
        }
    }
}

impl RolledBack {
    fn changes(&self) -> String {
        let mut lines = String::new();
        for key in &self.keys {
            let _ = writeln!(lines, "  {}", clean(&key.to_string()));
        }
        for file in &self.files {
            let what = match file.kind {
                ChangeKind::Added => "is added",
                ChangeKind::Modified => "changes",
                ChangeKind::Deleted => "is removed",
            };
            let _ = writeln!(lines, "  {} {what}", clean(&file.path));
        }
        lines
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let extent = extent(cx, &keep, args)?;
    let target = versions::resolve(&keep, &args.to)?;
    let plan = Plan::make(&keep, target, &extent);
    let plan = plan.map_err(|error| Failure::from(error).hint("nothing was changed"))?;
    let mut result = shown(&keep, &plan, &extent)?;
    if args.dry_run || plan.is_noop() {
        cx.ui.show(&result)?;
        return Ok(Answer::Yes);
    }
    if !args.while_running {
        refuse_while_running(cx, &keep)?;
    }
    if !args.yes && !confirmed(cx, &result)? {
        cx.ui.status("nothing was changed");
        return Ok(Answer::No);
    }
    let guard = cx.lock(&keep)?;
    result.saved = save_work(cx, &keep, &guard, &plan)?;
    let again = Plan::make(&keep, target, &extent)?;
    if !again.unwritten().eq(plan.unwritten()) {
        return Err(Error::Changed.into());
    }
    if again.is_noop() {
        result.commit.clone_from(&result.saved);
        cx.ui.show(&result)?;
        return Ok(Answer::Yes);
    }
    let message = message(cx, &keep, args, &again)?;
    let signature = cx.signature(&keep);
    let commit_id = keep.commit_files(&guard, &again.changes(), &message, &signature)?;
    result.version = message
        .trailers
        .get("Version")
        .and_then(|number| number.parse().ok());
    result.commit = Some(commit_id.to_string());
    result.from = again.head.map(|head| head.to_string());
    result.undo = again.head.map(|head| undo(args, head));
    cx.ui.show(&result)?;
    Ok(Answer::Yes)
}

/// Scripts that run read configuration and one another: they should not change underneath.
fn refuse_while_running(cx: &Context, keep: &Keep) -> Result<(), Failure> {
    if !runs_of(keep).is_active()? && running(cx, keep)?.is_empty() {
        return Ok(());
    }
    let message = "steps are running, and may read what a rollback changes";
    Err(Failure::text(Kind::Busy, message)
        .hint("stop them first: `buildkeep stop`")
        .hint("or go back all the same: add `--while-running`"))
}

fn extent(cx: &Context, keep: &Keep, args: &Args) -> Result<Extent, Failure> {
    if let Some(file) = &args.file {
        return Ok(Extent::File(in_keep(cx, keep, file)));
    }
    if args.all {
        return Ok(Extent::All);
    }
    if args.key.is_empty() {
        return Ok(Extent::Configuration);
    }
    let keys: Result<Vec<_>, _> = args.key.iter().map(|typed| key(typed)).collect();
    Ok(Extent::Keys(keys?))
}

/// A path from the root of the keep, whether it was typed from there or from the current folder.
fn in_keep(cx: &Context, keep: &Keep, typed: &str) -> String {
    let inside = cx.in_keep(keep, Path::new(typed));
    let inside = inside.as_deref().and_then(Path::to_str);
    inside.unwrap_or(typed).trim_end_matches('/').to_owned()
}

fn shown(keep: &Keep, plan: &Plan, extent: &Extent) -> Result<RolledBack, Failure> {
    Ok(RolledBack {
        to: plan.target.to_string(),
        from: plan.head.map(|head| head.to_string()),
        keys: plan.keys.clone(),
        files: plan.files.iter().map(file).collect(),
        commit: None,
        version: None,
        saved: None,
        undo: None,
        what: extent.to_string(),
        called: versions::called(keep, plan.target)?,
    })
}

fn file(restored: &Restored) -> File {
    let kind = match (&restored.before, &restored.after) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Deleted,
        _ => ChangeKind::Modified,
    };
    File {
        path: restored.path.clone(),
        kind,
    }
}

fn confirmed(cx: &mut Context, result: &RolledBack) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(
            Failure::user("a rollback overwrites files, and nobody is there to ask")
                .hint("look at it first: add `--dry-run`")
                .hint("do it without a question: add `--yes`"),
        );
    }
    cx.ui.status(result);
    Ok(cx.ui.confirm("Do this?")?)
}

/// Saves uncommitted work before it is overwritten: on the branch if it is valid, else beside it.
///
/// What a crash left of the same rollback is not work: it is committed with the rest.
fn save_work(
    cx: &mut Context,
    keep: &Keep,
    guard: &WriteGuard,
    plan: &Plan,
) -> Result<Option<String>, Failure> {
    let changes = keep.changes()?;
    let is_ours = |change: &Change| {
        let path = change.path.to_string();
        plan.files
            .iter()
            .any(|file| file.is_there && file.path == path)
    };
    if changes.iter().all(is_ours) {
        return Ok(None);
    }
    let trailers = cx
        .trailers("config", keep)
        .with("Reason", "saved before a rollback");
    let mut message = Message::new("keep: save work before a rollback", trailers);
    let signature = cx.signature(keep);
    if validate::work_tree(keep).is_ok() {
        versions::number_next(keep, &changes, &mut message.trailers)?;
        let saved = keep.commit_work_tree(guard, &changes, &message, &signature)?;
        let id = saved.map(|id| id.to_string()).unwrap_or_default();
        cx.ui.status(format!(
            "saved uncommitted work as commit {}",
            &id[..10.min(id.len())]
        ));
        return Ok(Some(id));
    }
    let base = keep.repo().head()?;
    let tree = base.map(|head| keep.repo().commit(head)).transpose()?;
    let files = keep.file_changes(&changes)?;
    let mut transaction = keep.repo().begin();
    let tree_id = transaction.edit_tree(tree.map(|commit| commit.tree_id), &files)?;
    let parents: Vec<ObjectId> = base.into_iter().collect();
    let id = transaction.commit(tree_id, &parents, &message, &signature)?;
    let name = format!("refs/buildkeep/saved/{}", cx.op);
    transaction.set_ref(&name, Expect::Absent, id, "saved before a rollback")?;
    transaction.finish()?;
    cx.ui.status(format!(
        "saved uncommitted work, which is not valid, beside the branch: `git show {}`",
        id.to_hex_with_len(10)
    ));
    Ok(Some(id.to_string()))
}

fn message(cx: &Context, keep: &Keep, args: &Args, plan: &Plan) -> Result<Message, Failure> {
    let called = versions::called(keep, plan.target)?;
    let subject = args
        .message
        .clone()
        .unwrap_or_else(|| match (&args.file, args.key.as_slice()) {
            (Some(file), _) => format!("keep: {file} as in {called}"),
            (None, []) if args.all => format!("keep: go back to {called}"),
            (None, []) => format!("config: go back to {called}"),
            (None, keys) => format!("config: {} as in {called}", keys.join(", ")),
        });
    let mut trailers = cx
        .trailers("rollback", keep)
        .with("Rollback-To", plan.target);
    if let Some(head) = plan.head {
        trailers.push("Rollback-From", head);
    }
    for key in plan.keys.iter().take(20) {
        trailers.push("Key", &key.key);
    }
    let is_configuration =
        |file: &Restored| Role::of(&file.path).is_some_and(|role| role.is_configuration());
    if plan.files.iter().any(is_configuration) {
        trailers.push("Version", versions::next(keep)?);
    }
    Ok(Message::new(subject, trailers))
}

/// The command that brings back what was there before.
fn undo(args: &Args, head: ObjectId) -> String {
    let mut command = format!("buildkeep rollback --to {}", head.to_hex_with_len(10));
    if args.all {
        command.push_str(" --all");
    }
    if let Some(file) = &args.file {
        let _ = write!(command, " --file {file}");
    }
    if !args.key.is_empty() {
        let _ = write!(command, " --key {}", args.key.join(","));
    }
    command
}
