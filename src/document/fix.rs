//! What to write instead.
use serde_json::Value as Json;

use super::key_path::{KeyPath, Segment, written_key};

/// `jobs = 16`: the line as it should be written where `path` is.
pub(super) fn line(path: &KeyPath, value: &str) -> String {
    let key = path
        .segments()
        .iter()
        .rev()
        .find_map(|segment| match segment {
            Segment::Key(key) => Some(written_key(key)),
            Segment::Index(_) | Segment::Named(_) => None,
        });
    let in_list = !matches!(path.segments().last(), Some(Segment::Key(_)));
    match key {
        Some(key) if !in_list => format!("{key} = {value}"),
        _ => value.to_owned(),
    }
}

/// How to turn `value` into one of the `wanted` JSON types, if that is plain to see.
pub(super) fn retype(path: &KeyPath, wanted: &[&str], value: &Json) -> Option<String> {
    wanted
        .iter()
        .find_map(|wanted| retype_one(path, wanted, value))
}

fn retype_one(path: &KeyPath, wanted: &str, value: &Json) -> Option<String> {
    let help = match (wanted, value) {
        ("integer" | "number", Json::String(text)) => {
            let number = text.trim();
            let whole = number.parse::<i64>().is_ok();
            let decimal = wanted == "number" && number.parse::<f64>().is_ok_and(f64::is_finite);
            (whole || decimal).then(|| format!("remove the quotes: `{}`", line(path, number)))?
        }
        ("boolean", Json::String(text)) => {
            let flag = truth(text)?;
            format!("remove the quotes: `{}`", line(path, flag))
        }
        ("boolean", Json::Number(number)) => {
            let flag = truth(&number.to_string())?;
            format!("write `{}`", line(path, flag))
        }
        ("string", Json::Number(_) | Json::Bool(_)) => {
            let text = Json::String(value.to_string()).to_string();
            format!("add quotes: `{}`", line(path, &text))
        }
        ("array", Json::String(_) | Json::Number(_) | Json::Bool(_)) => {
            format!(
                "put it in brackets: `{}`",
                line(path, &format!("[{}]", toml(value)?))
            )
        }
        ("string" | "integer" | "number" | "boolean", Json::Array(items)) => {
            let [item] = items.as_slice() else {
                return None;
            };
            format!("remove the brackets: `{}`", line(path, &toml(item)?))
        }
        ("integer", Json::Number(number)) => {
            let near = number.as_f64()?.round();
            format!(
                "write a whole number: `{}`",
                line(path, &format!("{near:.0}"))
            )
        }
        ("object", _) => format!("make it a table with the header `[{path}]`"),
        _ => return None,
    };
    Some(help)
}

/// The other names that people give to true and false.
fn truth(text: &str) -> Option<&'static str> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" => Some("true"),
        "false" | "no" | "off" | "0" | "n" => Some("false"),
        _ => None,
    }
}

/// What a text of a named format looks like.
pub(super) fn form(format: &str) -> Option<String> {
    let example = match format {
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "time" => "12:00:00Z",
        "email" => "name@example.org",
        "uri" => "https://example.org/path",
        "ipv4" => "192.0.2.1",
        "hostname" => "build.example.org",
        _ => return None,
    };
    Some(format!("for example \"{example}\""))
}

/// The numbers that are allowed, if the schema gives both ends.
pub(super) fn range(sub: &Json) -> Option<String> {
    let least = sub.get("minimum")?;
    let most = sub.get("maximum")?;
    Some(format!("{least} to {most}"))
}

/// A line that gives `name` a value of the kind the schema wants.
pub(super) fn example(name: &str, sub: &Json) -> String {
    let first = |word| {
        sub.get(word)
            .and_then(Json::as_array)
            .and_then(|all| all.first())
    };
    let given = sub.get("default").or_else(|| sub.get("const"));
    let value = given
        .or_else(|| first("examples"))
        .or_else(|| first("enum"));
    let key = written_key(name);
    match value.and_then(toml) {
        Some(value) => format!("{key} = {value}"),
        None => match sub.get("type").and_then(Json::as_str) {
            Some("object") => format!("[{key}]"),
            Some("string") => format!("{key} = \"…\""),
            Some("array") => format!("{key} = […]"),
            Some("boolean") => format!("{key} = true"),
            Some("integer" | "number") => format!("{key} = 1"),
            _ => format!("{key} = …"),
        },
    }
}

/// A JSON value as TOML writes it on one line.
pub(super) fn toml(value: &Json) -> Option<String> {
    let text = match value {
        Json::Null => return None,
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        Json::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(toml).collect();
            format!("[{}]", items?.join(", "))
        }
        Json::Object(fields) => {
            let fields: Option<Vec<String>> = fields
                .iter()
                .map(|(key, value)| Some(format!("{} = {}", written_key(key), toml(value)?)))
                .collect();
            format!("{{ {} }}", fields?.join(", "))
        }
    };
    Some(text)
}
