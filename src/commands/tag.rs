//! `tag`
use std::fmt;

use serde::Serialize;

use super::{Answer, Context, secret, versions};
use crate::failure::Failure;
use crate::store::{Commit, Expect, Message};
use crate::ui::{Format, clean, style};

/// Name a version, or list the names
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The new name; without it the names are listed
    name: Option<String>,
    /// The version, tag or commit to name
    #[arg(default_value = "HEAD")]
    revision: String,
    /// Why it deserves a name
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Take the name away instead
    #[arg(long, requires = "name")]
    delete: bool,
}

/// A name and what it names.
#[derive(Debug, Serialize)]
struct Tag {
    name: String,
    commit: String,
    subject: String,
}

/// All names.
#[derive(Debug, Serialize)]
struct Tags {
    tags: Vec<Tag>,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = style::name(format!("{:16}", self.name));
        writeln!(
            f,
            "{name} {} {}",
            style::notable(&self.commit[..10]),
            clean(&self.subject)
        )
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tags.is_empty() {
            return writeln!(f, "no tags yet; name this version: buildkeep tag NAME");
        }
        self.tags.iter().try_for_each(|tag| tag.fmt(f))
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    secret::refuse_message(cx, args.message.as_deref())?;
    match &args.name {
        None => list(cx),
        Some(name) if args.delete => delete(cx, name),
        Some(name) => create(cx, name, args),
    }
}

fn list(cx: &mut Context) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let mut tags = Vec::new();
    for (name, target) in keep.repo().refs("refs/tags/")? {
        let commit = keep.repo().commit(keep.repo().peel(target)?)?;
        tags.push(Tag {
            name: name.trim_start_matches("refs/tags/").to_owned(),
            commit: commit.id.to_string(),
            subject: commit.message.subject,
        });
    }
    cx.ui.show(&Tags { tags })?;
    Ok(Answer::Yes)
}

fn create(cx: &mut Context, name: &str, args: &Args) -> Result<Answer, Failure> {
    refuse_reserved(name)?;
    let keep = cx.keep()?;
    let guard = cx.lock(&keep)?;
    let target = versions::resolve(&keep, &args.revision)?;
    let commit = keep.repo().commit(target)?;
    let there = keep.repo().find_ref(&format!("refs/tags/{name}"))?;
    if there.map(|tag| keep.repo().peel(tag)).transpose()? == Some(target) {
        cx.ui.status("it has this name already");
        return shown(cx, name, commit);
    }
    let subject = args
        .message
        .clone()
        .unwrap_or_else(|| commit.message.subject.clone());
    let trailers = cx.trailers("config", &keep);
    let message = Message::new(subject, trailers.clone());
    let operation = Message::new(format!("tag: {name}"), trailers);
    let signature = cx.signature(&keep);
    let mut transaction = keep.begin(&guard, &operation, &signature);
    let tag_id = transaction.tag(name, target, &message, &signature)?;
    transaction.set_ref(&format!("refs/tags/{name}"), Expect::Absent, tag_id, "tag")?;
    transaction.finish()?;
    shown(cx, name, commit)
}

fn shown(cx: &mut Context, name: &str, commit: Commit) -> Result<Answer, Failure> {
    cx.ui.show(&Tag {
        name: name.to_owned(),
        commit: commit.id.to_string(),
        subject: commit.message.subject,
    })?;
    Ok(Answer::Yes)
}

/// Names that mean something else in `--to`, `--at` and the like, or that runs give.
fn refuse_reserved(name: &str) -> Result<(), Failure> {
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let reserved = match name {
        "HEAD" | "@" => "the newest commit",
        "last-good" => "the newest version that a run finished with",
        "good" => "what runs mark as good begins with `good/`",
        _ if name.strip_prefix('v').is_some_and(is_number) => "a version by its number",
        _ if name.starts_with('-') => "an option",
        _ => return Ok(()),
    };
    Err(
        Failure::user(format!("`{name}` is no name for a version: {reserved}"))
            .hint("choose another one, as in `good-2026.1`"),
    )
}

fn delete(cx: &mut Context, name: &str) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let guard = cx.lock(&keep)?;
    let full = format!("refs/tags/{name}");
    let target = keep.repo().find_ref(&full)?.ok_or_else(|| {
        Failure::user(format!("there is no tag `{name}`")).hint("list them: `buildkeep tag`")
    })?;
    let subject = format!("tag: delete {name}");
    let message = Message::new(subject, cx.trailers("config", &keep));
    let mut transaction = keep.begin(&guard, &message, &cx.signature(&keep));
    transaction.delete_ref(&full, target)?;
    transaction.finish()?;
    let commit_id = keep.repo().peel(target)?;
    cx.ui.status(format!(
        "deleted the name of {}; to have it back: `buildkeep undo`",
        commit_id.to_hex_with_len(10)
    ));
    match cx.ui.format() {
        Format::Human => Ok(Answer::Yes),
        Format::Json => shown(cx, name, keep.repo().commit(commit_id)?),
    }
}
