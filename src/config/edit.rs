//! Setting and unsetting one key: what would change, checked as if it had.
use serde_json::Value as Json;

use super::sources::{a_link, is_form, value_at};
use super::typed::typed;
use super::{Effective, Error, Files, OldForm, Role, Sources};
use crate::document::{self, Document, KeyPath, Problem, Segment, code};
use crate::store::FileChange;

/// A change of one key in one file.
#[derive(Debug)]
pub struct Edit {
    /// The key.
    pub key: KeyPath,
    /// The file.
    pub file: String,
    /// The value in that file before.
    pub before: Option<Json>,
    /// The value in that file after.
    pub after: Option<Json>,
    /// The content of the file after.
    pub text: String,
    /// Whether the value must not be shown.
    pub is_secret: bool,
    /// The form that the file was of, if this rewrites it in a newer one.
    pub old_form: Option<OldForm>,
}

/// What to do with a key.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// Give it this value, as it was typed.
    Set(&'a str),
    /// Take it out.
    Unset,
}

impl Edit {
    /// Plans a change of `key`, in `file` or where the key belongs. Nothing is written.
    pub fn plan(
        files: &Files,
        key: &KeyPath,
        wish: Wish<'_>,
        file: Option<&str>,
    ) -> Result<Self, Error> {
        let sources = Sources::read(files).map_err(bad_schema)?;
        let schema = sources.schemas().combined();
        let file = match file {
            Some(file) => file.to_owned(),
            None => home_of(files, &sources, key),
        };
        refuse_foreign(&file)?;
        if files.is_behind_link(&file) {
            return Err(Error::Invalid(files.links().map(a_link).collect()));
        }
        let old = sources
            .text_to_edit(files, &file, key)
            .map_err(|problem| Error::Invalid(vec![problem]))?;
        let old = old.as_str();
        let invalid = |problem: Problem| Error::Invalid(vec![schema.redact(problem)]);
        let before = value_in(&file, old, key).map_err(invalid)?;
        let text = match wish {
            Wish::Set(text) => document::set(&file, old, key, &typed(schema, key, text)),
            Wish::Unset if before.is_none() => return Err(not_set(&sources, key)),
            Wish::Unset => document::unset(&file, old, key),
        }
        .map_err(invalid)?;
        let edit = Self {
            after: value_in(&file, &text, key).map_err(invalid)?,
            is_secret: schema.is_secret(key),
            old_form: sources.old_form(&file),
            key: key.clone(),
            before,
            text,
            file,
        };
        edit.check(files, &sources)?;
        Ok(edit)
    }

    /// What is left of taking `key` out, if a crash came between the file and its commit.
    pub fn left_unset(files: &Files, committed: &Files, key: &KeyPath) -> Result<Self, Error> {
        let sources = Sources::read(committed).map_err(bad_schema)?;
        let file = home_of(committed, &sources, key);
        let invalid = |problem| Error::Invalid(vec![problem]);
        let value = |files: &Files| {
            let text = files.text(&file).map_err(invalid)?;
            value_in(&file, text, key).map_err(invalid)
        };
        if value(committed)?.is_none() || value(files)?.is_some() {
            return Err(not_set(&sources, key));
        }
        Ok(Self {
            key: key.clone(),
            before: None,
            after: None,
            text: files.text(&file).map_err(invalid)?.to_owned(),
            is_secret: sources.schemas().combined().is_secret(key),
            old_form: None,
            file,
        })
    }

    /// Whether nothing changes.
    pub fn is_noop(&self) -> bool {
        self.before == self.after
    }

    /// Whether another text of the file has another value of the key; one that cannot be read has.
    pub fn differs_from(&self, text: Option<&[u8]>) -> bool {
        let text = std::str::from_utf8(text.unwrap_or_default()).ok();
        let value = text.and_then(|text| value_in(&self.file, text, &self.key).ok());
        value != Some(self.after.clone())
    }

    /// The file as it is to be written.
    pub fn change(&self) -> FileChange {
        FileChange::put(self.file.as_str(), self.text.as_str())
    }

    /// Refuses an edit that would leave its file wrong, or make something wrong elsewhere.
    fn check(&self, files: &Files, before: &Sources) -> Result<(), Error> {
        let after = Sources::read(&files.with(&[self.change()])).map_err(bad_schema)?;
        let problems = after.problems_since(before, &[&self.file]);
        if problems.is_empty() {
            Ok(())
        } else {
            let typed = problems.into_iter().map(Problem::as_typed);
            Err(Error::Invalid(typed.collect()))
        }
    }
}

/// The file that a key is written to if none is named.
fn home_of(files: &Files, sources: &Sources, key: &KeyPath) -> String {
    let bases = || {
        let documents = sources.documents();
        documents.filter(|(role, _)| matches!(role, Role::Base(_)))
    };
    let holds = |key: &KeyPath| {
        let mut all = bases();
        all.find(|(_, document)| document.line_of(key).is_some())
            .map(|(_, document)| document.name().to_owned())
    };
    let table: KeyPath = key.segments().iter().take(1).cloned().collect();
    let by_schema = sources
        .schemas()
        .file_of(key)
        .map(|name| format!("config/{name}.toml"));
    let only = || match bases().collect::<Vec<_>>().as_slice() {
        [(_, only)] => Some(only.name().to_owned()),
        _ => None,
    };
    let by_name = format!("config/{}.toml", file_name(key));
    let named = files.get(&by_name).map(|_| by_name.clone());
    let found = holds(key).or(by_schema).or_else(|| holds(&table));
    found.or(named).or_else(only).unwrap_or(by_name)
}

/// The name of the first table, as far as it can be a file name.
fn file_name(key: &KeyPath) -> String {
    let first = key.segments().first();
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    match first {
        Some(Segment::Key(name)) => name.chars().map(plain).collect(),
        _ => "settings".to_owned(),
    }
}

fn refuse_foreign(file: &str) -> Result<(), Error> {
    match Role::of(file) {
        Some(role) if !matches!(role, Role::Schema(_)) => Ok(()),
        _ => Err(Error::NotConfiguration {
            file: file.to_owned(),
        }),
    }
}

fn not_set(sources: &Sources, key: &KeyPath) -> Error {
    let effective = Effective::of_files(sources, "");
    let key_text = key.to_string();
    if effective.knows(key) || is_form(key) {
        return Error::NotSet { key: key_text };
    }
    Error::UnknownKey {
        near: effective.nearest(key),
        key: key_text,
    }
}

fn value_in(file: &str, text: &str, key: &KeyPath) -> Result<Option<Json>, Problem> {
    let document = Document::parse(file, text)?;
    Ok(value_at(&document.to_json(), key).cloned())
}

/// The schemas of the keep fit together badly; each of them alone was fine.
pub(super) fn bad_schema(error: document::Error) -> Error {
    Error::Invalid(vec![Problem::in_file(
        code::BAD_SCHEMA,
        "schemas",
        error.to_string(),
    )])
}
