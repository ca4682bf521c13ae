//! What holds in the end, and where each value comes from.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::sources::value_at;
use super::strata::{Merged, Strata};
use super::{Error, Role, Scope, Sources, whole};
use crate::document::{KeyPath, Problem, Schema, Segment, nearest};

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
        let strata = strata_in(sources, scope).map_err(Error::Invalid)?;
        let merged = strata.merged();
        // The files alone were checked when they were read, but for what waits for a host.
        let is_host_known = sources.document(&Role::Host(scope.host.clone())).is_some();
        let may_wait = !is_host_known && sources.schemas().combined().has("x-buildkeep-scope");
        if !scope.overrides.is_empty() || may_wait {
            let problems = strata.problems(&merged);
            if !problems.is_empty() {
                let problems = problems.into_iter();
                let told = problems.map(|problem| whole::for_host(sources, problem, None));
                return Err(Error::Invalid(told.collect()));
            }
        }
        Ok(Self::of_merged(&strata, merged, sources))
    }

    /// Works out what the files say, as far as they can be read.
    pub fn of_files(sources: &Sources, host: &str) -> Self {
        let strata = Strata::of_files(sources, host);
        Self::of_merged(&strata, strata.merged(), sources)
    }

    fn of_merged(strata: &Strata<'_>, merged: Merged, sources: &Sources) -> Self {
        let origins = merged.from.into_iter().filter_map(|(key, from)| {
            let origin = strata.origin(from.strongest()?, &key);
            Some((key, origin))
        });
        Self {
            origins: origins.collect(),
            tree: merged.tree,
            schema: sources.schemas().shared(),
        }
    }

    /// What was worked out before; nothing if it does not fit together.
    pub(super) fn restored(entries: Vec<Entry>, schema: Arc<Schema>) -> Option<Self> {
        let mut effective = Self {
            tree: Json::Object(Map::new()),
            origins: BTreeMap::new(),
            schema,
        };
        for entry in entries {
            let key = KeyPath::parse(&entry.key).ok()?;
            let mut place = &mut effective.tree;
            for segment in key.segments() {
                let Segment::Key(name) = segment else {
                    return None;
                };
                let fields = place.as_object_mut()?;
                place = fields
                    .entry(name.clone())
                    .or_insert_with(|| Json::Object(Map::new()));
            }
            *place = entry.value;
            effective.origins.insert(key, entry.origin);
        }
        Some(effective)
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

    /// The steps that a change of `key` makes stale, as the schema names them; nothing if these are
    /// the steps that read it.
    pub fn affected_steps(&self, key: &KeyPath) -> Option<Vec<String>> {
        let named = self.schema.annotation(key, "x-buildkeep-affects")?;
        let patterns = named.as_array().into_iter().flatten();
        let patterns = patterns.filter_map(Json::as_str).map(str::to_owned);
        Some(patterns.collect())
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
}

/// The layers that hold in `scope`; what is wrong with an override is an error.
pub(super) fn strata_in<'a>(
    sources: &'a Sources,
    scope: &Scope,
) -> Result<Strata<'a>, Vec<Problem>> {
    let mut strata = Strata::of_files(sources, &scope.host);
    if !scope.overrides.is_empty() {
        let known = Effective::of_files(sources, &scope.host).known();
        strata.push_overrides(&scope.overrides, &known)?;
    }
    Ok(strata)
}
