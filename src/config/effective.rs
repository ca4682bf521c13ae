//! What holds in the end, and where each value comes from.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::sources::{is_form, value_at};
use super::{Error, Override, Role, Scope, Sources};
use crate::document::{Document, KeyPath, Problem, Schema, nearest};

/// Where a value can come from, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The schema says what holds if nobody says otherwise.
    Default,
    /// A profile in force.
    Profile,
    /// `config/*.toml`.
    Config,
    /// The overlay of this host.
    Host,
    /// A `BUILDKEEP_SET_…` variable.
    Environment,
    /// `-c KEY=VALUE`.
    CommandLine,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// The file; the variable for the environment, `-c KEY` for the command line.
    pub file: Option<String>,
    /// The line in the file.
    pub line: Option<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or_default();
        match (self.layer, self.line) {
            (Layer::Default, _) => write!(f, "default in {file}"),
            (Layer::Environment, _) => write!(f, "environment {file}"),
            (Layer::CommandLine, _) => write!(f, "command line {file}"),
            (_, Some(line)) => write!(f, "{file}:{line}"),
            (_, None) => f.write_str(file),
        }
    }
}

/// A key, its value, and where the value comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Json,
    /// Where it comes from.
    pub origin: Origin,
}

/// The configuration that holds in the end.
#[derive(Debug)]
pub struct Effective {
    tree: Json,
    origins: BTreeMap<KeyPath, Origin>,
    schema: Arc<Schema>,
}

impl Effective {
    /// Works out what holds in `scope`; problems of files or overrides are an error.
    pub fn of(sources: &Sources, scope: &Scope) -> Result<Self, Error> {
        let of_layers = |problem: &&Problem| Role::of(&problem.file) != Some(Role::Plan);
        let problems: Vec<_> = sources
            .problems()
            .iter()
            .filter(of_layers)
            .cloned()
            .collect();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let mut effective = Self::of_files(sources, &scope.host);
        effective
            .add_overrides(&scope.overrides)
            .map_err(Error::Invalid)?;
        Ok(effective)
    }

    /// Works out what the files say, as far as they can be read.
    pub fn of_files(sources: &Sources, host: &str) -> Self {
        let schemas = sources.schemas();
        let mut effective = Self {
            tree: Json::Object(Map::new()),
            origins: BTreeMap::new(),
            schema: schemas.shared(),
        };
        let from_schema = |key: &KeyPath| Origin {
            layer: Layer::Default,
            file: schemas.origin_of(key).map(str::to_owned),
            line: None,
        };
        effective.add(&schemas.combined().defaults(), &from_schema);
        for profile in sources.profiles() {
            effective.add_document(sources.document(&Role::Profile(profile)), Layer::Profile);
        }
        for (role, document) in sources.documents() {
            if matches!(role, Role::Base(_)) {
                effective.add_document(Some(document), Layer::Config);
            }
        }
        effective.add_document(sources.document(&Role::Host(host.to_owned())), Layer::Host);
        effective
    }

    /// The value at `key`: of a table, all of it.
    pub fn get(&self, key: &KeyPath) -> Option<&Json> {
        value_at(&self.tree, key)
    }

    /// Where the value at `key` comes from; nothing for tables.
    pub fn origin(&self, key: &KeyPath) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// All values, by key.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries_in(&KeyPath::root())
    }

    /// The values at or below `table`, by key.
    pub fn entries_in(&self, table: &KeyPath) -> Vec<Entry> {
        let inside = self
            .origins
            .iter()
            .filter(|(key, _)| key.starts_with(table));
        let entries = inside.filter_map(|(key, origin)| {
            Some(Entry {
                key: key.to_string(),
                value: value_at(&self.tree, key)?.clone(),
                origin: origin.clone(),
            })
        });
        entries.collect()
    }

    /// The schema of the whole tree.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether the value at `key` must not be shown.
    pub fn is_secret(&self, key: &KeyPath) -> bool {
        self.schema.is_secret(key)
    }

    /// Whether a change of `key` makes steps stale that read it.
    pub fn affects_steps(&self, key: &KeyPath) -> bool {
        let says = self.schema.annotation(key, "x-buildkeep-affects");
        says.and_then(Json::as_str) != Some("nothing")
    }

    /// Whether a file or a schema knows `key`.
    pub fn knows(&self, key: &KeyPath) -> bool {
        self.get(key).is_some() || self.schema.at(key).is_some()
    }

    /// The key that `key` was probably meant to be.
    pub fn nearest(&self, key: &KeyPath) -> Option<String> {
        let values = self.known();
        let values = values.iter().filter(|known| known.segments().len() > 1);
        let known: Vec<String> = values.map(KeyPath::to_string).collect();
        let wanted = key.to_string();
        let near = nearest(&wanted, known.iter().map(String::as_str));
        let same_end = || {
            known
                .iter()
                .find(|known| known.ends_with(&format!(".{wanted}")))
        };
        near.or_else(|| same_end().map(String::as_str))
            .map(str::to_owned)
    }

    /// All keys that have a value or that a schema names.
    fn known(&self) -> Vec<KeyPath> {
        let mut known = self.schema.keys();
        known.extend(self.origins.keys().cloned());
        known
    }

    fn add_overrides(&mut self, overrides: &[Override]) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for one in overrides {
            match one.document(&self.known(), &self.schema) {
                Ok(document) => {
                    let origin = |_: &KeyPath| Origin {
                        layer: one.layer,
                        file: Some(one.source.clone()),
                        line: None,
                    };
                    self.add(document.json(), &origin);
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn add_document(&mut self, document: Option<&Document>, layer: Layer) {
        let Some(document) = document else { return };
        let origin = |key: &KeyPath| Origin {
            layer,
            file: Some(document.name().to_owned()),
            line: document.line_of(key).map(|(line, _)| line),
        };
        self.add(document.json(), &origin);
    }

    fn add(&mut self, layer: &Json, origin: &dyn Fn(&KeyPath) -> Origin) {
        let mut tree = std::mem::take(&mut self.tree);
        self.merge(&mut tree, layer, &KeyPath::root(), origin);
        self.tree = tree;
    }

    /// Tables merge; everything else replaces, or is appended if the schema says so.
    fn merge(
        &mut self,
        below: &mut Json,
        above: &Json,
        path: &KeyPath,
        origin: &dyn Fn(&KeyPath) -> Origin,
    ) {
        if is_form(path) {
            return;
        }
        if let Json::Object(fields) = above {
            if !below.is_object() {
                self.forget(path);
                *below = Json::Object(Map::new());
            }
            for (key, value) in fields {
                let path = path.clone().key(key);
                if let Some(fields) = below.as_object_mut().filter(|_| !is_form(&path)) {
                    let old = fields.entry(key.clone()).or_insert(Json::Null);
                    self.merge(old, value, &path, origin);
                }
            }
            return;
        }
        self.forget(path);
        let merge = || self.schema.annotation(path, "x-buildkeep-merge");
        match (below, above) {
            (Json::Array(old), Json::Array(new)) if merge() == Some(&Json::from("append")) => {
                old.extend(new.iter().cloned());
            }
            (below, above) => *below = above.clone(),
        }
        self.origins.insert(path.clone(), origin(path));
    }

    /// What stood here before no longer does.
    fn forget(&mut self, path: &KeyPath) {
        let inside = self.origins.range(path.clone()..);
        let inside = inside.take_while(|(key, _)| key.starts_with(path));
        let gone: Vec<KeyPath> = inside.map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.origins.remove(&key);
        }
    }
}
