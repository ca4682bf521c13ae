//! The configuration of a keep, as commands ask for it.
use serde_json::Value as Json;

use super::{Context, versions};
use crate::config::{Effective, Error, Files, Known, Memory, OldForm, Remembered, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::store::{Keep, ObjectId};

/// What holds in the work tree, on this host, with the overrides of this command.
pub(super) fn effective(cx: &mut Context, keep: &Keep) -> Result<Effective, Failure> {
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    let memory = Memory::of(keep);
    let files = Files::of_work_tree(keep)?;
    let sources = Sources::read(&files)?;
    let effective = Effective::of(&sources, &scope)?;
    if scope.overrides.is_empty() {
        remember(&memory, (&files, &sources), &effective);
    }
    tell_old_forms(cx, &sources.old_forms());
    Ok(effective)
}

/// Keeps what holds for the next command, if there is nothing to be said about it.
fn remember(memory: &Memory, (files, sources): (&Files, &Sources), effective: &Effective) {
    if sources.problems().is_empty() && sources.old_forms().is_empty() {
        memory.keep(files, effective);
    }
}

/// What the files of the work tree say for this host, as far as they can be read.
pub(super) struct AtALook {
    /// Whether nothing is wrong with any of them.
    pub(super) is_valid: bool,
    values: Values,
}

/// What holds, without overrides.
enum Values {
    Known(Vec<Known>),
    Remembered(Remembered),
}

impl AtALook {
    /// What holds, without overrides.
    pub(super) fn values(self, keep: &Keep) -> Result<Vec<Known>, Failure> {
        match self.values {
            Values::Known(values) => Ok(values),
            Values::Remembered(remembered) => match remembered.read() {
                Some(values) => Ok(values),
                None => Ok(look(keep)?.1),
            },
        }
    }
}

/// Looks at the configuration, perhaps without reading any file.
pub(super) fn at_a_look(keep: &Keep) -> Result<AtALook, Failure> {
    if let Some(remembered) = Memory::of(keep).values() {
        return Ok(AtALook {
            is_valid: true,
            values: Values::Remembered(remembered),
        });
    }
    let (is_valid, values) = look(keep)?;
    let values = Values::Known(values);
    Ok(AtALook { is_valid, values })
}

/// Reads all files: whether nothing is wrong with them, and what holds.
fn look(keep: &Keep) -> Result<(bool, Vec<Known>), Failure> {
    let memory = Memory::of(keep);
    let files = Files::of_work_tree(keep)?;
    let sources = Sources::read(&files)?;
    let is_valid = sources.problems().is_empty();
    let effective = if is_valid {
        Effective::of(&sources, &Scope::of_host(&keep.host()))?
    } else {
        Effective::of_files(&sources, &keep.host())
    };
    remember(&memory, (&files, &sources), &effective);
    Ok((is_valid, effective.values()))
}

/// What holds at and below `key`, perhaps without reading any file; the key has a value.
pub(super) fn effective_at_key(
    cx: &mut Context,
    keep: &Keep,
    key: &KeyPath,
) -> Result<Effective, Failure> {
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    let recall = || Memory::of(keep).recall(key);
    match scope.overrides.is_empty().then(recall).flatten() {
        Some(known) => Ok(known),
        None => effective(cx, keep),
    }
}

/// The files of the work tree, and what they say for this host, as far as they can be read.
pub(super) fn effective_now(keep: &Keep) -> Result<(Sources, Effective), Failure> {
    let sources = Sources::read(&Files::of_work_tree(keep)?)?;
    let effective = Effective::of_files(&sources, &keep.host());
    Ok((sources, effective))
}

/// What a commit says for this host, without overrides.
pub(super) fn effective_at(keep: &Keep, commit_id: ObjectId) -> Result<Effective, Failure> {
    let now = Files::of_work_tree(keep)?;
    let files = Files::of_commit(keep.repo(), commit_id)?.as_seen_from(&now);
    let sources = Sources::read(&files)?;
    Ok(Effective::of(&sources, &Scope::of_host(&keep.host()))?)
}

/// Says which files are of an old form; they are read as if they were of the newest.
pub(super) fn tell_old_forms(cx: &mut Context, old: &[OldForm]) {
    let [first, rest @ ..] = old else { return };
    let OldForm { file, from, to } = first;
    let (more, them) = match rest.len() {
        0 => (String::new(), "it"),
        1 => (", and so is one more file".to_owned(), "them"),
        more => (format!(", and so are {more} more files"), "them"),
    };
    cx.ui.warn(format!(
        "{file} is of form {from}, read as form {to}{more}; `buildkeep config migrate` rewrites {them}"
    ));
}

/// The files of the work tree, or of a commit, with what holds besides them.
pub(super) fn sources_at(
    cx: &Context,
    keep: &Keep,
    at: Option<&str>,
) -> Result<(Sources, Scope), Failure> {
    if let Some(at) = at {
        let now = Files::of_work_tree(keep)?;
        let files = Files::of_commit(keep.repo(), versions::resolve(keep, at)?)?;
        return Ok((
            Sources::read(&files.as_seen_from(&now))?,
            Scope::of_host(&keep.host()),
        ));
    }
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    Ok((Sources::read(&Files::of_work_tree(keep)?)?, scope))
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
