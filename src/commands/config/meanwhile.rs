//! What others did to a key while a command waited for its turn.
use super::super::Context;
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::store::{Commit, Keep, ObjectId};
use crate::ui::clean;

/// Tells who changed the key since `seen` was the newest commit: whoever typed the command did not
/// know.
pub(super) fn tell(
    cx: &mut Context,
    keep: &Keep,
    seen: Option<ObjectId>,
    key: &KeyPath,
) -> Result<(), Failure> {
    let head = keep.repo().head()?;
    let (Some(head), Some(seen)) = (head.filter(|_| head != seen), seen) else {
        return Ok(());
    };
    let name = key.to_string();
    for commit in keep.repo().first_parents(head) {
        let commit = commit?;
        if commit.id == seen {
            break;
        }
        if commit.message.trailers.all("Key").any(|key| key == name) {
            cx.ui.warn(told(&commit));
        }
    }
    Ok(())
}

/// Who, what, and where to look.
fn told(commit: &Commit) -> String {
    format!(
        "meanwhile {} changed that too: {} (commit {})",
        clean(&commit.author.person.name),
        clean(&commit.message.subject),
        commit.short_id()
    )
}
