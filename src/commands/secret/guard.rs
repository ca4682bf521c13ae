//! No commit of ours with what looks like a secret.
use crate::commands::{Context, validate};
use crate::config::secrets::{Allowed, Scanned, scan};
use crate::config::{Files, Sources, secrets};
use crate::document::Problem;
use crate::failure::Failure;
use crate::store::{Change, FileChange, Keep};

/// Refuses files with what looks like a secret, which are about to be committed.
pub(in crate::commands) fn refuse(
    cx: &Context,
    keep: &Keep,
    files: &[FileChange],
) -> Result<(), Failure> {
    refuse_among(cx, &Files::of_work_tree(keep)?.with(files), files)
}

/// The same where there is no keep yet; `all` are the configuration files with these.
pub(in crate::commands) fn refuse_among(
    cx: &Context,
    all: &Files,
    files: &[FileChange],
) -> Result<(), Failure> {
    let paths: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
    let contents = files.iter().zip(&paths).filter_map(|(file, path)| {
        let (_, content) = file.content.as_ref()?;
        Some((path.as_str(), content.as_slice()))
    });
    match found_in(cx, all, contents)?.as_slice() {
        [] => Ok(()),
        problems => Err(Failure::problems(problems)),
    }
}

/// What looks like a secret in some files; `all` are the configuration files with these.
pub(in crate::commands) fn found_in<'a>(
    cx: &Context,
    all: &Files,
    contents: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<Problem>, Failure> {
    let sources = Sources::read(all)?;
    let today = cx.world.clock.now().date_naive();
    Ok(secrets::check(&sources, contents, today))
}

/// Refuses changed files of the work tree with what looks like a secret.
pub(in crate::commands) fn refuse_changes(
    cx: &Context,
    keep: &Keep,
    changes: &[Change],
) -> Result<(), Failure> {
    let all = validate::committed_with(keep, changes)?;
    refuse_among(cx, &all, &keep.file_changes(changes)?)
        .map_err(|failure| failure.hint("nothing was committed"))
}

/// Refuses a message with what looks like a secret: it is in the history as files are.
pub(in crate::commands) fn refuse_message(
    cx: &Context,
    message: Option<&str>,
) -> Result<(), Failure> {
    match in_message(cx, message.unwrap_or_default()).as_slice() {
        [] => Ok(()),
        problems => Err(Failure::problems(problems).hint("nothing was changed")),
    }
}

/// What looks like a secret in a message.
pub(in crate::commands) fn in_message(cx: &Context, text: &str) -> Vec<Problem> {
    let message = Scanned {
        path: "the message",
        content: text.as_bytes(),
        literals: Vec::new(),
    };
    let today = cx.world.clock.now().date_naive();
    let found = scan([message], &Allowed::of(None), today);
    let told =
        |problem: Problem| problem.help("leave it out: messages are in the history for ever");
    found.into_iter().map(told).collect()
}
