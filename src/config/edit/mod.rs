//! Setting and unsetting keys: what would change, checked as if it had.
//!
//! The change is planned twice: for the work tree, and for the last commit. So what somebody else
//! is at work on in the same file stays uncommitted, and what is committed is valid by itself.

mod beside;
mod changed;
mod home;
mod items;

pub use changed::keys_of_file;
pub use home::Target;
pub use items::is_joined;

use serde_json::Value as Json;

use super::sources::{a_link, is_form};
use super::typed::typed;
use super::{Effective, Error, Files, OldForm, Role, Sources};
use crate::document::{self, Document, KeyPath, Problem, Value, code};
use crate::store::FileChange;

/// What to do with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The key.
    pub key: KeyPath,
    /// What to do with it.
    pub change: Change,
}

/// What becomes of a key; values are as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It gets this value.
    Set(String),
    /// It is taken out.
    Unset,
    /// The list gets one more item, or several.
    Add(String),
    /// The list loses an item, or several.
    Take(String),
}

impl Change {
    /// Whether one thing can be done to the same list after the other.
    fn is_of_items(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Take(_))
    }
}

/// A change of one key in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyEdit {
    /// The key.
    pub key: KeyPath,
    /// The file.
    pub file: String,
    /// The value in that file before.
    pub before: Option<Json>,
    /// The value in that file after.
    pub after: Option<Json>,
    /// Whether the value must not be shown.
    pub is_secret: bool,
}

impl KeyEdit {
    /// Whether the file says so already.
    pub fn is_noop(&self) -> bool {
        self.before == self.after
    }
}

/// A file that is rewritten.
#[derive(Clone, Debug)]
pub struct FileEdit {
    /// Its path.
    pub path: String,
    /// Its content in the work tree after.
    pub text: String,
    /// Its content in the commit.
    pub committed: String,
    /// The form that the file was of, if this rewrites it in a newer one.
    pub old_form: Option<OldForm>,
    /// Whether the work tree changes.
    pub is_written: bool,
    is_committed: bool,
}

impl FileEdit {
    /// Whether the work tree has other changes of the file, which stay uncommitted.
    pub fn leaves_others(&self) -> bool {
        self.text != self.committed
    }
}

/// What will be written to change keys.
#[derive(Debug)]
pub struct Edit {
    /// The keys, as they were named.
    pub keys: Vec<KeyEdit>,
    /// The files that hold them.
    pub files: Vec<FileEdit>,
}

impl Edit {
    /// Plans a change of keys in the work tree `files`; `committed` is what the last commit has.
    pub fn plan(
        (files, committed): (&Files, &Files),
        wishes: &[Wish],
        target: &Target,
    ) -> Result<Self, Error> {
        let work = Side::read(files)?;
        let head = Side::read(committed)?;
        let mut drafts = Vec::new();
        let mut keys: Vec<KeyEdit> = Vec::new();
        for wish in wishes {
            if keys.iter().any(|edit| edit.key == wish.key) && !wish.change.is_of_items() {
                let key = wish.key.to_string();
                return Err(Error::Twice { key });
            }
            let file = home::file_for((&work, &head), wish, target)?;
            refuse_foreign(files, &file)?;
            keys.push(work.apply(wish, (&file, Some(&head)), &mut drafts)?);
        }
        let touched: Vec<&str> = drafts.iter().map(|draft| draft.path.as_str()).collect();
        work.check(&drafts, &touched)?;
        let files = beside::plan((&work, &head), wishes, (&keys, drafts))?;
        Ok(Self { keys, files })
    }

    /// Whether something is to be committed.
    pub fn commits(&self) -> bool {
        self.files.iter().any(|file| file.is_committed)
    }

    /// Whether the work tree changes.
    pub fn writes(&self) -> bool {
        self.files.iter().any(|file| file.is_written)
    }

    /// The files as the work tree gets them.
    pub fn work(&self) -> Vec<FileChange> {
        let written = self
            .files
            .iter()
            .filter(|file| file.is_written || file.is_committed);
        written
            .map(|file| FileChange::put(file.path.as_str(), file.text.as_str()))
            .collect()
    }

    /// The files as they are committed.
    pub fn committed(&self) -> Vec<FileChange> {
        let committed = self.files.iter().filter(|file| file.is_committed);
        committed
            .map(|file| FileChange::put(file.path.as_str(), file.committed.as_str()))
            .collect()
    }
}

/// Files before a change, read.
struct Side<'a> {
    files: &'a Files,
    sources: Sources,
}

/// A file on its way.
#[derive(Debug)]
struct Draft {
    path: String,
    text: String,
    old_form: Option<OldForm>,
    is_changed: bool,
}

impl<'a> Side<'a> {
    fn read(files: &'a Files) -> Result<Self, Error> {
        let sources = Sources::read(files).map_err(bad_schema)?;
        Ok(Self { files, sources })
    }

    /// Carries a wish out in a file; `other` may have what is to be taken out here.
    fn apply(
        &self,
        wish: &Wish,
        (file, other): (&str, Option<&Self>),
        drafts: &mut Vec<Draft>,
    ) -> Result<KeyEdit, Error> {
        let schema = self.sources.schemas().combined();
        let invalid = |problem: Problem| Error::Invalid(vec![schema.redact(problem)]);
        let known = drafts.iter().position(|draft| draft.path == file);
        let at = known.unwrap_or(drafts.len());
        if known.is_none() {
            drafts.push(self.draft(file, &wish.key)?);
        }
        let text = drafts[at].text.as_str();
        let before = value_in(file, text, &wish.key).map_err(invalid)?;
        let edited = match &wish.change {
            Change::Set(typed) => {
                let value = self.value(&wish.key, typed)?;
                document::set(file, text, &wish.key, &value).map_err(invalid)?
            }
            Change::Unset if before.is_some() => {
                document::unset(file, text, &wish.key).map_err(invalid)?
            }
            Change::Unset if other.is_some_and(|other| other.has(file, &wish.key)) => {
                text.to_owned()
            }
            Change::Unset => return Err(not_set(&self.sources, &wish.key)),
            Change::Add(_) | Change::Take(_) => items::edited(self, wish, (file, text))?,
        };
        let after = value_in(file, &edited, &wish.key).map_err(invalid)?;
        drafts[at].is_changed |= before != after;
        drafts[at].text = edited;
        Ok(KeyEdit {
            key: wish.key.clone(),
            file: file.to_owned(),
            is_secret: schema.is_secret(&wish.key),
            before,
            after,
        })
    }

    fn value(&self, key: &KeyPath, text: &str) -> Result<Value, Error> {
        let value = typed(self.sources.schemas().combined(), key, text);
        value.map_err(|reason| Error::NotAValue {
            key: key.to_string(),
            reason,
        })
    }

    /// The file as it is, in its newest form; one that is not there begins with its schema.
    fn draft(&self, file: &str, key: &KeyPath) -> Result<Draft, Error> {
        let text = self
            .sources
            .text_to_edit(self.files, file, key)
            .map_err(|problem| Error::Invalid(vec![problem]))?;
        let is_new = self.files.get(file).is_none();
        let line = if is_new {
            new_text(self.files, file)
        } else {
            String::new()
        };
        Ok(Draft {
            path: file.to_owned(),
            text: line + &text,
            old_form: self.sources.old_form(file),
            is_changed: false,
        })
    }

    fn has(&self, file: &str, key: &KeyPath) -> bool {
        let text = self.files.text(file).ok();
        text.is_some_and(|text| matches!(value_in(file, text, key), Ok(Some(_))))
    }

    /// Refuses drafts that would leave their files wrong, or make something wrong elsewhere.
    fn check(&self, drafts: &[Draft], touched: &[&str]) -> Result<(), Error> {
        let changes = drafts
            .iter()
            .map(|draft| FileChange::put(draft.path.as_str(), draft.text.as_str()));
        let files = self.files.with(&changes.collect::<Vec<_>>());
        let after = Sources::read(&files).map_err(bad_schema)?;
        let problems = after.problems_since(&self.sources, touched);
        if problems.is_empty() {
            return Ok(());
        }
        let typed = problems.into_iter().map(Problem::as_typed);
        Err(Error::Invalid(typed.collect()))
    }
}

/// Refuses a file that is no configuration, or lies behind a symlink.
pub fn refuse_foreign(files: &Files, file: &str) -> Result<(), Error> {
    let role = Role::of(file);
    if role.is_none_or(|role| matches!(role, Role::Schema(_))) {
        return Err(Error::NotConfiguration {
            file: file.to_owned(),
        });
    }
    if files.is_behind_link(file) {
        return Err(Error::Invalid(files.links().map(a_link).collect()));
    }
    Ok(())
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
    Ok(document.json_at(key))
}

/// The schemas of the keep fit together badly; each of them alone was fine.
pub(super) fn bad_schema(error: document::Error) -> Error {
    Error::Invalid(vec![Problem::in_file(
        code::BAD_SCHEMA,
        "schemas",
        error.to_string(),
    )])
}

/// Refuses another content of a file that would leave it wrong, or make something wrong elsewhere.
pub fn check_file(files: &Files, file: &str, text: &[u8]) -> Result<(), Error> {
    refuse_foreign(files, file)?;
    let before = Side::read(files)?;
    let after = files.with(&[FileChange::put(file, text)]);
    let after = Sources::read(&after).map_err(bad_schema)?;
    let problems = after.problems_since(&before.sources, &[file]);
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid(problems))
}

/// The file that `key` is in or would be; without a key the one that `target` means, or the only
/// one there is.
pub fn file_of(
    files: &Files,
    key: Option<&KeyPath>,
    target: &Target,
) -> Result<Option<String>, Error> {
    let side = Side::read(files)?;
    let is_named = !matches!(target, Target::Home { .. } | Target::Shared);
    let key = match key {
        Some(key) => key.clone(),
        None if is_named => KeyPath::root(),
        None => {
            let mut bases = files
                .iter()
                .filter(|(_, role, _)| matches!(role, Role::Base(_)));
            let first = bases.next().map(|(path, ..)| path.to_owned());
            return Ok(first.filter(|_| bases.next().is_none()));
        }
    };
    let wish = Wish {
        key,
        change: Change::Set(String::new()),
    };
    home::file_for((&side, &side), &wish, target).map(Some)
}

/// What a file that is not there yet begins with: the line by which editors find its schema.
pub fn new_text(files: &Files, file: &str) -> String {
    let Some(Role::Base(name)) = Role::of(file) else {
        return String::new();
    };
    let schema = format!("schemas/{name}.schema.json");
    let line = files
        .get(&schema)
        .map(|_| format!("#:schema ../{schema}\n"));
    line.unwrap_or_default()
}
