//! `hook commit-msg`: nobody but buildkeep says that buildkeep made a commit, and nobody tells a secret.
use std::ffi::OsString;

use super::super::{Answer, Context, secret};
use crate::config::hooks::message_problems;
use crate::failure::Failure;
use crate::fs::read;
use crate::store::{Called, Trailers};

/// The line below which Git cuts a message off.
const SCISSORS: &str = "# ------------------------ >8 ------------------------";
/// Commits that Git is about to make again, with what they say.
const CARRIED: &[&str] = &[
    "HEAD",
    "ORIG_HEAD",
    "CHERRY_PICK_HEAD",
    "REBASE_HEAD",
    "MERGE_HEAD",
];

pub(super) fn check(
    cx: &mut Context,
    called: &Called,
    file: Option<&OsString>,
) -> Result<Answer, Failure> {
    let Some(file) = file else {
        return Err(Failure::user("which message?").hint("Git names the file to its hook"));
    };
    let name = file.to_string_lossy();
    let bytes = read(&cx.path(file.as_ref()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut problems = message_problems(&name, &text, &carried(called));
    let mut why = "its message is not yours";
    if problems.is_empty() {
        // What follows is the diff of `git commit -v`, which is in no message.
        let said = text.split(SCISSORS).next().unwrap_or_default();
        problems = secret::in_message(cx, said);
        why = "its message seems to have a secret";
    }
    if problems.is_empty() {
        return Ok(Answer::Yes);
    }
    let failure = Failure::refused(&problems, &format!("the commit was refused: {why}"));
    cx.ui
        .error(failure.hint(format!("what you wrote is kept: `git commit -e -F {name}`")));
    Ok(Answer::No)
}

fn carried(called: &Called) -> Vec<Trailers> {
    let commits = CARRIED.iter().filter_map(|name| {
        let id = called.repo().resolve(name).ok()?;
        called.repo().commit(id).ok()
    });
    commits.map(|commit| commit.message.trailers).collect()
}
