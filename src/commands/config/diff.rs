//! `config diff`
use std::fmt;

use serde::Serialize;

use super::super::diff::{End, between};
use super::super::restore::marks;
use super::super::stale::{self, Side, Stale};
use super::super::{Answer, Context, versions};
use crate::config::diff::{KeyChange, keys};
use crate::config::{Effective, Files, Role, Sources};
use crate::failure::Failure;
use crate::report::diff::Differences;
use crate::report::words::{Marks, changed_key};
use crate::store::{Keep, ObjectId};

/// Show which keys changed: since the last commit, since a version, or between two
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A version, tag, date or commit, or two as `v3..v5`; without it the last commit
    from: Option<String>,
    /// Another one; without it the work tree
    to: Option<String>,
    /// Show the lines of the files instead
    #[arg(long)]
    text: bool,
    /// Exit with 1 if something differs
    #[arg(long)]
    exit_code: bool,
}

/// The keys that differ.
#[derive(Debug, Serialize)]
struct ByKey {
    keys: Vec<KeyChange>,
    #[serde(flatten)]
    stale: Stale,
    #[serde(skip)]
    marks: Marks,
}

impl fmt::Display for ByKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return writeln!(f, "no key differs");
        }
        for key in &self.keys {
            writeln!(f, "{}", changed_key(key, self.marks))?;
        }
        write!(f, "{}", self.stale)
    }
}

/// Runs the command; the answer is no only if it was asked for: as in Git, to look is no failure.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let (from, to) = ends(&keep, args)?;
    let differs = if args.text {
        by_line(cx, &keep, from, to)?
    } else {
        by_key(cx, &keep, from, to)?
    };
    Ok(Answer::of(!(differs && args.exit_code)))
}

/// The two commits; none is the beginning on the left, the work tree on the right.
fn ends(keep: &Keep, args: &Args) -> Result<(Option<ObjectId>, Option<ObjectId>), Failure> {
    let (from, to) = match (&args.from, &args.to) {
        (Some(range), None) => match range.split_once("..") {
            Some((from, to)) => (Some(from), Some(to)),
            None => (Some(range.as_str()), None),
        },
        (from, to) => (from.as_deref(), to.as_deref()),
    };
    let resolve = |spec: Option<&str>| {
        let spec = spec.map(|spec| if spec.is_empty() { "HEAD" } else { spec });
        spec.map(|spec| versions::resolve(keep, spec)).transpose()
    };
    Ok((resolve(from)?.or(keep.repo().head()?), resolve(to)?))
}

fn by_key(
    cx: &mut Context,
    keep: &Keep,
    from: Option<ObjectId>,
    to: Option<ObjectId>,
) -> Result<bool, Failure> {
    let of = |commit_id| Files::of_commit(keep.repo(), commit_id);
    let before = from.map(of).transpose()?.unwrap_or_default();
    let after = match to {
        Some(commit_id) => of(commit_id)?,
        None => Files::of_work_tree(keep)?,
    };
    let (before, after) = (before.as_seen_from(&after), after.as_seen_from(&before));
    let sides = (&Side::of(&before), &Side::of(&after));
    let stale = match to {
        Some(_) => stale::between(keep, sides.0, sides.1),
        None => stale::by_change(cx, keep, sides.0, sides.1),
    };
    let shown = ByKey {
        keys: keys(&read(keep, &before)?, &read(keep, &after)?),
        stale,
        marks: marks(cx),
    };
    cx.ui.show(&shown)?;
    Ok(!shown.keys.is_empty())
}

fn by_line(
    cx: &mut Context,
    keep: &Keep,
    from: Option<ObjectId>,
    to: Option<ObjectId>,
) -> Result<bool, Failure> {
    let all = between(keep, from, to.map_or(End::WorkTree, End::Commit))?;
    let is_configuration = |path: &str| Role::of(path).is_some_and(|role| role.is_configuration());
    let files = all.files.into_iter();
    let differences = Differences {
        files: files.filter(|file| is_configuration(&file.path)).collect(),
    };
    if differences.files.is_empty() {
        cx.ui.status("no differences");
    }
    cx.ui.show(&differences)?;
    Ok(!differences.files.is_empty())
}

/// Invalid files too are compared, as far as they can be read.
fn read(keep: &Keep, files: &Files) -> Result<Effective, Failure> {
    Ok(Effective::of_files(&Sources::read(files)?, &keep.host()))
}
