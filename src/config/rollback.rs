//! Going back: what an earlier version held is planned, checked, and becomes a new commit.
use std::collections::BTreeSet;
use std::fmt;

use super::diff::{self, KeyChange};
use super::edit::bad_schema;
use super::sources::{is_form, leaves};
use super::{Effective, Error, Files, Role, Sources};
use crate::document::{self, Document, KeyPath, Problem};
use crate::store::{FileChange, Keep, ObjectId, TreeFile};

/// How much goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All configuration, with its schemas.
    Configuration,
    /// These keys and tables, in whichever file they are, or only in this one.
    Keys(Vec<KeyPath>, Option<String>),
    /// A file, or all files of a folder.
    File(String),
    /// Every file of the keep.
    All,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("the configuration"),
            Self::File(file) => f.write_str(file),
            Self::All => f.write_str("every file"),
            Self::Keys(keys, file) => {
                let keys: Vec<String> = keys.iter().map(KeyPath::to_string).collect();
                f.write_str(&keys.join(", "))?;
                file.iter().try_for_each(|file| write!(f, " in {file}"))
            }
        }
    }
}

/// What will be written to go back.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// The commit to go back to.
    pub target: ObjectId,
    /// The commit we come from.
    pub head: Option<ObjectId>,
    /// The files to write or remove.
    pub files: Vec<Restored>,
    /// The keys whose value changes on this host.
    pub keys: Vec<KeyChange>,
}

/// A file that a rollback writes or removes.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// Its path.
    pub path: String,
    /// What the work tree has, if it has it.
    pub before: Option<Vec<u8>>,
    /// What it gets; nothing if it goes away.
    pub after: Option<(crate::store::Mode, Vec<u8>)>,
    /// Whether the work tree has it so, and only the commit lacks it: left by a crash, or by hand.
    pub is_there: bool,
}

impl Restored {
    /// The change to write and commit.
    pub fn change(&self) -> FileChange {
        FileChange {
            path: self.path.as_str().into(),
            content: self.after.clone(),
        }
    }
}

impl Plan {
    /// Works out how to bring back what `target` held. Nothing is written.
    pub fn make(keep: &Keep, target: ObjectId, extent: &Extent) -> Result<Self, Error> {
        let now = Files::of_work_tree(keep)?;
        let then = Files::of_commit(keep.repo(), target)?;
        let files = match extent {
            Extent::Keys(keys, file) => {
                by_key(keep, (&now, &then), (keys, file.as_deref()), target)?
            }
            Extent::Configuration => {
                let wanted = |path: &str| {
                    Role::of(path).is_some_and(|role| {
                        role.is_configuration() || matches!(role, Role::Schema(_))
                    })
                };
                by_file(keep, target, &wanted)?
            }
            Extent::File(file) => {
                let folder = format!("{}/", file.trim_end_matches('/'));
                let wanted = |path: &str| path == file || path.starts_with(&folder);
                let found = by_file(keep, target, &wanted)?;
                let known = keep.repo().id_at(target, file.trim_end_matches('/'))?;
                if found.is_empty() && known.is_none() {
                    return Err(not_there(file, target));
                }
                found
            }
            Extent::All => by_file(keep, target, &|_| true)?,
        };
        let keys = compared(&now, &files, &keep.host())?;
        Ok(Self {
            target,
            head: keep.repo().head()?,
            files,
            keys,
        })
    }

    /// Whether everything is as it was already.
    pub fn is_noop(&self) -> bool {
        self.files.is_empty()
    }

    /// The files that the work tree does not have so yet.
    pub fn unwritten(&self) -> impl Iterator<Item = &Restored> {
        self.files.iter().filter(|file| !file.is_there)
    }

    /// The changes to write and commit.
    pub fn changes(&self) -> Vec<FileChange> {
        self.files.iter().map(Restored::change).collect()
    }
}

/// The key changes, if what comes out of it is valid.
pub(super) fn compared(
    before: &Files,
    files: &[Restored],
    host: &str,
) -> Result<Vec<KeyChange>, Error> {
    let changes: Vec<FileChange> = files.iter().map(Restored::change).collect();
    let touched: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let old = Sources::read(before).map_err(bad_schema)?;
    let new = Sources::read(&before.with(&changes)).map_err(bad_schema)?;
    let problems = new.problems_since(&old, &touched);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let (old, new) = (
        Effective::of_files(&old, host),
        Effective::of_files(&new, host),
    );
    Ok(diff::keys(&old, &new))
}

/// Whole files as they were.
fn by_file(
    keep: &Keep,
    target: ObjectId,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Restored>, Error> {
    let differs = keep.changes_since(target)?;
    let paths: BTreeSet<_> = differs.iter().map(|change| change.path.clone()).collect();
    let head = keep.repo().head()?;
    let committed = keep.changes_between(Some(target), head)?;
    let there = committed
        .into_iter()
        .filter(|change| !paths.contains(&change.path))
        .map(|change| (change, true));
    let mut restored = Vec::new();
    for (change, is_there) in differs
        .into_iter()
        .map(|change| (change, false))
        .chain(there)
    {
        let path = change.path.to_string();
        if !wanted(&path) {
            continue;
        }
        let after = match change.before {
            Some(file) => Some((file.mode, keep.repo().read_blob(file.blob_id)?)),
            None => None,
        };
        restored.push(Restored {
            before: keep.work_file(&change.path)?,
            path,
            after,
            is_there,
        });
    }
    restored.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(restored)
}

/// Only some keys, in every file that has or had them; all else in these files stays.
fn by_key(
    keep: &Keep,
    (now, then): (&Files, &Files),
    (keys, only): (&[KeyPath], Option<&str>),
    target: ObjectId,
) -> Result<Vec<Restored>, Error> {
    let head = keep.repo().head()?;
    let listed = keep.repo().files_at(head.unwrap_or(target), "config/")?;
    let committed = head.map(|head| Files::of_commit(keep.repo(), head));
    let committed = committed.transpose()?.unwrap_or_default();
    // Keys are called as they are now, in files of whichever form.
    let in_form = |files: &Files| files.as_seen_from(now).in_newest_form();
    let (written, now) = (now, &in_form(now)?);
    let (then, committed) = (&in_form(then)?, in_form(&committed)?);
    let mut restored = Vec::new();
    let mut found = BTreeSet::new();
    let is_meant = |path: &String| only.is_none_or(|only| only == path);
    for path in layer_files(now, then).into_iter().filter(is_meant) {
        let old = then.text(&path).map_err(invalid)?;
        let new = now.text(&path).map_err(invalid)?;
        let back = file_by_key(&path, (new, old), keys, &mut found).map_err(invalid)?;
        let is_there = back == new;
        let back = if is_there {
            written.text(&path).map_err(invalid)?.to_owned()
        } else {
            back
        };
        if !is_there || lacks(&committed, (&path, old), keys)? {
            restored.push(Restored {
                before: written.get(&path).map(<[u8]>::to_vec),
                after: Some((mode_of(&listed, &path), back.into_bytes())),
                path,
                is_there,
            });
        }
    }
    match keys.iter().find(|key| !found.contains(*key)) {
        Some(missing) => Err(not_there(&format!("the key `{missing}`"), target)),
        None => Ok(restored),
    }
}

/// Whether the commit has other values of `keys` in a file than the text `then`.
fn lacks(committed: &Files, (path, then): (&str, &str), keys: &[KeyPath]) -> Result<bool, Error> {
    let text = committed.text(path).map_err(invalid)?;
    // What cannot be read there differs from what can.
    let back = file_by_key(path, (text, then), keys, &mut BTreeSet::new());
    Ok(back.map_or(true, |back| back != text))
}

/// The text `now` with `keys` as they are in the text `then`.
fn file_by_key<'k>(
    path: &str,
    (now, then): (&str, &str),
    keys: &'k [KeyPath],
    found: &mut BTreeSet<&'k KeyPath>,
) -> Result<String, Problem> {
    let old = Document::parse(path, then)?;
    let mut text = now.to_owned();
    for key in keys {
        let present = leaves(&Document::parse(path, &text)?.to_json());
        let wanted = leaves(&old.to_json());
        let inside = |leaf: &&KeyPath| leaf.starts_with(key) && !is_form(leaf);
        for leaf in wanted.iter().filter(inside) {
            found.insert(key);
            text = document::transplant(path, &text, leaf, &old)?;
        }
        for leaf in present.iter().filter(inside) {
            found.insert(key);
            if !wanted.contains(leaf) {
                text = document::transplant(path, &text, leaf, &old)?;
            }
        }
    }
    Ok(text)
}

/// The files that hold layers of the tree, now or then.
fn layer_files(now: &Files, then: &Files) -> BTreeSet<String> {
    let is_layer = |role: &Role| matches!(role, Role::Base(_) | Role::Profile(_) | Role::Host(_));
    let both = now.iter().chain(then.iter());
    let layers = both.filter(|(_, role, _)| is_layer(role));
    layers.map(|(path, _, _)| path.to_owned()).collect()
}

fn mode_of(listed: &[TreeFile], path: &str) -> crate::store::Mode {
    let file = listed.iter().find(|file| file.path == path);
    file.map_or(crate::store::Mode::File, |file| file.mode)
}

fn invalid(problem: Problem) -> Error {
    Error::Invalid(vec![problem])
}

fn not_there(what: &str, target: ObjectId) -> Error {
    Error::NotThere {
        what: what.to_owned(),
        version: target.to_hex_with_len(10).to_string(),
    }
}
