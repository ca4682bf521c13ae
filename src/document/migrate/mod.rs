//! Forms of a file: an older one is read as the newest, and can be rewritten so.
//!
//! The model: a schema says which form it describes (`x-buildkeep-version`) and, as data, how to
//! come there from each older one (`x-buildkeep-migrations`): a list of [steps](Step) a form, taken
//! one form at a time and never back. A file says of which form it is: `schema = N`; without it, 1.
//!
//! A migration changes the text, not only the values: comments, order and spacing stay, and every
//! step is proved like any other edit. The [`Document`] that comes out has the new text and leads
//! every place back to the line and the name in the old one.

mod before;
mod convert;
mod form;
mod rename;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

pub(super) use before::Before;
pub use form::{Forms, Part};

use super::code;
use super::key_path::{KeyPath, Segment};
use super::parse::Document;
use super::problem::Problem;
use super::schema::Schema;
use step::Step;

/// The annotation that says which form a schema describes.
pub const VERSION: &str = "x-buildkeep-version";
/// The annotation that says how to come there.
pub const MIGRATIONS: &str = "x-buildkeep-migrations";

/// How files of older forms become files of the form that a schema describes.
#[derive(Debug)]
pub struct Migrations {
    version: u64,
    steps: BTreeMap<u64, Vec<Step>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    from: u64,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// Which keys a migration gave new names: old and new, in order.
pub(super) type Renames = Vec<(KeyPath, KeyPath)>;

impl Migrations {
    /// Reads them from a schema; nothing if it does not say which form it describes.
    ///
    /// The error is a fragment that says what is wrong with them.
    pub fn of(schema: &Json) -> Result<Option<Self>, String> {
        let Some(version) = schema.get(VERSION) else {
            return match schema.get(MIGRATIONS) {
                Some(_) => Err(format!("`{MIGRATIONS}` needs `{VERSION}` beside it")),
                None => Ok(None),
            };
        };
        let version = version.as_u64().filter(|version| *version > 0);
        let version =
            version.ok_or_else(|| format!("`{VERSION}` must be a whole number from 1 on"))?;
        let raw = schema
            .get(MIGRATIONS)
            .cloned()
            .unwrap_or_else(|| Json::Array(Vec::new()));
        let raw: Vec<Raw> =
            serde_json::from_value(raw).map_err(|error| format!("`{MIGRATIONS}`: {error}"))?;
        let mut steps = BTreeMap::new();
        for one in raw {
            if one.from == 0 || one.from >= version {
                return Err(format!(
                    "`{MIGRATIONS}` has steps from form {}, but the schema describes form {version}",
                    one.from
                ));
            }
            if steps.insert(one.from, one.steps).is_some() {
                return Err(format!(
                    "`{MIGRATIONS}` has steps from form {} twice",
                    one.from
                ));
            }
        }
        match (1..version).find(|from| !steps.contains_key(from)) {
            Some(gap) => Err(format!(
                "`{MIGRATIONS}` has no steps from form {gap} to {}",
                gap + 1
            )),
            None => Ok(Some(Self { version, steps })),
        }
    }

    /// The form that the schema describes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The first names of all keys that steps read, in whichever form.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        let keys = self.steps.values().flatten().map(Step::key);
        keys.filter_map(|key| match key.segments().first()? {
            Segment::Key(name) => Some(name.as_str()),
            Segment::Index(_) | Segment::Named(_) => None,
        })
    }

    /// The text, taken from form `from` to the newest one.
    fn migrate(&self, text: Draft, from: u64, part: Part) -> Result<Draft, Stuck> {
        let steps = self.steps.range(from..).flat_map(|(_, steps)| steps);
        let mut text = text;
        for step in steps {
            let renames = text.renames.clone();
            text = step
                .apply(text, part)
                .map_err(|stuck| stuck.in_old_names(&renames))?;
        }
        Ok(text)
    }
}

/// A text on its way, with the names that changed.
#[derive(Debug)]
struct Draft {
    name: String,
    text: String,
    renames: Renames,
}

impl Draft {
    fn parse(&self) -> Result<Document, Stuck> {
        Document::parse(&self.name, &self.text).map_err(|problem| Stuck::at("", problem.message))
    }
}

/// Why a step cannot be taken; the key is named as in the text it was taken on.
#[derive(Debug)]
struct Stuck {
    key: KeyPath,
    message: String,
}

impl Stuck {
    /// The same with keys called as in the text that was read.
    fn in_old_names(self, renames: &Renames) -> Self {
        let key = before::old_name(renames, self.key.segments());
        let message = self
            .message
            .replace(&format!("`{}`", self.key), &format!("`{key}`"));
        Self { key, message }
    }

    fn at(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: KeyPath::parse(key).unwrap_or_default(),
            message: message.into(),
        }
    }

    fn on(key: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            key: key.clone(),
            message: message.into(),
        }
    }
}

/// Reads `document` in its newest form; a form that is newer than we know is a problem.
pub fn current(document: Document, forms: &Forms<'_>) -> Result<Document, Problem> {
    form::current(document, forms)
}

/// Reads `document` in the form that `schema` describes, if it describes one.
pub fn current_of(document: Document, schema: &Schema) -> Result<Document, Problem> {
    match Migrations::of(schema.json()) {
        Ok(Some(migrations)) => current(document, &Forms::One(&migrations)),
        Ok(None) => Ok(document),
        Err(reason) => Err(Problem::in_file(
            code::BAD_MIGRATIONS,
            schema.name(),
            reason,
        )),
    }
}

/// Writes into `text`, to which `table` is to be added, that this table is of the newest form.
///
/// A text that says so already, or that has nothing to say, stays as it is.
pub fn stamped(name: &str, text: &str, forms: &Forms<'_>, table: &str) -> Result<String, Problem> {
    form::stamped(name, text, forms, table)
}
