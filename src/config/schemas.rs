//! Which schema holds for which file.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Files, Role};
use crate::document::{Error as SchemaError, KeyPath, Problem, Schema, code};

/// The schemas of our own files, by the name of their file in `schemas/`.
pub const BUILTIN: &[(&str, &str)] = &[
    (
        "buildkeep.schema.json",
        include_str!("../../templates/schemas/buildkeep.schema.json"),
    ),
    (
        "plan.schema.json",
        include_str!("../../templates/schemas/plan.schema.json"),
    ),
];

/// The schemas of a keep: one per file, and one for the tree that all files make up.
#[derive(Debug)]
pub struct Schemas {
    by_name: BTreeMap<String, Schema>,
    combined: Arc<Schema>,
}

impl Schemas {
    /// Reads the schemas among `files`; those that cannot be used become problems.
    pub(super) fn read(files: &Files, problems: &mut Vec<Problem>) -> Result<Self, SchemaError> {
        let mut by_name = BTreeMap::new();
        for (path, role, bytes) in files.iter() {
            let Role::Schema(name) = role else { continue };
            match Schema::parse(path, &String::from_utf8_lossy(bytes)) {
                Ok(schema) => drop(by_name.insert(name, schema)),
                Err(error) => problems.push(unusable(path, &error)),
            }
        }
        let closed = files.iter().all(|(_, role, _)| match role {
            Role::Base(name) => by_name.contains_key(&name),
            _ => true,
        });
        let combined = combine(&by_name, closed)?;
        Ok(Self {
            by_name,
            combined: Arc::new(combined),
        })
    }

    /// The schema for the file with this role.
    pub fn for_role(&self, role: &Role) -> Option<&Schema> {
        match role {
            Role::Base(name) => self.by_name.get(name),
            Role::Profile(_) | Role::Host(_) => Some(&self.combined),
            Role::Settings | Role::Plan | Role::Schema(_) => None,
        }
    }

    /// The schema of the tree that all files make up; nothing in it is required.
    pub fn combined(&self) -> &Schema {
        &self.combined
    }

    pub(super) fn shared(&self) -> Arc<Schema> {
        Arc::clone(&self.combined)
    }

    /// The configuration file whose schema knows the table that `key` is in.
    pub fn file_of(&self, key: &KeyPath) -> Option<&str> {
        let table: KeyPath = key.segments().iter().take(1).cloned().collect();
        let knows = |schema: &Schema| schema.at(&table).is_some();
        let names = self.by_name.iter().filter(|(name, _)| !is_builtin(name));
        let mut knowing = names.filter(|(_, schema)| knows(schema));
        knowing.next().map(|(name, _)| name.as_str())
    }

    /// The file of the schema that says what `key` is.
    pub(super) fn origin_of(&self, key: &KeyPath) -> Option<&str> {
        let name = self.file_of(key)?;
        self.by_name.get(name).map(Schema::name)
    }
}

/// A built-in schema, read; our own tests prove that it can be.
pub(super) fn builtin(file: &str) -> Result<Schema, SchemaError> {
    let text = BUILTIN.iter().find(|(name, _)| *name == file);
    Schema::parse(file, text.map_or("{}", |(_, text)| text))
}

fn is_builtin(name: &str) -> bool {
    BUILTIN
        .iter()
        .any(|(file, _)| file.strip_suffix(".schema.json") == Some(name))
}

fn unusable(path: &str, error: &SchemaError) -> Problem {
    let message = match error {
        SchemaError::NotJson { source, .. } => format!("this is not JSON: {source}"),
        SchemaError::NotSchema { reason, .. } => format!("this is not a JSON Schema: {reason}"),
    };
    Problem::in_file(code::BAD_SCHEMA, path, message)
}

/// One schema in which each table is described by the file schema that knows it.
fn combine(by_name: &BTreeMap<String, Schema>, closed: bool) -> Result<Schema, SchemaError> {
    let mut properties = Map::new();
    let mut parts = Map::new();
    let open = |schema: &Schema| schema.json().get("additionalProperties") != Some(&json!(false));
    let files = by_name.iter().filter(|(name, _)| !is_builtin(name));
    // Without any schema nothing is known, so nothing is unknown.
    let none = files.clone().next().is_none();
    let anything = !closed || none || files.clone().any(|(_, schema)| open(schema));
    for (name, schema) in files {
        let fields = schema.json().get("properties").and_then(Json::as_object);
        for key in fields.into_iter().flat_map(Map::keys) {
            let target = format!("#/$defs/{}/properties/{}", escaped(name), escaped(key));
            properties
                .entry(key.clone())
                .or_insert_with(|| json!({"$ref": target}));
        }
        parts.insert(name.clone(), rebased(schema.json(), name));
    }
    properties.insert("schema".to_owned(), json!({"type": "integer"}));
    let whole = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": anything,
        "$defs": parts,
    });
    Schema::from_json("the schemas of this keep", whole)?.partial()
}

/// A schema whose references to itself start from its new place.
fn rebased(schema: &Json, name: &str) -> Json {
    match schema {
        Json::Object(fields) => {
            let moved = fields
                .iter()
                .filter(|(key, _)| *key != "$id" && *key != "$schema");
            let moved = moved.map(|(key, value)| match value.as_str() {
                Some(target) if key == "$ref" && target.starts_with('#') => {
                    let target = format!("#/$defs/{}{}", escaped(name), &target[1..]);
                    (key.clone(), Json::from(target))
                }
                _ => (key.clone(), rebased(value, name)),
            });
            Json::Object(moved.collect())
        }
        Json::Array(items) => items.iter().map(|item| rebased(item, name)).collect(),
        other => other.clone(),
    }
}

/// A name as JSON pointers in `$ref` write it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
