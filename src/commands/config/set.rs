//! `config set`
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::configuration::key;
use super::super::stale::{self, Side, Stale};
use super::super::{Answer, Context, versions};
use super::meanwhile;
use crate::config::edit::{Edit, Wish};
use crate::config::{Effective, Error, Files, OldForm, Role, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::store::{Keep, Message};
use crate::ui::{clean, style};

/// Set a key: checked first, then written and committed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The key, as `build.jobs`
    key: String,
    /// The value; text needs no quotes, a list is written as `["a", "b"]`
    #[arg(allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    how: How,
}

/// What setting and unsetting have in common.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// In this file, as config/profiles/fast.toml; without it where the key belongs
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// For this host only, in config/hosts
    #[arg(long, conflicts_with = "file")]
    host: bool,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What changed.
#[derive(Debug, Serialize)]
struct Outcome {
    key: String,
    before: Option<Json>,
    value: Option<Json>,
    file: String,
    changed: bool,
    commit: Option<String>,
    version: Option<u64>,
    #[serde(flatten)]
    stale: Stale,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.changed {
            let value = self.value.as_ref().map(Json::to_string);
            let value = value.unwrap_or_else(|| "not set".to_owned());
            write!(f, "{} is {} already", self.key, clean(&value))?;
            return match &self.commit {
                Some(commit) => writeln!(f, "; committed {}", style::notable(&commit[..10])),
                None => writeln!(f),
            };
        }
        let change = crate::config::diff::KeyChange {
            key: self.key.clone(),
            before: self.before.clone(),
            after: self.value.clone(),
        };
        writeln!(f, "{}", clean(&change.to_string()))?;
        match (&self.commit, self.version) {
            (Some(commit), Some(version)) => {
                let commit = style::notable(&commit[..10]);
                writeln!(f, "  {}, version {version}, committed {commit}", self.file)?;
            }
            _ => writeln!(f, "  would change {}", self.file)?,
        }
        write!(f, "{}", self.stale)
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    change(cx, &args.key, Wish::Set(&args.value), &args.how)
}

/// Changes one key in one commit.
pub(super) fn change(
    cx: &mut Context,
    typed: &str,
    wish: Wish<'_>,
    how: &How,
) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let key = key(typed)?;
    let seen = keep.repo().head()?;
    let guard = cx.lock(&keep)?;
    meanwhile::tell(cx, &keep, seen, &key)?;
    let files = Files::of_work_tree(&keep)?;
    let overlay = how
        .host
        .then(|| format!("config/hosts/{}.toml", keep.host()));
    let file = how.file.as_deref().or(overlay.as_deref());
    let edit = plan(&keep, &files, (&key, wish), file);
    let edit = edit.map_err(|failure| failure.hint("nothing was changed"))?;
    let mut changed = shown(&edit);
    let after = files.with(&[edit.change()]);
    changed.stale = stale::by_change(cx, &keep, &Side::of(&files), &Side::of(&after));
    let committed = keep.committed_file(&edit.file)?;
    // A crash between writing the file and its commit leaves this: the same command finishes it.
    let is_dirty = committed.as_deref() != files.get(&edit.file);
    let is_left = is_dirty && edit.differs_from(committed.as_deref());
    if (changed.changed || is_left) && !how.dry_run {
        let mut message = message(cx, &keep, &edit, how)?;
        changed.stale.record(&mut message.trailers);
        changed.version = message
            .trailers
            .get("Version")
            .and_then(|number| number.parse().ok());
        let signature = cx.signature(&keep);
        let commit_id = keep.commit_files(&guard, &[edit.change()], &message, &signature)?;
        changed.commit = Some(commit_id.to_string());
        if is_dirty && changed.changed {
            let file = &edit.file;
            cx.ui.warn(format!(
                "{file} had other changes too: they are in the same commit"
            ));
        }
    }
    if let Some(form) = edit.old_form.as_ref().filter(|_| changed.changed) {
        let OldForm { file, from, to } = form;
        let would = if how.dry_run { "would be" } else { "was" };
        cx.ui.warn(format!(
            "{file} {would} rewritten from form {from} to {to} on the way"
        ));
    }
    cx.ui.show(&changed)?;
    say_if_overruled(cx, &keep, &edit)?;
    Ok(Answer::Yes)
}

/// What to do; an `unset` that a crash cut off is seen by what the last commit has.
fn plan(
    keep: &Keep,
    files: &Files,
    (key, wish): (&KeyPath, Wish<'_>),
    file: Option<&str>,
) -> Result<Edit, Failure> {
    match Edit::plan(files, key, wish, file) {
        Err(Error::NotSet { .. }) if file.is_none() => {
            let head = keep.repo().head()?;
            let committed = head.map(|head| Files::of_commit(keep.repo(), head));
            let committed = committed.transpose()?.unwrap_or_default();
            Ok(Edit::left_unset(files, &committed, key)?)
        }
        planned => Ok(planned?),
    }
}

fn shown(edit: &Edit) -> Outcome {
    let value = |value: &Option<Json>| match value {
        Some(_) if edit.is_secret => Some(Json::from("(secret)")),
        other => other.clone(),
    };
    Outcome {
        key: edit.key.to_string(),
        before: value(&edit.before),
        value: value(&edit.after),
        file: edit.file.clone(),
        changed: !edit.is_noop(),
        commit: None,
        version: None,
        stale: Stale::default(),
    }
}

fn message(cx: &Context, keep: &Keep, edit: &Edit, how: &How) -> Result<Message, Failure> {
    let subject = how.message.clone().unwrap_or_else(|| subject(edit));
    let mut trailers = cx.trailers("config", keep).with("Key", &edit.key);
    if Role::of(&edit.file).is_some_and(|role| role.is_configuration()) {
        trailers.push("Version", versions::next(keep)?);
    }
    Ok(Message::new(subject, trailers))
}

fn subject(edit: &Edit) -> String {
    let key = &edit.key;
    match &edit.after {
        None => format!("config: unset {key}"),
        Some(_) if edit.is_secret => format!("config: set {key}"),
        Some(value) => {
            let value = value.to_string();
            let short: String = value.chars().take(40).collect();
            let more = if short.len() < value.len() { "…" } else { "" };
            format!("config: set {key} to {short}{more}")
        }
    }
}

/// A value that a stronger layer hides here is written, but does not hold.
fn say_if_overruled(cx: &mut Context, keep: &Keep, edit: &Edit) -> Result<(), Failure> {
    let files = Files::of_work_tree(keep)?.with(&[edit.change()]);
    let sources = Sources::read(&files)?;
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    let Ok(effective) = Effective::of(&sources, &scope) else {
        return Ok(());
    };
    let (key, value) = (&edit.key, effective.get(&edit.key));
    if let Some(origin) = effective.origin(key)
        && edit.after.is_some()
        && value != edit.after.as_ref()
    {
        cx.ui
            .warn(format!("on this host `{key}` is something else: {origin}"));
    }
    Ok(())
}
