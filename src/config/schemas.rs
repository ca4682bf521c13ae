//! Which schema holds for which file.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::forms::Forms;
use super::verdicts::mark;
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
    marks: BTreeMap<String, String>,
    combined_mark: String,
    forms: Forms,
}

impl Schemas {
    /// Reads the schemas among `files`; those that cannot be used become problems.
    pub(super) fn read(files: &Files, problems: &mut Vec<Problem>) -> Result<Self, SchemaError> {
        let verdicts = files.verdicts();
        let (mut by_name, mut marks) = (BTreeMap::new(), BTreeMap::new());
        for (path, role, bytes) in files.iter() {
            let Role::Schema(name) = role else { continue };
            let mark = mark(bytes);
            let text = String::from_utf8_lossy(bytes);
            let known = verdicts.is_some_and(|verdicts| verdicts.is_known(&mark));
            let read = if known {
                Schema::parse_known
            } else {
                Schema::parse
            };
            match read(path, &text) {
                Ok(schema) => {
                    verdicts.inspect(|verdicts| verdicts.learn(mark.clone()));
                    marks.insert(name.clone(), mark);
                    by_name.insert(name, schema);
                }
                Err(error) => problems.push(unusable(path, &error)),
            }
        }
        let closed = files.iter().all(|(_, role, _)| match role {
            Role::Base(name) => by_name.contains_key(&name),
            _ => true,
        });
        let combined = combine(&by_name, closed);
        let combined_mark = mark(format!("{marks:?}{closed}").as_bytes());
        match verdicts {
            Some(verdicts) if verdicts.is_known(&combined_mark) => {}
            _ => drop(combined.validate_itself()?),
        }
        verdicts.inspect(|verdicts| verdicts.learn(combined_mark.clone()));
        Ok(Self {
            forms: Forms::read(by_name.iter(), problems)?,
            by_name,
            combined: Arc::new(combined),
            marks,
            combined_mark,
        })
    }

    /// What the verdict on a file with this role depends on, besides the file: our own schemas are
    /// those of the program.
    pub(super) fn mark_for(&self, role: &Role) -> &str {
        match role {
            Role::Base(name) => self.marks.get(name).map_or("", String::as_str),
            Role::Profile(_) | Role::Host(_) => &self.combined_mark,
            Role::Settings => "settings",
            Role::Plan => "plan",
            Role::Schema(_) => "",
        }
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

    pub(super) fn forms(&self) -> &Forms {
        &self.forms
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
    Schema::parse_known(file, text.map_or("{}", |(_, text)| text))
}

pub(super) fn is_builtin(name: &str) -> bool {
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
fn combine(by_name: &BTreeMap<String, Schema>, closed: bool) -> Schema {
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
    properties.insert("schema".to_owned(), json!({"type": ["integer", "object"]}));
    let whole = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": anything,
        "$defs": parts,
    });
    Schema::from_known("the schemas of this keep", whole).partial()
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
