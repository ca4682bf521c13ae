//! Our annotations in schemas: what they may be, and what they demand of layers.
use serde_json::Value as Json;

use super::sources::leaves;
use super::{Role, Schemas};
use crate::document::{Document, KeyPath, Place, Problem, Schema, code, nearest};

/// The annotations there are.
const KNOWN: &[&str] = &[
    "x-buildkeep-affects",
    "x-buildkeep-merge",
    "x-buildkeep-migrations",
    "x-buildkeep-replaced-by",
    "x-buildkeep-scope",
    "x-buildkeep-secret",
    "x-buildkeep-version",
];

/// What is wrong with the annotations of a schema.
pub(super) fn in_schema(file: &str, schema: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    collect(schema, "", &mut |pointer, name, value| {
        if let Some((message, help)) = wrong(name, value) {
            let message = format!("{message}, at {pointer}");
            problems.push(Problem::in_file(code::BAD_SCHEMA, file, message).help(help));
        }
    });
    problems
}

fn collect(schema: &Json, pointer: &str, note: &mut impl FnMut(&str, &str, &Json)) {
    match schema {
        Json::Object(fields) => {
            for (name, value) in fields {
                let inside = format!("{pointer}/{name}");
                if name.starts_with("x-buildkeep-") {
                    note(&inside, name, value);
                } else if !matches!(name.as_str(), "default" | "const" | "enum" | "examples") {
                    collect(value, &inside, note);
                }
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{pointer}/{index}"), note);
            }
        }
        _ => {}
    }
}

fn wrong(name: &str, value: &Json) -> Option<(String, String)> {
    let is_list = || {
        let items = value.as_array();
        items.is_some_and(|items| items.iter().all(Json::is_string))
    };
    let (good, help) = match name {
        "x-buildkeep-affects" => (
            value == "nothing" || is_list(),
            "write \"nothing\", or a list of steps such as [\"kernel\", \"chapter10/*\"]",
        ),
        "x-buildkeep-merge" => (
            ["replace", "append", "prepend", "unique"]
                .iter()
                .any(|rule| value == rule),
            "write \"replace\", \"append\", \"prepend\" or \"unique\"",
        ),
        "x-buildkeep-scope" => (
            value == "host" || value == "shared",
            "write \"host\" or \"shared\"",
        ),
        "x-buildkeep-secret" => (value.is_boolean(), "write true or false"),
        // These two are read as a whole, which finds what is wrong.
        "x-buildkeep-migrations" | "x-buildkeep-version" => return None,
        "x-buildkeep-replaced-by" => (value.is_string(), "write the key as \"build.jobs\""),
        other => {
            let near = nearest(other, KNOWN.iter().copied())?;
            let message = format!("there is no annotation `{other}`");
            return Some((message, format!("did you mean `{near}`?")));
        }
    };
    let message = format!("`{name}` cannot be {value}");
    (!good).then(|| (message, help.to_owned()))
}

/// What the schemas have against a layer as such.
pub(super) fn in_layer(role: &Role, document: &Document, schemas: &Schemas) -> Vec<Problem> {
    let schema = schemas.combined();
    let is_layer = matches!(role, Role::Base(_) | Role::Profile(_) | Role::Host(_));
    if !is_layer || !schema.has("x-buildkeep-scope") {
        return Vec::new();
    }
    let is_host = matches!(role, Role::Host(_));
    let keys = leaves(document.json()).into_iter();
    let misplaced = keys.filter_map(|key| {
        let scope = schema.annotation(&key, "x-buildkeep-scope")?.as_str()?;
        let (message, help) = match scope {
            "host" if !is_host => (
                format!("`{key}` differs from machine to machine: it belongs to a host"),
                format!("move it to config/hosts/HOST.toml: `buildkeep config set --host {key} …`"),
            ),
            "shared" if is_host => (
                format!("`{key}` must be the same on every machine"),
                format!("take it out of here, and set it for all: `buildkeep config set --shared {key} …`"),
            ),
            _ => return None,
        };
        let problem = Problem::new(code::WRONG_LAYER, message).help(help);
        Some(document.problem_by(schema, (Place::Key, &key), problem))
    });
    misplaced.collect()
}

/// Keys of a layer that go away.
pub(super) fn deprecated(document: &Document, schema: &Schema) -> Vec<Problem> {
    if !schema.has("deprecated") {
        return Vec::new();
    }
    let mut warnings: Vec<Problem> = Vec::new();
    for key in leaves(document.json()) {
        let Some(old) = going_away(schema, &key) else {
            continue;
        };
        let mut problem = Problem::new(code::DEPRECATED, format!("`{old}` goes away")).as_warning();
        if let Some(new) = replaced_by(schema, &old) {
            problem = problem.help(format!("use `{new}` in its place"));
        }
        let problem = document.problem_by(schema, (Place::Key, &old), problem);
        if !warnings.contains(&problem) {
            warnings.push(problem);
        }
    }
    warnings
}

/// The key itself, or the table around it, that is deprecated.
pub(super) fn going_away(schema: &Schema, key: &KeyPath) -> Option<KeyPath> {
    let segments = key.segments();
    let mut parts = (1..=segments.len()).map(|len| KeyPath::from(&segments[..len]));
    parts.find(|part| schema.own(part, "deprecated") == Some(&Json::Bool(true)))
}

/// The key to use in the place of one that goes away.
pub(super) fn replaced_by<'a>(schema: &'a Schema, key: &KeyPath) -> Option<&'a str> {
    schema.own(key, "x-buildkeep-replaced-by")?.as_str()
}
