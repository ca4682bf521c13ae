//! `config history`
use std::fmt;

use serde::Serialize;

use super::super::configuration::{effective_now, key};
use super::super::restore::marks;
use super::super::{Answer, Context, versions};
use super::by::By;
use crate::config::diff::{KeyChange, open};
use crate::config::history::{History, Turn};
use crate::config::versions::Index;
use crate::config::{Effective, Error};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::report::words::{Marks, changed_key};
use crate::store::Keep;
use crate::ui::{clean_line, style};

/// Show every version in which a key got another value, newest first
///
/// What counts is what the files say on this host: profiles in force, config/, its overlay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The key or table, as `build.jobs`
    key: String,
    /// Show at most this many versions
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    limit: usize,
}

/// One version.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    by: By,
    #[serde(flatten)]
    change: KeyChange,
    #[serde(skip)]
    marks: Marks,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = &self.by;
        let commit = style::notable(by.short());
        let when = style::faint(by.when());
        let author = clean_line(&by.author);
        let subject = clean_line(&by.subject);
        writeln!(f, "{commit} {:4} {when} {author}: {subject}", by.number())?;
        writeln!(f, "  {}", changed_key(&self.change, self.marks))
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let key = key(&args.key)?;
    let (sources, now) = effective_now(&keep)?;
    let index = versions::index(&keep)?;
    let mut history = History::new(keep.repo(), &index, &keep.host(), &sources);
    let turns = history.turns(&key, args.limit)?;
    if turns.is_empty() {
        return never(cx, (&now, &index), &key);
    }
    let is_all = turns.len() < args.limit;
    for turn in turns {
        let line = line(cx, &keep, (&now, &key), turn)?;
        cx.ui.stream(&line)?;
    }
    if is_all {
        versions::tell_cut(cx, &index);
    }
    Ok(Answer::Yes)
}

fn line(
    cx: &Context,
    keep: &Keep,
    (now, key): (&Effective, &KeyPath),
    turn: Turn,
) -> Result<Line, Failure> {
    let shown = |value| open(now, key, value);
    Ok(Line {
        by: By::of(&keep.repo().commit(turn.commit_id)?, turn.number),
        change: KeyChange {
            key: key.to_string(),
            before: turn.before.map(shown),
            after: turn.after.map(shown),
        },
        marks: marks(cx),
    })
}

/// No version ever set it: a default, or no key at all.
fn never(
    cx: &mut Context,
    (now, index): (&Effective, &Index),
    key: &KeyPath,
) -> Result<Answer, Failure> {
    if !now.knows(key) {
        return Err(Error::UnknownKey {
            key: key.to_string(),
            near: now.nearest(key),
        }
        .into());
    }
    cx.ui.status(match index.cut {
        Some(_) => format!("no version that is here changed `{key}`"),
        None => format!("no version ever set `{key}` in a file"),
    });
    versions::tell_cut(cx, index);
    Ok(Answer::Yes)
}
