//! Which schema holds for which file.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::forms::Forms;
use super::verdicts::mark;
use super::{Files, Role, rules};
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
    (
        "check.schema.json",
        include_str!("../../templates/schemas/check.schema.json"),
    ),
];

/// The schemas of a keep: one per file, and one for the tree that all files make up.
#[derive(Debug)]
pub struct Schemas {
    by_name: BTreeMap<String, Schema>,
    of_layers: BTreeMap<String, Schema>,
    whole: Schema,
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
                    problems.extend(rules::in_schema(path, schema.json()));
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
        let whole = combine(&by_name, closed);
        let combined = whole.partial();
        let combined_mark = mark(format!("{marks:?}{closed}").as_bytes());
        match verdicts {
            Some(verdicts) if verdicts.is_known(&combined_mark) => {}
            _ => {
                whole.validate_itself()?;
                combined.validate_itself()?;
            }
        }
        verdicts.inspect(|verdicts| verdicts.learn(combined_mark.clone()));
        let of_layers = by_name.iter();
        let of_layers = of_layers.map(|(name, schema)| (name.clone(), of_layer(schema)));
        Ok(Self {
            forms: Forms::read(by_name.iter(), problems)?,
            of_layers: of_layers.collect(),
            by_name,
            whole,
            combined: Arc::new(combined),
            marks,
            combined_mark,
        })
    }

    /// What a verdict on all files together depends on, besides the files.
    pub(super) fn mark(&self) -> &str {
        &self.combined_mark
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
            Role::Base(name) => self.of_layers.get(name),
            Role::Profile(_) | Role::Host(_) => Some(&self.combined),
            Role::Settings | Role::Plan | Role::Schema(_) => None,
        }
    }

    /// The schema of the tree that all layers make up in the end.
    pub fn whole(&self) -> &Schema {
        &self.whole
    }

    /// The same for one layer: nothing in it is required.
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
    pub fn origin_of(&self, key: &KeyPath) -> Option<&str> {
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

/// What a file by itself must fulfil: the rest is a matter of all layers. The version of its form
/// is no matter of other files.
fn of_layer(schema: &Schema) -> Schema {
    let mut json = schema.partial().json().clone();
    let required = schema.root().get("required").and_then(Json::as_array);
    let is_form = |key: &Json| key == "schema";
    if let Some(fields) = json.as_object_mut()
        && required.is_some_and(|keys| keys.iter().any(is_form))
    {
        fields.insert("required".to_owned(), json!(["schema"]));
    }
    Schema::from_known(schema.name(), json)
}

/// Keywords of a file's schema that are combined one by one, or say nothing.
const COMBINED: &[&str] = &[
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "title",
    "description",
    "type",
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "required",
];

/// One schema in which each table is described by the file schema that knows it.
fn combine(by_name: &BTreeMap<String, Schema>, closed: bool) -> Schema {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    let mut parts = Map::new();
    let mut required = Vec::new();
    let mut rules = Vec::new();
    let open = |schema: &Schema| schema.root().get("additionalProperties") != Some(&json!(false));
    let files = by_name.iter().filter(|(name, _)| !is_builtin(name));
    // Without any schema nothing is known, so nothing is unknown.
    let none = files.clone().next().is_none();
    let anything = !closed || none || files.clone().any(|(_, schema)| open(schema));
    for (name, schema) in files {
        let part = rebased(schema.root(), name);
        refer(&part, (name, "properties"), &mut properties);
        refer(&part, (name, "patternProperties"), &mut patterns);
        let keys = part.get("required").and_then(Json::as_array);
        let keys = keys.into_iter().flatten().filter(|key| *key != "schema");
        required.extend(
            keys.filter(|key| !required.contains(*key))
                .cloned()
                .collect::<Vec<_>>(),
        );
        rules.extend(other_rules(&part));
        let mut defs = rebased(schema.json(), name);
        merge_fields(&mut defs, part);
        parts.insert(name.clone(), defs);
    }
    properties.insert("schema".to_owned(), json!({"type": ["integer", "object"]}));
    let mut whole = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": anything,
        "required": required,
        "$defs": parts,
    });
    if !rules.is_empty() {
        whole["allOf"] = Json::Array(rules);
    }
    Schema::from_known("the schemas of this keep", whole)
}

/// Lets each entry of a keyword be described by its place in `$defs`; the first one counts.
fn refer(part: &Json, (name, keyword): (&str, &str), into: &mut Map<String, Json>) {
    let fields = part.get(keyword).and_then(Json::as_object);
    for key in fields.into_iter().flat_map(Map::keys) {
        let target = format!("#/$defs/{}/{keyword}/{}", escaped(name), escaped(key));
        into.entry(key.clone())
            .or_insert_with(|| json!({"$ref": target}));
    }
}

/// Rules about several keys at once.
fn other_rules(part: &Json) -> Option<Json> {
    let fields = part.as_object()?.iter();
    let rules = fields
        .filter(|(keyword, _)| !COMBINED.contains(&keyword.as_str()) && !keyword.starts_with("x-"));
    let rules: Map<String, Json> = rules
        .map(|(keyword, value)| (keyword.clone(), value.clone()))
        .collect();
    (!rules.is_empty()).then_some(Json::Object(rules))
}

fn merge_fields(into: &mut Json, from: Json) {
    if let (Json::Object(into), Json::Object(from)) = (into, from) {
        into.extend(from);
    }
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
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            c if c.is_ascii_alphanumeric() || "-._".contains(c) => text.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    text.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    text
}
