//! The bytes of the files that make up a configuration, wherever they are read from.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::verdicts::Verdicts;
use super::{Error, Role};
use crate::document::{Document, Problem, code};
use crate::fs::{AtPath as _, is_absent, read_optional};
use crate::store::{Called, FileChange, Keep, Mode, ObjectId, Objects, Repo, TreeFile};

/// The folders that can hold configuration.
const FOLDERS: &[&str] = &["", "config", "config/hosts", "config/profiles", "schemas"];

/// Configuration files by path from the root of the keep.
///
/// Symlinks are never followed: what they point at is neither versioned nor ours to read.
#[derive(Clone, Debug, Default)]
pub struct Files {
    plain: BTreeMap<String, Vec<u8>>,
    links: BTreeSet<String>,
    verdicts: Option<Arc<Verdicts>>,
}

impl Files {
    /// As they are on disk.
    pub fn of_work_tree(keep: &Keep) -> Result<Self, Error> {
        Self::of_folder(keep.root())
    }

    /// As they are in a folder that may become a keep, if it is there.
    pub fn of_folder(root: &Path) -> Result<Self, Error> {
        let mut files = Self {
            verdicts: Verdicts::of_keep(root).map(Arc::new),
            ..Self::default()
        };
        for folder in FOLDERS {
            if !folder.is_empty() && root.join(folder).is_symlink() {
                files.links.insert((*folder).to_owned());
                continue;
            }
            for (path, is_link) in names_in(root, folder)? {
                if is_link {
                    files.links.insert(path);
                } else if let Some(bytes) = read_optional(&root.join(&path))? {
                    files.plain.insert(path, bytes);
                }
            }
        }
        Ok(files)
    }

    /// As they are in a commit.
    pub fn of_commit(repo: &Repo, commit_id: ObjectId) -> Result<Self, Error> {
        let known = beside(repo);
        Self::of_tree_files(repo.files_in(commit_id, FOLDERS)?, known, |id| {
            repo.read_blob(id)
        })
    }

    /// As they are in a tree, wherever its objects are.
    pub(super) fn of_tree(
        objects: &Objects,
        tree_id: ObjectId,
        known: Option<Arc<Verdicts>>,
    ) -> Result<Self, Error> {
        Self::of_tree_files(objects.files_in(tree_id, FOLDERS)?, known, |id| {
            objects.blob(id)
        })
    }

    /// As Git is about to commit them.
    pub fn staged(called: &Called) -> Result<Self, Error> {
        let known = Verdicts::of_keep(called.root()).map(Arc::new);
        let read = |id| called.objects().blob(id);
        Self::of_tree_files(called.staged_files()?, known, read)
    }

    /// As they would be committed by plain `git commit`: from the index.
    pub fn of_index(repo: &Repo, index: Option<&Path>) -> Result<Self, Error> {
        let known = beside(repo);
        Self::of_tree_files(repo.staged_files(index)?, known, |id| repo.read_blob(id))
    }

    /// The same files after some changes.
    #[must_use]
    pub fn with(&self, changes: &[FileChange]) -> Self {
        let mut files = self.clone();
        for change in changes {
            let path = change.path.to_string();
            files.plain.remove(&path);
            files.links.remove(&path);
            match &change.content {
                Some((mode, bytes)) if Role::of(&path).is_some() => {
                    files.put(path, *mode, bytes.clone());
                }
                _ => {}
            }
        }
        files
    }

    /// The content of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.plain.get(path).map(Vec::as_slice)
    }

    /// The content of a file as text; a file that is not there is empty.
    pub fn text(&self, path: &str) -> Result<&str, Problem> {
        let bytes = self.get(path).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| match Document::parse_bytes(path, bytes) {
            Err(problem) => problem,
            Ok(_) => Problem::in_file(code::NOT_TEXT, path, "the file is not UTF-8 text"),
        })
    }

    /// Whether the file, or a folder that it would be in, is a symlink.
    pub fn is_behind_link(&self, path: &str) -> bool {
        Path::new(path)
            .ancestors()
            .filter_map(Path::to_str)
            .any(|path| self.links.contains(path))
    }

    /// Whether both are the same files with the same content.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.plain, &self.links) == (&other.plain, &other.links)
    }

    /// Configuration files, and folders of them, that are symlinks.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(String::as_str)
    }

    /// All files with their roles, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Role, &[u8])> {
        self.plain
            .iter()
            .filter_map(|(path, bytes)| Some((path.as_str(), Role::of(path)?, bytes.as_slice())))
    }

    /// All that configuration can come from: the folders, and the files in them.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        let files = self.plain.keys().chain(&self.links);
        let folders = FOLDERS.iter().copied();
        folders.chain(files.map(String::as_str))
    }

    /// What was found valid before, where that is known.
    pub(super) fn verdicts(&self) -> Option<&Verdicts> {
        self.verdicts.as_deref()
    }

    fn of_tree_files(
        listed: Vec<TreeFile>,
        verdicts: Option<Arc<Verdicts>>,
        read: impl Fn(ObjectId) -> Result<Vec<u8>, crate::store::Error>,
    ) -> Result<Self, Error> {
        let mut files = Self {
            verdicts,
            ..Self::default()
        };
        for file in listed {
            let path = file.path.to_string();
            let is_folder = file.mode == Mode::Link && FOLDERS.contains(&path.as_str());
            if Role::of(&path).is_some() || is_folder {
                files.put(path, file.mode, read(file.blob_id)?);
            }
        }
        Ok(files)
    }

    fn put(&mut self, path: String, mode: Mode, bytes: Vec<u8>) {
        if mode == Mode::Link {
            self.links.insert(path);
        } else {
            self.plain.insert(path, bytes);
        }
    }
}

impl FromIterator<(String, Vec<u8>)> for Files {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self {
            plain: files.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What was found valid in the keep of this repository.
fn beside(repo: &Repo) -> Option<Arc<Verdicts>> {
    let root = repo.git_dir().parent();
    root.and_then(Verdicts::of_keep).map(Arc::new)
}

/// The configuration files in a folder of the keep, and whether each is a symlink.
fn names_in(root: &Path, folder: &str) -> Result<Vec<(String, bool)>, Error> {
    let dir = root.join(folder);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).at("list", &dir).map_err(Error::from),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.at("list", &dir)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        let kind = entry.file_type().at("look at", &entry.path())?;
        if Role::of(&path).is_some() && (kind.is_file() || kind.is_symlink()) {
            paths.push((path, kind.is_symlink()));
        }
    }
    Ok(paths)
}
