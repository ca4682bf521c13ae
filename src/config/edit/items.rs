//! Items of lists: added to what a file says, or taken out of it.
use serde_json::Value as Json;

use super::super::typed::typed;
use super::super::{Effective, Error, Role};
use super::{Change, Side, Wish, value_in};
use crate::document::{self, Document, KeyPath, Problem, Schema, Value};

/// The text with items added or taken out, as a wish has it.
pub(super) fn edited(
    side: &Side<'_>,
    wish: &Wish,
    (file, text): (&str, &str),
) -> Result<String, Error> {
    let (key, schema) = (&wish.key, side.sources.schemas().combined());
    let invalid = |problem: Problem| Error::Invalid(vec![schema.redact(problem)]);
    let now = value_in(file, text, key).map_err(invalid)?;
    match (&wish.change, now) {
        (Change::Add(typed), Some(Json::Array(now))) => {
            let mut text = text.to_owned();
            for item in items(schema, key, typed)? {
                if !now.contains(&json(&item)) {
                    text = document::push(file, &text, key, &item).map_err(invalid)?;
                }
            }
            Ok(text)
        }
        (Change::Add(typed), None) => {
            let mut list = below(side, key, file)?;
            for item in items(schema, key, typed)? {
                if !list.contains(&json(&item)) {
                    list.push(json(&item));
                }
            }
            let list: Value = Json::Array(list)
                .to_string()
                .parse()
                .map_err(|_| not_a_list(key, file))?;
            document::set(file, text, key, &list).map_err(invalid)
        }
        (Change::Take(typed), Some(Json::Array(now))) => {
            let gone: Vec<Json> = items(schema, key, typed)?.iter().map(json).collect();
            if let Some(missing) = gone.iter().find(|item| !now.contains(item)) {
                return Err(not_in_list(key, file, missing));
            }
            let mut text = text.to_owned();
            let places = now.iter().enumerate().rev();
            for (at, _) in places.filter(|(_, item)| gone.contains(item)) {
                text = document::take(file, &text, key, at).map_err(invalid)?;
            }
            Ok(text)
        }
        (Change::Take(typed), None) => {
            let first = items(schema, key, typed)?.first().map(json);
            Err(not_in_list(key, file, &first.unwrap_or_default()))
        }
        (_, Some(_)) => Err(not_a_list(key, file)),
        (_, None) => Ok(text.to_owned()),
    }
}

/// What was typed, as items of the list: several, if it is a list and no item of it can be one.
fn items(schema: &Schema, key: &KeyPath, text: &str) -> Result<Vec<Value>, Error> {
    let item = key.clone().item(0);
    let wanted = schema.at(&item).and_then(|sub| sub.get("type"));
    if wanted != Some(&"array".into())
        && let Ok(Value::Array(several)) = text.trim().parse()
    {
        return Ok(several.iter().cloned().collect());
    }
    let value = typed(schema, &item, text).map_err(|reason| Error::NotAValue {
        key: key.to_string(),
        reason,
    })?;
    Ok(vec![value])
}

/// Whether the lists of all layers are joined to one.
pub fn is_joined(schema: &Schema, key: &KeyPath) -> bool {
    let merge = schema.own(key, "x-buildkeep-merge");
    merge.is_some_and(|merge| merge != "replace")
}

fn json(value: &Value) -> Json {
    let text = format!("v = {}", value.clone().decorated("", ""));
    let document = Document::parse("", &text);
    let read = document.ok().map(|document| document.to_json());
    read.and_then(|json| json.get("v").cloned())
        .unwrap_or_default()
}

/// What a list begins with in a file that does not have it: nothing if the layers are joined, else
/// what it would hide.
fn below(side: &Side<'_>, key: &KeyPath, file: &str) -> Result<Vec<Json>, Error> {
    let schema = side.sources.schemas().combined();
    if is_joined(schema, key) {
        return Ok(Vec::new());
    }
    let hidden = match Role::of(file) {
        Some(Role::Base(_) | Role::Host(_)) => {
            Effective::of_files(&side.sources, "").get(key).cloned()
        }
        _ => schema.at(key).and_then(|sub| sub.get("default").cloned()),
    };
    match hidden {
        None => Ok(Vec::new()),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(not_a_list(key, file)),
    }
}

fn not_a_list(key: &KeyPath, file: &str) -> Error {
    Error::NotAList {
        key: key.to_string(),
        file: file.to_owned(),
    }
}

fn not_in_list(key: &KeyPath, file: &str, item: &Json) -> Error {
    Error::NotInList {
        key: key.to_string(),
        file: file.to_owned(),
        item: item.to_string(),
    }
}
