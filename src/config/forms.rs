//! Which form each file is of, and how older ones are read.
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::schemas::{builtin, is_builtin};
use super::{Error, Files, Role, Sources};
use crate::document::migrate::{self, Migrations};
use crate::document::{Document, Error as SchemaError, KeyPath, Problem, Schema, Segment, code};
use crate::store::FileChange;

/// A file of an old form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldForm {
    /// The file.
    pub file: String,
    /// The form it is of.
    pub from: u64,
    /// The form it is read as.
    pub to: u64,
}

/// The forms that the schemas of a keep describe.
#[derive(Debug, Default)]
pub(super) struct Forms {
    by_name: BTreeMap<String, Form>,
    own: BTreeMap<Role, Form>,
}

#[derive(Debug)]
struct Form {
    migrations: Migrations,
    tables: Vec<String>,
}

impl Forms {
    /// Reads them from schemas; those that cannot be used become problems.
    pub(super) fn read<'a>(
        schemas: impl Iterator<Item = (&'a String, &'a Schema)>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, SchemaError> {
        let mut forms = Self::default();
        for (name, schema) in schemas.filter(|(name, _)| !is_builtin(name)) {
            match Form::of(schema) {
                Ok(form) => drop(form.map(|form| forms.by_name.insert(name.clone(), form))),
                Err(message) => {
                    let file = format!("schemas/{name}.schema.json");
                    problems.push(Problem::in_file(code::BAD_MIGRATIONS, &file, message));
                }
            }
        }
        for (role, file) in [
            (Role::Settings, "buildkeep.schema.json"),
            (Role::Plan, "plan.schema.json"),
        ] {
            if let Ok(Some(form)) = Form::of(&builtin(file)?) {
                forms.own.insert(role, form);
            }
        }
        Ok(forms)
    }

    /// The document in its newest form.
    pub(super) fn current(&self, role: &Role, document: Document) -> Result<Document, Problem> {
        match self.of(role) {
            Some(forms) => migrate::current(document, &forms),
            None => Ok(document),
        }
    }

    /// Whether files of this role can be of an old form.
    pub(super) fn concern(&self, role: &Role) -> bool {
        self.of(role).is_some_and(|forms| match forms {
            migrate::Forms::One(_) => true,
            migrate::Forms::Several(all) => !all.is_empty(),
        })
    }

    /// The text, which may be new, saying that `key`, which is to be added, is of the newest form.
    pub(super) fn stamped(&self, file: &str, text: &str, key: &KeyPath) -> Result<String, Problem> {
        let forms = Role::of(file).and_then(|role| self.of(&role));
        match (forms, key.segments().first()) {
            (Some(forms), Some(Segment::Key(table))) => migrate::stamped(file, text, &forms, table),
            _ => Ok(text.to_owned()),
        }
    }

    fn of(&self, role: &Role) -> Option<migrate::Forms<'_>> {
        let form = match role {
            Role::Base(name) => self.by_name.get(name),
            Role::Settings | Role::Plan => self.own.get(role),
            Role::Profile(_) | Role::Host(_) => {
                let all = self.by_name.iter().map(|(name, form)| {
                    let tables = form.tables.iter().map(String::as_str).collect();
                    (name.as_str(), tables, &form.migrations)
                });
                return Some(migrate::Forms::Several(all.collect()));
            }
            Role::Schema(_) => None,
        };
        form.map(|form| migrate::Forms::One(&form.migrations))
    }
}

impl Form {
    fn of(schema: &Schema) -> Result<Option<Self>, String> {
        let Some(migrations) = Migrations::of(schema.json())? else {
            return Ok(None);
        };
        let fields = schema.json().get("properties").and_then(Json::as_object);
        let now = fields.into_iter().flat_map(Map::keys).map(String::as_str);
        let tables = now
            .chain(migrations.tables())
            .filter(|table| *table != "schema")
            .map(str::to_owned)
            .collect();
        Ok(Some(Self { migrations, tables }))
    }
}

/// A file of an old form, and its text in the newest one.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// Which form it is of.
    pub form: OldForm,
    /// The text in the newest form.
    pub text: String,
}

impl Migrated {
    /// The file as it is to be written.
    pub fn change(&self) -> FileChange {
        FileChange::put(self.form.file.as_str(), self.text.as_str())
    }
}

impl Sources {
    /// Whether files of this role can be of an old form.
    pub(super) fn has_forms(&self, role: &Role) -> bool {
        self.schemas().forms().concern(role)
    }

    /// A text of any form in the newest, as far as it can be read.
    pub(super) fn in_newest_form(&self, path: &str, text: &str) -> Option<Document> {
        let document = Document::parse(path, text).ok()?;
        let forms = self.schemas().forms();
        forms.current(&Role::of(path)?, document).ok()
    }

    /// The files of old forms, which were read as the newest.
    pub fn old_forms(&self) -> Vec<OldForm> {
        self.migrated().into_iter().map(|file| file.form).collect()
    }

    /// The form that `file` is of, if it is an old one.
    pub fn old_form(&self, file: &str) -> Option<OldForm> {
        self.old_forms().into_iter().find(|old| old.file == file)
    }

    /// The text of `file`, in its newest form, to which `key` is to be added.
    pub(super) fn text_to_edit(
        &self,
        files: &Files,
        file: &str,
        key: &KeyPath,
    ) -> Result<String, Problem> {
        let document = Role::of(file).and_then(|role| self.document(&role));
        let text = match document.filter(|document| document.old_form().is_some()) {
            Some(document) => document.text(),
            None => files.text(file)?,
        };
        self.schemas().forms().stamped(file, text, key)
    }

    /// The files of old forms with their texts in the newest.
    pub fn migrated(&self) -> Vec<Migrated> {
        let documents = self.documents().map(|(_, document)| document);
        let old = documents.filter_map(|document| {
            let (from, to) = document.old_form()?;
            let file = document.name().to_owned();
            Some(Migrated {
                form: OldForm { file, from, to },
                text: document.text().to_owned(),
            })
        });
        let mut old: Vec<Migrated> = old.collect();
        old.sort_by(|a, b| a.form.file.cmp(&b.form.file));
        old
    }
}

impl Files {
    /// The same files, those of old forms in the newest form that the schemas among them describe.
    ///
    /// Files that cannot be read stay as they are.
    pub fn in_newest_form(&self) -> Result<Self, Error> {
        let sources = Sources::read(self).map_err(super::edit::bad_schema)?;
        let changes: Vec<FileChange> = sources.migrated().iter().map(Migrated::change).collect();
        Ok(self.with(&changes))
    }

    /// The same files with the schemas of `now` where these describe a newer form, so that they are
    /// read with the names of now.
    #[must_use]
    pub fn as_seen_from(&self, now: &Self) -> Self {
        let newer = now.iter().filter_map(|(path, role, bytes)| {
            let is_newer = matches!(role, Role::Schema(_))
                && version_in(bytes) > self.get(path).map_or(0, version_in);
            is_newer.then(|| FileChange::put(path, bytes))
        });
        let newer: Vec<FileChange> = newer.collect();
        self.with(&newer)
    }
}

/// The form that the text of a schema describes; 1 if it does not say.
fn version_in(schema: &[u8]) -> u64 {
    let json: Option<Json> = serde_json::from_slice(schema).ok();
    let version = json.and_then(|json| json.get(migrate::VERSION)?.as_u64());
    version.unwrap_or(1)
}
