//! The bytes of the files that make up a configuration, wherever they are read from.
use std::collections::BTreeMap;
use std::path::Path;

use super::{Error, Role};
use crate::fs::{AtPath as _, is_absent, read_optional};
use crate::store::{FileChange, Keep, ObjectId, Repo, TreeFile};

/// The folders that can hold configuration.
const FOLDERS: &[&str] = &["", "config", "config/hosts", "config/profiles", "schemas"];

/// Configuration files by path from the root of the keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// As they are on disk.
    pub fn of_work_tree(keep: &Keep) -> Result<Self, Error> {
        let mut files = Self::default();
        for folder in FOLDERS {
            for path in names_in(keep.root(), folder)? {
                if let Some(bytes) = read_optional(&keep.root().join(&path))? {
                    files.0.insert(path, bytes);
                }
            }
        }
        Ok(files)
    }

    /// As they are in a commit.
    pub fn of_commit(repo: &Repo, commit_id: ObjectId) -> Result<Self, Error> {
        Self::of_tree_files(repo, repo.files_at(commit_id, "")?)
    }

    /// As they would be committed by plain `git commit`: from the index.
    pub fn of_index(repo: &Repo, index: Option<&Path>) -> Result<Self, Error> {
        Self::of_tree_files(repo, repo.staged_files(index)?)
    }

    /// The same files after some changes.
    #[must_use]
    pub fn with(&self, changes: &[FileChange]) -> Self {
        let mut files = self.clone();
        for change in changes {
            let path = change.path.to_string();
            match &change.content {
                Some((_, bytes)) if Role::of(&path).is_some() => {
                    files.0.insert(path, bytes.clone());
                }
                Some(_) => {}
                None => drop(files.0.remove(&path)),
            }
        }
        files
    }

    /// The content of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// All files with their roles, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Role, &[u8])> {
        self.0
            .iter()
            .filter_map(|(path, bytes)| Some((path.as_str(), Role::of(path)?, bytes.as_slice())))
    }

    fn of_tree_files(repo: &Repo, listed: Vec<TreeFile>) -> Result<Self, Error> {
        let mut files = Self::default();
        for file in listed {
            let path = file.path.to_string();
            if Role::of(&path).is_some() {
                files.0.insert(path, repo.read_blob(file.blob_id)?);
            }
        }
        Ok(files)
    }
}

impl FromIterator<(String, Vec<u8>)> for Files {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

/// The paths of the configuration files in a folder of the keep.
fn names_in(root: &Path, folder: &str) -> Result<Vec<String>, Error> {
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
        if Role::of(&path).is_some() && entry.path().is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}
