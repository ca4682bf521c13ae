//! `config diff`
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context, versions};
use crate::config::diff::{KeyChange, keys};
use crate::config::{Effective, Files, Sources};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::clean;

/// Show which keys changed: since the last commit, since a version, or between two
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A version, tag, date or commit; without it the last commit
    from: Option<String>,
    /// Another one; without it the work tree
    to: Option<String>,
}

/// The keys that differ.
#[derive(Debug, Serialize)]
struct Differences {
    keys: Vec<KeyChange>,
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return writeln!(f, "no key differs");
        }
        self.keys
            .iter()
            .try_for_each(|key| writeln!(f, "{}", clean(&key.to_string())))
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let from = match &args.from {
        Some(from) => Some(versions::resolve(&keep, from)?),
        None => keep.repo().head()?,
    };
    let before = match from {
        Some(commit_id) => Files::of_commit(keep.repo(), commit_id)?,
        None => Files::default(),
    };
    let after = match &args.to {
        Some(to) => Files::of_commit(keep.repo(), versions::resolve(&keep, to)?)?,
        None => Files::of_work_tree(&keep)?,
    };
    let (before, after) = (before.as_seen_from(&after), after.as_seen_from(&before));
    let keys = keys(&read(&keep, &before)?, &read(&keep, &after)?);
    cx.ui.show(&Differences { keys })?;
    Ok(Answer::Yes)
}

/// Invalid files too are compared, as far as they can be read.
fn read(keep: &Keep, files: &Files) -> Result<Effective, Failure> {
    Ok(Effective::of_files(&Sources::read(files)?, &keep.host()))
}
