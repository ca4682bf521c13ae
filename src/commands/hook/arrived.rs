//! `hook post-merge`, `post-checkout`, `post-rewrite`: what has come in cannot be refused any
//! more; if it is not valid, one line says so. These never fail, and are quiet when all is well.
use std::ffi::OsString;

use super::super::{Answer, Context};
use crate::config::Judge;
use crate::failure::Failure;
use crate::store::{Called, ObjectId};
use crate::ui::{clean_line, style};

/// `<previous> <new> <1 for a branch, 0 for files>`
pub(super) fn after_checkout(cx: &mut Context, called: &Called, args: &[OsString]) -> Answer {
    let words: Vec<_> = args.iter().filter_map(|word| word.to_str()).collect();
    if let [before, _, "1"] = words.as_slice()
        && !called.is_rebasing()
    {
        let before = ObjectId::from_hex(before.as_bytes()).ok();
        tell(cx, called, before);
    }
    Answer::Yes
}

pub(super) fn after_merge(cx: &mut Context, called: &Called) -> Answer {
    if !called.is_rebasing() {
        tell(cx, called, None);
    }
    Answer::Yes
}

/// `amend` or `rebase`; the latter comes once, when all is done.
pub(super) fn after_rewrite(cx: &mut Context, called: &Called, by: Option<&OsString>) -> Answer {
    if by.is_some_and(|by| by == "rebase") || !called.is_rebasing() {
        tell(cx, called, None);
    }
    Answer::Yes
}

fn tell(cx: &mut Context, called: &Called, before: Option<ObjectId>) {
    if let Ok(Some(message)) = message(called, before) {
        cx.ui.error(message);
    }
}

/// What to say of the commit that is checked out now; nothing if its configuration is the same.
fn message(called: &Called, before: Option<ObjectId>) -> Result<Option<String>, Failure> {
    let Some(head) = called.head()? else {
        return Ok(None);
    };
    let objects = called.objects();
    let mut judge = Judge::new(objects, Some(called.root()));
    let Some(now) = objects.link(head)? else {
        return Ok(None);
    };
    let before = before.map(|id| objects.link(id)).transpose()?.flatten();
    if let Some(before) = before
        && judge.mark(before.tree_id)? == judge.mark(now.tree_id)?
    {
        return Ok(None);
    }
    let verdict = judge.verdict(now.tree_id)?;
    judge.remember();
    let Some(first) = verdict.first() else {
        return Ok(None);
    };
    let more = match verdict.len() {
        1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    let place = format!("{}:{}:{}", first.file, first.line, first.column);
    let (place, said) = (clean_line(&place), clean_line(&first.message));
    let label = style::bad("buildkeep:");
    Ok(Some(format!(
        "{label} the configuration is not valid now: {place}: {said}{more} (buildkeep config validate)"
    )))
}
