//! `diff`
use super::{Answer, Context, versions};
use crate::failure::Failure;
use crate::report::diff::{Differences, FileDiff};
use crate::store::{Change, Keep};

/// Show what changed: in the work tree, since a version, or between two
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A version, tag or commit; without it the last commit
    from: Option<String>,
    /// Another one; without it the work tree
    to: Option<String>,
}

/// Runs the command; the answer is no if something differs and `--json` or a script asks.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let differences = match (&args.from, &args.to) {
        (Some(from), Some(to)) => {
            let from = versions::resolve(&keep, from)?;
            let to = versions::resolve(&keep, to)?;
            between(&keep, &keep.changes_between(Some(from), Some(to))?)?
        }
        (Some(from), None) => {
            let from = versions::resolve(&keep, from)?;
            with_work_tree(&keep, &keep.changes_since(from)?)?
        }
        (None, _) => with_work_tree(&keep, &keep.changes()?)?,
    };
    if differences.files.is_empty() {
        cx.ui.status("no differences");
    }
    cx.ui.show(&differences)?;
    Ok(Answer::Yes)
}

/// Differences whose both sides are committed.
pub(super) fn between(keep: &Keep, changes: &[Change]) -> Result<Differences, Failure> {
    let repo = keep.repo();
    let mut files = Vec::new();
    for change in changes {
        let before = change
            .before
            .as_ref()
            .map(|file| repo.read_blob(file.blob_id))
            .transpose()?;
        let after = change
            .after
            .as_ref()
            .map(|file| repo.read_blob(file.blob_id))
            .transpose()?;
        files.push(FileDiff::new(
            change.path.to_string(),
            before.as_deref(),
            after.as_deref(),
        ));
    }
    Ok(Differences { files })
}

/// Differences whose newer side is the work tree.
fn with_work_tree(keep: &Keep, changes: &[Change]) -> Result<Differences, Failure> {
    let mut files = Vec::new();
    for change in changes {
        let before = change
            .before
            .as_ref()
            .map(|file| keep.repo().read_blob(file.blob_id))
            .transpose()?;
        let after = keep.work_file(&change.path)?;
        files.push(FileDiff::new(
            change.path.to_string(),
            before.as_deref(),
            after.as_deref(),
        ));
    }
    Ok(Differences { files })
}
