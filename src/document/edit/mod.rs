//! Changing one key of a text, and nothing else.
//!
//! The text is not written anew from what was parsed: the new piece is put between the bytes that
//! are there, so comments, order, spacing and line ends stay as they are. Every edit is proved
//! before it is returned: read again, the text must say the same as before but for that key.

mod insert;
mod items;
pub(super) mod lines;
mod remove;
mod transplant;
mod written;

pub(super) use insert::last_entry;
pub use items::{push, take};
pub use transplant::transplant;

use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::Value;

use super::code;
use super::key_path::{KeyPath, Segment};
use super::parse::{BOM, Document};
use super::problem::Problem;
use super::tree::{self, Found, Node};

/// What to put in the place of a part of a text.
struct Splice {
    at: Range<usize>,
    with: String,
}

/// The text with `key` set to `value`; missing tables are added, with headers of their own.
///
/// `name` is what problems call the file.
pub fn set(name: &str, text: &str, key: &KeyPath, value: &Value) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let edited = set_in(&document, key, value)?;
    Ok(with_mark_of(text, edited))
}

fn set_in(document: &Document, key: &KeyPath, value: &Value) -> Result<String, Problem> {
    let (found, depth) = tree::follow(document.root(), key.segments());
    let wanted = tree::to_json(Node::Value(value));
    let splice = if depth < key.segments().len() {
        insert::plan(document, key, value)?
    } else if tree::to_json(found.node) == wanted {
        return Ok(document.text().to_owned());
    } else {
        replace(document, key, &found, value)?
    };
    proved(document, key, &splice, Some(wanted))
}

/// The text without `key`.
pub fn unset(name: &str, text: &str, key: &KeyPath) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let splice = remove::plan(&document, key)?;
    let edited = proved(&document, key, &splice, None)?;
    Ok(with_mark_of(text, edited))
}

/// A document does not know the byte-order mark of its text; the text keeps it.
fn with_mark_of(text: &str, edited: String) -> String {
    if text.starts_with(BOM) {
        format!("{BOM}{edited}")
    } else {
        edited
    }
}

fn replace(
    document: &Document,
    key: &KeyPath,
    found: &Found<'_>,
    value: &Value,
) -> Result<Splice, Problem> {
    let old = found.node.value();
    let span = old
        .and_then(Value::span)
        .ok_or_else(|| a_table(document, key))?;
    let with = written::in_style_of(&document.text()[span.clone()], value);
    Ok(Splice { at: span, with })
}

fn a_table(document: &Document, key: &KeyPath) -> Problem {
    let (found, _) = tree::follow(document.root(), key.segments());
    let first = found.node.table().and_then(|table| table.iter().next());
    let problem = document.problem(key, code::CANNOT_EDIT, format!("`{key}` is a table"));
    match first {
        Some((first, _)) => {
            let one = key.clone().key(first);
            problem.help(format!("name one of its keys, for example `{one}`"))
        }
        None => problem.help("name a key in it"),
    }
}

/// The edited text, if it says what it should.
fn proved(
    document: &Document,
    key: &KeyPath,
    splice: &Splice,
    value: Option<Json>,
) -> Result<String, Problem> {
    let mut wanted = document.to_json();
    let named = positions(document, key);
    let is_gone = value.is_none();
    put(&mut wanted, &named, value);
    proved_as(document, key, splice, |found| {
        *found == wanted || is_gone && without_empty(wanted, &named, found)
    })
}

/// The edited text, if what it says is right.
fn proved_as(
    document: &Document,
    key: &KeyPath,
    splice: &Splice,
    is_right: impl FnOnce(&Json) -> bool,
) -> Result<String, Problem> {
    let mut text = document.text().to_owned();
    text.replace_range(splice.at.clone(), &splice.with);
    let edited = Document::parse(document.name(), &text)?;
    if is_right(&edited.to_json()) {
        return Ok(text);
    }
    let message = format!("`{key}` cannot be changed without touching what is around it");
    Err(document
        .problem(key, code::CANNOT_EDIT, message)
        .help("change it with an editor: `buildkeep config validate` checks the result"))
}

/// Whether `found` is `wanted` without the tables that were empty but for the key at `path`: those
/// that dotted keys make go with their last key.
fn without_empty(mut wanted: Json, path: &[Segment], found: &Json) -> bool {
    let mut path = path;
    while let Some((_, holder)) = path.split_last() {
        path = holder;
        let is_empty = at(&wanted, path).is_some_and(|table| *table == serde_json::json!({}));
        if path.is_empty() || !is_empty {
            return false;
        }
        put(&mut wanted, path, None);
        if wanted == *found {
            return true;
        }
    }
    false
}

fn at<'a>(json: &'a Json, path: &[Segment]) -> Option<&'a Json> {
    path.iter().try_fold(json, |json, segment| match segment {
        Segment::Key(key) => json.get(key),
        Segment::Index(index) => json.get(index),
        Segment::Named(_) => None,
    })
}

/// The path with names of items turned into positions.
fn positions(document: &Document, key: &KeyPath) -> Vec<Segment> {
    let mut node = Node::Table(document.root());
    let mut path = Vec::new();
    for segment in key.segments() {
        let position = match segment {
            Segment::Named(_) => {
                let wanted = node.child(segment).and_then(|found| found.node.span());
                node.items().position(|item| item.node.span() == wanted)
            }
            _ => None,
        };
        path.push(position.map_or_else(|| segment.clone(), Segment::Index));
        if let Some(child) = node.child(segment) {
            node = child.node;
        }
    }
    path
}

/// Sets or removes the value at `path`, making the tables that lead to it.
pub(super) fn put(json: &mut Json, path: &[Segment], value: Option<Json>) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match (first, json) {
        (Segment::Key(key), Json::Object(fields)) if rest.is_empty() => match value {
            Some(value) => drop(fields.insert(key.clone(), value)),
            None => drop(fields.remove(key)),
        },
        (Segment::Key(key), Json::Object(fields)) => {
            let empty = Json::Object(serde_json::Map::new());
            put(fields.entry(key.clone()).or_insert(empty), rest, value);
        }
        (Segment::Index(index), Json::Array(items)) => match (items.get_mut(*index), value) {
            (Some(item), Some(value)) if rest.is_empty() => *item = value,
            (Some(item), value) => put(item, rest, value),
            (None, _) => {}
        },
        _ => {}
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
