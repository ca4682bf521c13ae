//! What may be in a document.
use serde_json::{Map, Value as Json};

use super::key_path::{KeyPath, Segment};
use super::{Error, Problem, code, hide};

/// `$ref` chains longer than this are circles.
const REF_DEPTH: usize = 16;

/// A JSON Schema (draft 2020-12), with our annotations `x-buildkeep-secret`,
/// `x-buildkeep-affects` and `x-buildkeep-merge`.
///
/// Nothing is ever fetched: `$ref` reaches into the same file only.
#[derive(Debug)]
pub struct Schema {
    name: String,
    json: Json,
    validator: jsonschema::Validator,
}

impl Schema {
    /// Reads a schema; `name` is its file.
    pub fn parse(name: &str, json: &str) -> Result<Self, Error> {
        let json = serde_json::from_str(json).map_err(|source| Error::NotJson {
            name: name.to_owned(),
            source,
        })?;
        Self::from_json(name, json)
    }

    /// The same schema for a part of a document: nothing is required.
    pub fn partial(&self) -> Result<Self, Error> {
        Self::from_json(&self.name, without_required(&self.json))
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
        let marked = |sub: &Json| sub.get("x-buildkeep-secret") == Some(&Json::Bool(true));
        self.trail(path.segments())
            .into_iter()
            .flatten()
            .any(marked)
    }

    /// Whether anything at all is marked secret.
    pub fn has_secrets(&self) -> bool {
        self.json
            .to_string()
            .contains("\"x-buildkeep-secret\":true")
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

    /// The annotation `name` of the value at `path`, or of what holds it.
    pub fn annotation(&self, path: &KeyPath, name: &str) -> Option<&Json> {
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

    pub(super) fn validator(&self) -> &jsonschema::Validator {
        &self.validator
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
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&json)
            .map_err(|error| Error::NotSchema {
                name: name.to_owned(),
                reason: format!("{error}"),
            })?;
        Ok(Self {
            name: name.to_owned(),
            json,
            validator,
        })
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

    fn child<'a>(&'a self, sub: &'a Json, segment: &Segment) -> Option<&'a Json> {
        let in_form = |form: &'a Json| match segment {
            Segment::Key(key) => form
                .get("properties")
                .and_then(|fields| fields.get(key))
                .or_else(|| form.get("patternProperties")?.as_object()?.values().next())
                .or_else(|| {
                    form.get("additionalProperties")
                        .filter(|sub| sub.is_object())
                }),
            Segment::Index(_) | Segment::Named(_) => form.get("items"),
        };
        let found = self.forms(sub).into_iter().find_map(in_form)?;
        Some(self.resolved(found))
    }

    /// `sub` and the schemas that it combines.
    fn forms<'a>(&'a self, sub: &'a Json) -> Vec<&'a Json> {
        let sub = self.resolved(sub);
        let combined = ["allOf", "anyOf", "oneOf"].iter();
        let combined = combined.filter_map(|word| sub.get(*word)?.as_array());
        let combined = combined.flatten().map(|form| self.resolved(form));
        std::iter::once(sub).chain(combined).collect()
    }

    /// Follows `$ref` within this file.
    fn resolved<'a>(&'a self, mut sub: &'a Json) -> &'a Json {
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

/// Drops what only a whole document must fulfil.
fn without_required(schema: &Json) -> Json {
    match schema {
        Json::Object(fields) => {
            let kept = fields.iter().filter(|(key, value)| {
                let needs = *key == "required" && value.is_array();
                let counts = *key == "minProperties" && value.is_number();
                !needs && !counts
            });
            let kept = kept.map(|(key, value)| (key.clone(), without_required(value)));
            Json::Object(kept.collect())
        }
        Json::Array(items) => items.iter().map(without_required).collect(),
        other => other.clone(),
    }
}
