//! One change on the way from a form to the next.
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml_edit::Value;

use super::super::key_path::{KeyPath, Segment};
use super::super::parse::Document;
use super::super::problem::Problem;
use super::super::{edit, fix};
use super::convert::{Kind, converted};
use super::{Draft, Part, Stuck, rename};

/// What a step does to the text of a file; what it names and the file lacks, it leaves.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Step {
    /// A key or table gets another name, or goes to another table.
    Rename { from: Pattern, to: Pattern },
    /// A key or table goes away.
    Remove { key: Pattern },
    /// A key that the file lacks gets a value; never in an overlay.
    Add { key: Pattern, value: Json },
    /// Some values become others; keys are the old values as text.
    Map {
        key: Pattern,
        values: BTreeMap<String, Json>,
    },
    /// The value becomes one of another type; texts are taken apart, and lists joined, by `by`.
    Convert {
        key: Pattern,
        to: Kind,
        #[serde(default)]
        by: Option<String>,
    },
}

/// A key as migrations name it; `step[*].needs` is that of every item of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(KeyPath);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        KeyPath::parse(&text)
            .map(Self)
            .map_err(|reason| format!("`{text}` is not a key: {reason}"))
    }
}

impl Pattern {
    /// The places of lists that the pattern leaves open, as they are in `json`.
    fn items(&self, json: &Json) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        choose(self.0.segments(), json, Vec::new(), &mut found);
        found
    }

    /// The key, with these places of lists.
    fn at(&self, items: &[usize]) -> KeyPath {
        let mut items = items.iter();
        let concrete = |segment: &Segment| match segment {
            Segment::Named(star) if star == "*" => {
                Segment::Index(items.next().copied().unwrap_or_default())
            }
            other => other.clone(),
        };
        self.0.segments().iter().map(concrete).collect()
    }
}

fn choose(path: &[Segment], json: &Json, chosen: Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let Some((first, rest)) = path.split_first() else {
        found.push(chosen);
        return;
    };
    match first {
        Segment::Key(key) => match json.get(key) {
            Some(inner) => choose(rest, inner, chosen, found),
            None if path.iter().all(|part| matches!(part, Segment::Key(_))) => found.push(chosen),
            None => {}
        },
        Segment::Index(index) => {
            if let Some(inner) = json.get(index) {
                choose(rest, inner, chosen, found);
            }
        }
        Segment::Named(_) => {
            let items = json.as_array().into_iter().flatten();
            for (index, item) in items.enumerate() {
                let mut chosen = chosen.clone();
                chosen.push(index);
                choose(rest, item, chosen, found);
            }
        }
    }
}

impl Step {
    /// The key that it reads.
    pub(super) fn key(&self) -> &KeyPath {
        match self {
            Self::Rename { from, .. } => &from.0,
            Self::Remove { key }
            | Self::Add { key, .. }
            | Self::Map { key, .. }
            | Self::Convert { key, .. } => &key.0,
        }
    }

    /// The text after this step.
    pub(super) fn apply(&self, text: Draft, part: Part) -> Result<Draft, Stuck> {
        let pattern = match self {
            Self::Rename { from, .. } => from,
            Self::Remove { key }
            | Self::Add { key, .. }
            | Self::Map { key, .. }
            | Self::Convert { key, .. } => key,
        };
        let places = pattern.items(&text.parse()?.to_json());
        // From the last to the first, so that what goes away moves nothing that is still to come.
        places.iter().rev().try_fold(text, |text, items| {
            self.apply_at(text, &pattern.at(items), items, part)
        })
    }

    fn apply_at(
        &self,
        text: Draft,
        key: &KeyPath,
        items: &[usize],
        part: Part,
    ) -> Result<Draft, Stuck> {
        let document = text.parse()?;
        let there = value_at(&document.to_json(), key);
        match (self, there) {
            (Self::Rename { to, .. }, Some(_)) => {
                rename::rename(text, &document, key, &to.at(items))
            }
            (Self::Remove { .. }, Some(_)) => rename::remove(text, &document, key),
            (Self::Add { value, .. }, None) if part == Part::Whole => set(text, key, value),
            (Self::Map { values, .. }, Some(old)) => match values.get(&as_text(&old)) {
                Some(new) => set(text, key, new),
                None => Ok(text),
            },
            (Self::Convert { to, by, .. }, Some(old)) => {
                let new = converted(&old, *to, by.as_deref())
                    .map_err(|message| Stuck::on(key, format!("`{key}` {message}")))?;
                if new == old {
                    Ok(text)
                } else {
                    set(text, key, &new)
                }
            }
            _ => Ok(text),
        }
    }
}

fn set(text: Draft, key: &KeyPath, value: &Json) -> Result<Draft, Stuck> {
    let value = toml(value).ok_or_else(|| Stuck::on(key, format!("{value} is no TOML value")))?;
    let edited = edit::set(&text.name, &text.text, key, &value);
    let edited = edited.map_err(|problem: Problem| Stuck::on(key, problem.message))?;
    Ok(Draft {
        text: edited,
        ..text
    })
}

fn toml(value: &Json) -> Option<Value> {
    fix::toml(value)?.parse().ok()
}

fn as_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The value at a path without names of items.
pub(super) fn value_at(json: &Json, key: &KeyPath) -> Option<Json> {
    let found = key
        .segments()
        .iter()
        .try_fold(json, |json, part| match part {
            Segment::Key(key) => json.get(key),
            Segment::Index(index) => json.get(index),
            Segment::Named(_) => None,
        });
    found.cloned()
}

/// Takes the value at `key` out, with tables that have nothing else in them.
pub(super) fn take(json: &mut Json, key: &[Segment]) -> Option<Json> {
    let (first, rest) = key.split_first()?;
    match (first, json) {
        (Segment::Key(name), Json::Object(fields)) if rest.is_empty() => fields.shift_remove(name),
        (Segment::Key(name), Json::Object(fields)) => {
            let taken = take(fields.get_mut(name)?, rest);
            if fields
                .get(name)
                .and_then(Json::as_object)
                .is_some_and(Map::is_empty)
            {
                fields.shift_remove(name);
            }
            taken
        }
        (Segment::Index(index), Json::Array(items)) => take(items.get_mut(*index)?, rest),
        _ => None,
    }
}

/// The document of a text that a step made, if it says what it should.
pub(super) fn proved(
    text: &Draft,
    edited: String,
    wanted: &Json,
    key: &KeyPath,
) -> Result<Document, Stuck> {
    let document = Document::parse(&text.name, &edited);
    match document {
        Ok(document) if document.to_json() == *wanted => Ok(document),
        _ => Err(Stuck::on(
            key,
            format!("`{key}` cannot be moved without touching what is around it"),
        )),
    }
}
