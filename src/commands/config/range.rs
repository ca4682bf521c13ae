//! `config validate --range`: every commit of a range, as the hooks judge them.
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context, versions};
use crate::config::Judge;
use crate::config::bypassed::{self, Bypassed, Whose};
use crate::document::Problem;
use crate::failure::Failure;
use crate::store::{Keep, ObjectId};
use crate::ui::{clean_line, counted, style};

/// What was found in a range.
#[derive(Debug, Serialize)]
struct Judged {
    valid: bool,
    commits: usize,
    /// What is wrong at its end.
    errors: Vec<Problem>,
    /// The commits that brought in what is not valid, the oldest first.
    bypassed: Vec<Bypassed>,
    /// The commit before the range that began what is wrong at its end.
    since: Option<String>,
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for commit in &self.bypassed {
            let id = style::notable(commit.commit.get(..10).unwrap_or_default());
            let mended = if commit.mended { " (mended since)" } else { "" };
            writeln!(f, "{id} {}{mended}", clean_line(&commit.subject))?;
            commit.errors.iter().try_for_each(|error| line(f, error))?;
        }
        if let Some(since) = &self.since {
            let since = style::notable(since.get(..10).unwrap_or_default());
            writeln!(f, "{since} not valid since then, before this range")?;
            self.errors.iter().try_for_each(|error| line(f, error))?;
        }
        let commits = counted(self.commits as u64, "commit");
        let verdict = if self.valid {
            style::good("valid:")
        } else {
            style::bad("not valid:")
        };
        write!(f, "{verdict} {commits} checked")?;
        match self.bypassed.len() {
            0 => {}
            1 => write!(f, ", 1 went past validation")?,
            more => write!(f, ", {more} went past validation")?,
        }
        if !self.valid && self.errors.is_empty() {
            write!(f, ", and `[hooks] every_commit` allows none")?;
        }
        writeln!(f)
    }
}

fn line(f: &mut fmt::Formatter<'_>, error: &Problem) -> fmt::Result {
    let (file, message) = (clean_line(&error.file), clean_line(&error.message));
    writeln!(f, "  {file}:{}:{} {message}", error.line, error.column)
}

/// Judges a range; the answer is no where a push of its end would be refused.
pub(super) fn run(cx: &mut Context, keep: &Keep, range: &str) -> Result<Answer, Failure> {
    let (from, tip) = ends(keep, range)?;
    let objects = keep.repo().objects();
    let mut judge = Judge::new(&objects, Some(keep.root()));
    let commits = objects.line(tip, &[from], None)?.commits.len();
    let mut found = bypassed::look(&mut judge, tip, &[from], Whose::All)?;
    found.bypassed.reverse();
    let is_older = !found.tip.is_empty() && found.bypassed.iter().all(|commit| commit.mended);
    let since = if is_older {
        bypassed::culprit(&mut judge, tip)?.map(|link| link.id.to_string())
    } else {
        None
    };
    let is_strict = bypassed::is_strict(&judge, tip)?;
    let judged = Judged {
        valid: found.tip.is_empty() && (found.bypassed.is_empty() || !is_strict),
        commits,
        errors: found.tip,
        bypassed: found.bypassed,
        since,
    };
    cx.ui.show(&judged)?;
    Ok(Answer::of(judged.valid))
}

/// Where a range begins, which is not part of it, and where it ends.
fn ends(keep: &Keep, range: &str) -> Result<(ObjectId, ObjectId), Failure> {
    let Some((from, to)) = range
        .split_once("..")
        .filter(|(_, to)| !to.starts_with('.'))
    else {
        return Err(Failure::user(format!("`{range}` is no range"))
            .hint("write it as `v3..v5`, or `origin/main..` for what is not pushed"));
    };
    let resolve = |spec: &str| versions::resolve(keep, if spec.is_empty() { "HEAD" } else { spec });
    Ok((resolve(from)?, resolve(to)?))
}
