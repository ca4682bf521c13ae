//! What is known of one key.
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::config::{Effective, Origin, Sources};
use crate::document::{KeyPath, Schema};
use crate::ui::{clean, style};

/// What the schema says of a key, and where it is set.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    key: String,
    #[serde(rename = "type")]
    kind: Option<Json>,
    default: Option<Json>,
    allowed: Option<Json>,
    limits: Option<String>,
    pattern: Option<String>,
    description: Option<String>,
    secret: bool,
    scope: Option<Json>,
    merge: Option<Json>,
    affects: Option<Json>,
    deprecated: bool,
    replaced_by: Option<Json>,
    required: bool,
    schema: Option<String>,
    now: Option<Now>,
}

/// What holds on this host, by the files.
#[derive(Debug, Serialize)]
struct Now {
    value: Json,
    origin: Option<Origin>,
}

impl Rule {
    pub(super) fn of(sources: &Sources, effective: &Effective, key: &KeyPath) -> Self {
        let schema = sources.schemas().whole();
        let sub = schema.at(key).unwrap_or(&Json::Null);
        let field = |name: &str| sub.get(name).cloned();
        let text = |name: &str| sub.get(name).and_then(Json::as_str).map(str::to_owned);
        let secret = schema.is_secret(key);
        let now = effective.get(key).map(|value| Now {
            value: if secret {
                Json::from("(secret)")
            } else {
                value.clone()
            },
            origin: effective.origin(key).cloned(),
        });
        Self {
            key: key.to_string(),
            kind: field("type"),
            default: field("default"),
            allowed: field("enum").or_else(|| Some(Json::from(vec![field("const")?]))),
            limits: limits(sub),
            pattern: text("pattern").or_else(|| text("format")),
            description: text("description"),
            secret,
            scope: schema.annotation(key, "x-buildkeep-scope").cloned(),
            merge: field("x-buildkeep-merge"),
            affects: schema.annotation(key, "x-buildkeep-affects").cloned(),
            deprecated: field("deprecated") == Some(Json::Bool(true)),
            replaced_by: field("x-buildkeep-replaced-by"),
            required: is_required(schema, key),
            schema: sources.schemas().origin_of(key).map(str::to_owned),
            now,
        }
    }

    /// All that is known, a line each.
    pub(super) fn write_whole(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut line = |name: &str, text: Option<String>| match text {
            Some(text) => writeln!(f, "  {name:11}{}", clean(&text)),
            None => Ok(()),
        };
        let said = |json: &Option<Json>| json.as_ref().map(in_words);
        line("limits", self.limits.clone())?;
        line("form", self.pattern.clone())?;
        line("required", self.required.then(|| "yes".to_owned()))?;
        line("merge", said(&self.merge))?;
        line("scope", said(&self.scope))?;
        line("affects", self.affects.as_ref().map(affects))?;
        line("schema", self.schema.clone())?;
        let now = self.now.as_ref().map(|now| match &now.origin {
            Some(origin) => format!("{}, {origin}", now.value),
            None => now.value.to_string(),
        });
        line(
            "now",
            Some(now.unwrap_or_else(|| "without a value".to_owned())),
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", style::name(&self.key))?;
        if let Some(kind) = &self.kind {
            write!(f, " ({})", in_words(kind))?;
        }
        if let Some(default) = &self.default {
            write!(f, ", default {default}")?;
        }
        if let Some(Json::Array(allowed)) = &self.allowed {
            let allowed: Vec<String> = allowed.iter().map(Json::to_string).collect();
            write!(f, ", one of {}", allowed.join(", "))?;
        }
        if self.secret {
            write!(f, ", secret")?;
        }
        if self.deprecated {
            write!(f, ", {}", style::notable("goes away"))?;
        }
        if let Some(new) = &self.replaced_by {
            write!(f, ": use {}", in_words(new))?;
        }
        writeln!(f)?;
        match &self.description {
            Some(text) => writeln!(f, "    {}", style::faint(text)),
            None => Ok(()),
        }
    }
}

/// Text without quotes, a list with `or`.
fn in_words(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

fn affects(json: &Json) -> String {
    match json {
        Json::Array(steps) => {
            let steps: Vec<String> = steps.iter().map(in_words).collect();
            steps.join(", ")
        }
        _ => "no step".to_owned(),
    }
}

/// The sizes that are allowed, in words.
fn limits(sub: &Json) -> Option<String> {
    let one = |name: &str, words: &str| Some(format!("{words} {}", sub.get(name)?));
    let all = [
        one("minimum", "at least"),
        one("exclusiveMinimum", "more than"),
        one("maximum", "at most"),
        one("exclusiveMaximum", "less than"),
        one("multipleOf", "a multiple of"),
        one("minLength", "characters: at least"),
        one("maxLength", "characters: at most"),
        one("minItems", "items: at least"),
        one("maxItems", "items: at most"),
        sub.get("uniqueItems")
            .filter(|unique| **unique == Json::Bool(true))
            .map(|_| "each item once".to_owned()),
    ];
    let said: Vec<String> = all.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn is_required(schema: &Schema, key: &KeyPath) -> bool {
    let Some((holder, crate::document::Segment::Key(name))) = key.split_last() else {
        return false;
    };
    let required = schema
        .at(&holder)
        .and_then(|sub| sub.get("required")?.as_array());
    required.is_some_and(|names| names.iter().any(|required| required == name.as_str()))
}
