//! What may be in a document.
use std::collections::BTreeSet;
use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value as Json};

use super::key_path::{KeyPath, Segment};
use super::{Error, Places, Problem, code, hide, partial, validate};

/// `$ref` chains longer than this are circles.
const REF_DEPTH: usize = 16;

/// A JSON Schema (draft 2020-12), with our annotations `x-buildkeep-secret`,
/// `x-buildkeep-affects` and `x-buildkeep-merge`.
///
/// Nothing is ever fetched: `$ref` reaches into the same file only.
///
/// To compile one takes longer than most commands: it is done when a document is checked.
#[derive(Debug)]
pub struct Schema {
    name: String,
    json: Json,
    validator: OnceLock<Result<jsonschema::Validator, String>>,
    annotations: OnceLock<BTreeSet<String>>,
}

/// How the names of our annotations begin.
const OURS: &str = "x-buildkeep-";

impl Schema {
    /// Reads a schema; `name` is its file.
    pub fn parse(name: &str, json: &str) -> Result<Self, Error> {
        let schema = Self::parse_known(name, json)?;
        schema.compiled()?;
        Ok(schema)
    }

    /// Finds out whether it is a schema at all, if that was not done when it was read.
    pub fn validate_itself(&self) -> Result<(), Error> {
        self.compiled().map(drop)
    }

    /// Reads a schema that was found to be one before.
    pub fn parse_known(name: &str, json: &str) -> Result<Self, Error> {
        let json = serde_json::from_str(json).map_err(|source| Error::NotJson {
            name: name.to_owned(),
            source,
        })?;
        Ok(Self::from_known(name, json))
    }

    /// The same schema for a part of a document: nothing is required.
    #[must_use]
    pub fn partial(&self) -> Self {
        Self::from_known(&self.name, partial::partial(&self.json))
    }

    /// A schema that is JSON already, and was found to be one before.
    #[must_use]
    pub fn from_known(name: &str, json: Json) -> Self {
        Self {
            name: name.to_owned(),
            json,
            validator: OnceLock::new(),
            annotations: OnceLock::new(),
        }
    }

    /// The schema's file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema itself.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// What the schema says of the value at `path`.
    pub fn at(&self, path: &KeyPath) -> Option<&Json> {
        self.trail(path.segments()).pop().flatten()
    }

    /// Whether the value at `path`, or anything that holds it, is marked secret.
    pub fn is_secret(&self, path: &KeyPath) -> bool {
        if !self.has_secrets() {
            return false;
        }
        self.trail(path.segments())
            .into_iter()
            .flatten()
            .any(Self::marks_secret)
    }

    /// Whether anything at all is marked secret.
    pub fn has_secrets(&self) -> bool {
        self.has("x-buildkeep-secret")
    }

    /// Whether the annotation `name` stands anywhere.
    pub fn has(&self, name: &str) -> bool {
        let found = self.annotations.get_or_init(|| {
            let mut found = BTreeSet::new();
            collect_annotations(&self.json, &mut found);
            found
        });
        found.contains(name)
    }

    pub(super) fn marks_secret(sub: &Json) -> bool {
        sub.get("x-buildkeep-secret") == Some(&Json::Bool(true))
    }

    /// A problem found without this schema, without what may be a secret.
    ///
    /// A text that could not be read has no values that could be told apart: the names on the line
    /// decide.
    #[must_use]
    pub fn redact(&self, problem: Problem) -> Problem {
        if !self.has_secrets() {
            return problem;
        }
        let secret = |key: &KeyPath| self.is_secret(key);
        if problem.code == code::CANNOT_EDIT {
            let key = KeyPath::parse(&problem.path).unwrap_or_default();
            let hidden = secret(&key);
            return if hidden {
                problem.without_value()
            } else {
                problem
            };
        }
        let names = hide::names(self);
        problem.without_values_of(&names)
    }

    /// The annotation `name` of the value at `path` itself.
    pub fn own(&self, path: &KeyPath, name: &str) -> Option<&Json> {
        self.has(name).then(|| self.at(path)?.get(name)).flatten()
    }

    /// The annotation `name` of the value at `path`, or of what holds it.
    pub fn annotation(&self, path: &KeyPath, name: &str) -> Option<&Json> {
        if name.starts_with(OURS) && !self.has(name) {
            return None;
        }
        let trail = self.trail(path.segments());
        trail
            .into_iter()
            .rev()
            .flatten()
            .find_map(|sub| sub.get(name))
    }

    /// All values that hold if nobody says otherwise, as a document.
    pub fn defaults(&self) -> Json {
        self.defaults_of(&self.json, 0)
            .unwrap_or_else(|| Json::Object(Map::new()))
    }

    /// All keys that the schema knows by name.
    pub fn keys(&self) -> Vec<KeyPath> {
        let mut keys = Vec::new();
        self.collect_keys(&self.json, &KeyPath::root(), &mut keys);
        keys
    }

    /// All that the schema has against a value, told where its parts stand.
    pub fn validate(&self, json: &Json, places: &dyn Places) -> Vec<Problem> {
        validate::validate_value(json, self, places)
    }

    /// The validator, made when it is asked for the first time.
    pub(super) fn compiled(&self) -> Result<&jsonschema::Validator, Error> {
        let compiled = self.validator.get_or_init(|| compile(&self.json));
        compiled.as_ref().map_err(|reason| Error::NotSchema {
            name: self.name.clone(),
            reason: reason.clone(),
        })
    }

    /// The names that the table described by `sub` may have.
    pub(super) fn names<'a>(&'a self, sub: &'a Json) -> Vec<&'a str> {
        let mut names = Vec::new();
        for form in self.forms(sub) {
            if let Some(Json::Object(fields)) = form.get("properties") {
                names.extend(fields.keys().map(String::as_str));
            }
        }
        names
    }

    /// A schema that is JSON already.
    pub fn from_json(name: &str, json: Json) -> Result<Self, Error> {
        let schema = Self::from_known(name, json);
        schema.compiled()?;
        Ok(schema)
    }

    /// What the schema says of the document and of each step of `path`.
    fn trail(&self, path: &[Segment]) -> Vec<Option<&Json>> {
        let mut trail = vec![Some(self.resolved(&self.json))];
        for segment in path {
            let sub = trail.last().copied().flatten();
            trail.push(sub.and_then(|sub| self.child(sub, segment)));
        }
        trail
    }

    /// What the schema says of the document.
    pub fn root(&self) -> &Json {
        self.resolved(&self.json)
    }

    /// What the schema says of a part of what `sub` describes.
    pub(super) fn child<'a>(&'a self, sub: &'a Json, segment: &Segment) -> Option<&'a Json> {
        let in_form = |form: &'a Json| match segment {
            Segment::Key(key) => form
                .get("properties")
                .and_then(|fields| fields.get(key))
                .or_else(|| by_pattern(form, key))
                .or_else(|| {
                    form.get("additionalProperties")
                        .filter(|sub| sub.is_object())
                }),
            Segment::Index(index) => form
                .get("prefixItems")
                .and_then(|items| items.get(index))
                .or_else(|| form.get("items")),
            Segment::Named(_) => form.get("items"),
        };
        let found = self.forms(sub).into_iter().find_map(in_form)?;
        Some(self.resolved(found))
    }

    /// `sub` and the schemas that it combines.
    pub(super) fn forms<'a>(&'a self, sub: &'a Json) -> Vec<&'a Json> {
        let sub = self.resolved(sub);
        let combined = ["allOf", "anyOf", "oneOf"].iter();
        let combined = combined.filter_map(|word| sub.get(*word)?.as_array());
        let combined = combined.flatten().map(|form| self.resolved(form));
        std::iter::once(sub).chain(combined).collect()
    }

    /// Follows `$ref` within this file.
    pub(super) fn resolved<'a>(&'a self, mut sub: &'a Json) -> &'a Json {
        for _ in 0..REF_DEPTH {
            let Some(target) = sub.get("$ref").and_then(Json::as_str) else {
                return sub;
            };
            let pointer = target.strip_prefix('#');
            match pointer.and_then(|pointer| self.json.pointer(pointer)) {
                Some(found) => sub = found,
                None => return sub,
            }
        }
        sub
    }

    fn defaults_of(&self, sub: &Json, depth: usize) -> Option<Json> {
        let sub = self.resolved(sub);
        if let Some(default) = sub.get("default") {
            return Some(default.clone());
        }
        let fields = sub.get("properties")?.as_object()?;
        let defaults = fields.iter().filter(|_| depth < REF_DEPTH);
        let defaults: Map<String, Json> = defaults
            .filter_map(|(key, sub)| Some((key.clone(), self.defaults_of(sub, depth + 1)?)))
            .collect();
        (!defaults.is_empty()).then_some(Json::Object(defaults))
    }

    fn collect_keys(&self, sub: &Json, path: &KeyPath, keys: &mut Vec<KeyPath>) {
        let fields = self
            .resolved(sub)
            .get("properties")
            .and_then(Json::as_object);
        if path.segments().len() > REF_DEPTH {
            return;
        }
        for (key, sub) in fields.into_iter().flatten() {
            let path = path.clone().key(key);
            keys.push(path.clone());
            self.collect_keys(sub, &path, keys);
        }
    }
}

fn compile(json: &Json) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(json)
        .map_err(|error| reason(&error))
}

/// Why a schema is none, and where in it.
fn reason(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::ReferencingError as Wrong;
    match error.kind() {
        Kind::Referencing(Wrong::Unretrievable { uri, .. }) => format!(
            "`$ref` leads to {uri}, and may only lead to what is in the same file, as `#/$defs/NAME`"
        ),
        Kind::Referencing(Wrong::PointerToNowhere { pointer }) => {
            format!("`$ref` leads to `#{pointer}`, which is not there")
        }
        _ => match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{error} (at `{path}`)"),
        },
    }
}

/// The names of our annotations that say something: `false` says nothing.
fn collect_annotations(json: &Json, found: &mut BTreeSet<String>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                let counts = key.starts_with(OURS) || key == "deprecated";
                if counts && *value != Json::Bool(false) {
                    found.insert(key.clone());
                }
                collect_annotations(value, found);
            }
        }
        Json::Array(items) => items
            .iter()
            .for_each(|item| collect_annotations(item, found)),
        _ => {}
    }
}

/// What `patternProperties` says of a key.
fn by_pattern<'a>(form: &'a Json, key: &str) -> Option<&'a Json> {
    let patterns = form.get("patternProperties")?.as_object()?;
    if patterns.len() == 1 {
        return patterns.values().next();
    }
    let fits = |pattern: &str| {
        let schema = serde_json::json!({ "pattern": pattern });
        jsonschema::is_valid(&schema, &Json::from(key))
    };
    let mut all = patterns.iter();
    all.find(|(pattern, _)| fits(pattern)).map(|(_, sub)| sub)
}
