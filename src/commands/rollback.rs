//! `rollback`
mod tree;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::configuration::key;
use super::restore::{Changes, refuse_changed, refuse_while_running, save_work, warn_of_secrets};
use super::{Answer, Context, secret, validate, versions};
use crate::config::Error;
use crate::config::rollback::{Extent, Plan};
use crate::failure::Failure;
use crate::store::{Keep, Message, ObjectId};
use crate::ui::style;

/// Go back to what a version held, as a new commit
///
/// Without --key, --file, --host, --profile or --all the whole configuration goes back: config/,
/// buildkeep.toml and schemas/. History stays as it is, so a rollback can itself be undone.
///
/// With --tree what is built goes back to the checkpoint after a step, and the steps that were built
/// since count as not done.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The version: `v3`, `last-good`, a tag, a date, or any commit
    #[arg(long, value_name = "REVISION", required_unless_present = "tree")]
    to: Option<String>,
    /// What is built, as it was after this step, or in this snapshot
    #[arg(long, value_name = "STEP", conflicts_with_all = ["to", "key", "file", "host", "profile", "all"])]
    tree: Option<String>,
    /// With --tree: even what another machine built, and around mounts
    #[arg(long, requires = "tree")]
    force: bool,
    /// Only these keys or tables
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    key: Vec<String>,
    /// Only this file or folder
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// Only the overlay of a host; of this one if none is named
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        default_missing_value = "",
        hide_default_value = true,
        conflicts_with = "file"
    )]
    host: Option<String>,
    /// Only this profile
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "host"])]
    profile: Option<String>,
    /// Every file of the keep: scripts, plan and checks too
    #[arg(long, conflicts_with_all = ["key", "file", "host", "profile"])]
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
    #[serde(flatten)]
    changes: Changes,
    applied: bool,
    commit: Option<String>,
    version: Option<u64>,
    saved: Option<String>,
    undo: Option<&'static str>,
    #[serde(skip)]
    what: String,
    #[serde(skip)]
    called: String,
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, called) = (&self.what, &self.called);
        if self.changes.files.is_empty() {
            return writeln!(f, "nothing to do: {what} is that of {called} already");
        }
        match &self.commit {
            Some(commit) => {
                let commit = style::notable(&commit[..10]);
                writeln!(f, "brought back {what} of {called}, committed {commit}")?;
            }
            None => writeln!(f, "bringing back {what} of {called} changes:")?,
        }
        write!(f, "{}", self.changes)?;
        match self.undo {
            Some(undo) => writeln!(f, "to undo: {}", style::name(undo)),
            None => Ok(()),
        }
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    secret::refuse_message(cx, args.message.as_deref())?;
    let Some(to) = &args.to else {
        return tree::run(cx, args);
    };
    let keep = cx.keep()?;
    let extent = extent(cx, &keep, args)?;
    let target = versions::resolve(&keep, to)?;
    let plan = Plan::make(&keep, target, &extent);
    let plan = plan.map_err(|error| refused(&keep, target, error))?;
    let mut result = shown(cx, &keep, &plan, &extent)?;
    warn_of_secrets(cx, &keep, &plan)?;
    if args.dry_run || plan.is_noop() {
        cx.ui.show(&result)?;
        return Ok(Answer::Yes);
    }
    if !args.while_running {
        refuse_while_running(cx, &keep, "a rollback")?;
    }
    if !args.yes && !confirmed(cx, &result)? {
        cx.ui.status("nothing was changed");
        return Ok(Answer::No);
    }
    let guard = cx.lock(&keep)?;
    result.saved = save_work(cx, &keep, &guard, (&plan, "a rollback"))?;
    let again = Plan::make(&keep, target, &extent)?;
    refuse_changed(&plan, &again)?;
    result.applied = true;
    result.undo = Some("buildkeep undo");
    result.from = again.head.map(|head| head.to_string());
    if again.is_noop() {
        result.commit.clone_from(&result.saved);
    } else {
        let message = message(cx, &keep, args, (&again, &result.changes))?;
        let signature = cx.signature(&keep);
        let commit_id = keep.commit_files(&guard, &again.changes(), &message, &signature)?;
        result.version = versions::number_in(&message.trailers);
        result.commit = Some(commit_id.to_string());
    }
    cx.ui.show(&result)?;
    Ok(Answer::Yes)
}

/// Why it cannot come back, and what may all the same.
fn refused(keep: &Keep, target: ObjectId, error: Error) -> Failure {
    let is_brought_back = matches!(error, Error::Invalid(_)) && validate::work_tree(keep).is_ok();
    let failure = Failure::from(error).hint("nothing was changed");
    match versions::called(keep, target) {
        Ok(called) if is_brought_back => failure
            .hint(format!("going back to {called} would bring this back"))
            .hint(format!(
                "bring back only what is valid of it: `buildkeep rollback --to {called} --key KEY`"
            )),
        _ => failure,
    }
}

fn extent(cx: &Context, keep: &Keep, args: &Args) -> Result<Extent, Failure> {
    let host = args.host.as_ref().map(|id| match id.as_str() {
        "" => keep.host(),
        id => id.to_owned(),
    });
    let overlay = match (host, &args.profile) {
        (Some(id), _) => Some(format!("config/hosts/{id}.toml")),
        (None, Some(name)) => Some(format!("config/profiles/{name}.toml")),
        (None, None) => None,
    };
    let typed = args.file.as_ref().map(|file| in_keep(cx, keep, file));
    let file = overlay.or(typed);
    if !args.key.is_empty() {
        let keys: Result<Vec<_>, _> = args.key.iter().map(|typed| key(typed)).collect();
        return Ok(Extent::Keys(keys?, file));
    }
    Ok(match file {
        Some(file) => Extent::File(file),
        None if args.all => Extent::All,
        None => Extent::Configuration,
    })
}

/// A path from the root of the keep, whether it was typed from there or from the current folder.
fn in_keep(cx: &Context, keep: &Keep, typed: &str) -> String {
    let inside = cx.in_keep(keep, Path::new(typed));
    let inside = inside.as_deref().and_then(Path::to_str);
    inside.unwrap_or(typed).trim_end_matches('/').to_owned()
}

fn shown(cx: &Context, keep: &Keep, plan: &Plan, extent: &Extent) -> Result<RolledBack, Failure> {
    Ok(RolledBack {
        to: plan.target.to_string(),
        from: plan.head.map(|head| head.to_string()),
        changes: Changes::of(cx, keep, plan)?,
        applied: false,
        commit: None,
        version: None,
        saved: None,
        undo: None,
        what: extent.to_string(),
        called: versions::called(keep, plan.target)?,
    })
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

fn message(
    cx: &Context,
    keep: &Keep,
    args: &Args,
    (plan, changes): (&Plan, &Changes),
) -> Result<Message, Failure> {
    let called = versions::called(keep, plan.target)?;
    let extent = extent(cx, keep, args)?;
    let subject = args.message.clone().unwrap_or_else(|| match extent {
        Extent::All => format!("keep: go back to {called}"),
        Extent::Configuration => format!("config: go back to {called}"),
        Extent::File(file) => format!("keep: {file} as in {called}"),
        Extent::Keys(..) => format!("config: {} as in {called}", args.key.join(", ")),
    });
    let mut trailers = cx
        .trailers("rollback", keep)
        .with("Rollback-To", plan.target);
    if let Some(head) = plan.head {
        trailers.push("Rollback-From", head);
    }
    changes.record(keep, &mut trailers)?;
    Ok(Message::new(subject, trailers))
}
