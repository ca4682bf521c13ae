//! The gate that commits pass when they are pushed, here and on a server: the tip must be valid.
//!
//! History is never rewritten here, so a commit in the middle that a later one mends is told, and
//! let through; `[hooks] every_commit = true` in buildkeep.toml refuses it.
use chrono::NaiveDate;

use super::Context;
use crate::config::Judge;
use crate::config::bypassed::{self, Bypassed, Whose};
use crate::config::secrets::leaving;
use crate::failure::Failure;
use crate::store::ObjectId;
use crate::ui::clean_line;

/// What is to pass.
pub(super) struct Passing<'a> {
    /// What it is, for people: `the push of refs/heads/main`.
    pub(super) what: &'a str,
    /// Its newest commit.
    pub(super) tip: ObjectId,
    /// Commits that are on the other side already.
    pub(super) known: &'a [ObjectId],
    /// The day on which it passes.
    pub(super) today: NaiveDate,
}

/// Refuses what must not pass; else returns what people should know of what does.
pub(super) fn examine(
    judge: &mut Judge<'_>,
    passing: &Passing<'_>,
) -> Result<Vec<String>, Failure> {
    refuse_secrets(judge, passing)?;
    let is_strict = bypassed::is_strict(judge, passing.tip)?;
    let whose = if is_strict { Whose::All } else { Whose::Others };
    let found = bypassed::look(judge, passing.tip, passing.known, whose)?;
    if !found.tip.is_empty() {
        let since = match bypassed::culprit(judge, passing.tip)? {
            Some(link) => named(&link.id.to_string(), &link.subject),
            None => "its beginning".to_owned(),
        };
        let what = format!("{} was refused: not valid since {since}", passing.what);
        let failure = Failure::refused(&found.tip, &what);
        return Err(failure.hint("mend it, commit, and push again"));
    }
    if let Some(first) = found.bypassed.last()
        && is_strict
    {
        return Err(strict(passing, first));
    }
    Ok(found.bypassed.iter().rev().map(note).collect())
}

/// Says what people should know of what passes, or why it does not; returns whether it does.
pub(super) fn told_if_passes(
    cx: &mut Context,
    judge: &mut Judge<'_>,
    passing: &Passing<'_>,
) -> bool {
    match examine(judge, passing) {
        Ok(notes) => {
            for note in &notes {
                cx.ui.status(note);
            }
            true
        }
        Err(failure) => {
            cx.ui.error(failure);
            false
        }
    }
}

/// A later commit does not take a secret out of the history: nothing mends it but another history.
fn refuse_secrets(judge: &Judge<'_>, passing: &Passing<'_>) -> Result<(), Failure> {
    let found = leaving(judge.objects(), passing.tip, passing.known, passing.today)?;
    let Some((link, problems)) = found else {
        return Ok(());
    };
    let commit = link.id.to_string();
    let what = format!(
        "{} was refused: {} holds what looks like a secret",
        passing.what,
        named(&commit, &link.subject)
    );
    let short = short(&commit);
    Err(Failure::refused(&problems, &what)
        .hint(format!(
            "take it out of that commit: `git rebase -i {short}~1`"
        ))
        .hint("or, if it is none, allow it in `[[secrets.allow]]` of buildkeep.toml"))
}

fn strict(passing: &Passing<'_>, first: &Bypassed) -> Failure {
    let what = format!(
        "{} was refused: {} is not valid, and `[hooks] every_commit` wants every commit to be",
        passing.what,
        named(&first.commit, &first.subject)
    );
    let short = short(&first.commit);
    Failure::refused(&first.errors, &what).hint(format!(
        "mend that commit itself: `git rebase -i {short}~1`"
    ))
}

fn note(bypassed: &Bypassed) -> String {
    let place = bypassed
        .errors
        .first()
        .map(|problem| format!(" ({}:{}:{})", problem.file, problem.line, problem.column));
    format!(
        "note: {} went past validation{}; a later commit mends it",
        named(&bypassed.commit, &bypassed.subject),
        place.unwrap_or_default()
    )
}

/// A commit, as people find it again.
pub(super) fn named(commit: &str, subject: &str) -> String {
    format!("{} ({})", short(commit), clean_line(subject))
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
