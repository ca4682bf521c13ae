//! `show`
use std::fmt;

use serde::Serialize;

use super::diff::End;
use super::{Answer, Context, diff, log, versions};
use crate::failure::Failure;
use crate::report::diff::Differences;
use crate::report::log::Entry;
use crate::ui::{clean, clean_line, style};

/// Show one commit: who, when, why, and what changed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A version, tag or commit
    #[arg(default_value = "HEAD")]
    revision: String,
}

/// A commit with its changes.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    entry: Entry,
    body: String,
    #[serde(flatten)]
    differences: Differences,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} {}",
            style::notable(format!("{:13}", "commit")),
            style::notable(&self.entry.commit)
        )?;
        let mut line = |name: &str, value: &str| writeln!(f, "{name:14}{}", clean_line(value));
        line("author", &self.entry.author)?;
        line("time", &self.entry.time)?;
        if let Some(version) = self.entry.version {
            line("version", &format!("v{version}"))?;
        }
        for tag in &self.entry.tags {
            line("tag", tag)?;
        }
        for (key, values) in &self.entry.trailers {
            if !matches!(key.as_str(), "Format" | "Version") {
                line(&key.to_lowercase(), &values.join(", "))?;
            }
        }
        writeln!(f, "\n    {}", clean(&self.entry.subject))?;
        for text in self.body.lines() {
            writeln!(f, "{}", format!("    {}", clean(text)).trim_end())?;
        }
        write!(f, "\n{}", self.differences)
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let commit_id = versions::resolve(&keep, &args.revision)?;
    let commit = keep.repo().commit(commit_id)?;
    let parent = commit.parents.first().copied();
    let tags = log::tags_by_commit(&keep)?;
    let index = versions::index(&keep)?;
    cx.ui.show(&Shown {
        entry: Entry::new(&commit, index.number_of(commit_id), &tags),
        body: commit.message.body.clone(),
        differences: diff::between(&keep, parent, End::Commit(commit_id))?,
    })?;
    if keep.repo().is_cut_off_at(commit_id)? {
        versions::tell_cut(cx, &index);
    }
    Ok(Answer::Yes)
}
