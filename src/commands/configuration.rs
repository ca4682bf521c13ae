//! The configuration of a keep, as commands ask for it.
use serde_json::Value as Json;

use super::Context;
use crate::config::{Effective, Error, Files, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::store::{Keep, ObjectId};

/// What holds in the work tree, on this host, with the overrides of this command.
pub(super) fn effective(cx: &Context, keep: &Keep) -> Result<Effective, Failure> {
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    in_files(&Files::of_work_tree(keep)?, &scope)
}

/// What a commit says for this host, without overrides.
pub(super) fn effective_at(keep: &Keep, commit_id: ObjectId) -> Result<Effective, Failure> {
    let files = Files::of_commit(keep.repo(), commit_id)?;
    in_files(&files, &Scope::of_host(&keep.host()))
}

/// A key as it was typed.
pub(super) fn key(typed: &str) -> Result<KeyPath, Failure> {
    KeyPath::parse(typed).map_err(|reason| {
        Error::BadKey {
            key: typed.to_owned(),
            reason,
        }
        .into()
    })
}

/// A value as scripts want it: text without quotes, a list with spaces between its items.
pub(super) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn in_files(files: &Files, scope: &Scope) -> Result<Effective, Failure> {
    Ok(Effective::of(&Sources::read(files)?, scope)?)
}
