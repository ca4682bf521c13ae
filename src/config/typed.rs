//! From what people type to a value.
use serde_json::Value as Json;

use crate::document::{KeyPath, Schema, Value};

/// The value that `text` means for `key`: what the schema wants, else what TOML reads, else text.
///
/// What begins like a list, a table or a quoted text and is none is a slip of the fingers, unless
/// the schema wants text: the error says what is wrong with it.
pub(super) fn typed(schema: &Schema, key: &KeyPath, text: &str) -> Result<Value, String> {
    let read = text.trim().parse::<Value>();
    let wanted = wanted(schema, key);
    let plain = || Value::from(text);
    let value = match read {
        Ok(value) => value.decorated("", ""),
        Err(error) if wanted != ["string"] && text.trim_start().starts_with(BEGINS) => {
            return Err(error.message().trim().replace('\n', ", "));
        }
        Err(_) => return Ok(plain()),
    };
    let fits = wanted.is_empty() || wanted.iter().any(|json| fits(json, &value));
    Ok(if !fits && wanted.contains(&"string") {
        plain()
    } else {
        value
    })
}

/// How values begin that are more than a word.
const BEGINS: [char; 4] = ['[', '{', '"', '\''];

/// The JSON types that the schema allows for a key; none if it does not say.
fn wanted<'a>(schema: &'a Schema, key: &KeyPath) -> Vec<&'a str> {
    let Some(sub) = schema.at(key) else {
        return Vec::new();
    };
    match sub.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => type_of_choices(sub),
    }
}

fn type_of_choices(sub: &Json) -> Vec<&str> {
    let choices = sub.get("enum").and_then(Json::as_array);
    let all_text = choices.is_some_and(|all| all.iter().all(Json::is_string));
    if all_text { vec!["string"] } else { Vec::new() }
}

fn fits(wanted: &str, value: &Value) -> bool {
    match value {
        Value::String(_) => wanted == "string",
        Value::Integer(_) => matches!(wanted, "integer" | "number"),
        Value::Float(_) => wanted == "number",
        Value::Boolean(_) => wanted == "boolean",
        Value::Datetime(_) => false,
        Value::Array(_) => wanted == "array",
        Value::InlineTable(_) => wanted == "object",
    }
}
