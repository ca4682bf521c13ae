//! The files of a work tree, and how they differ from a commit.
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::objs::tree::EntryKind;
use gix::worktree::stack::state::ignore::Source;
use serde::Serialize;

use super::clean::{Clean, mode_of};
use super::error::During as _;
use super::{Error, Repo};
use crate::fs::{AtPath as _, is_temporary, read};

/// What sort of file Git records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A file.
    File,
    /// A file with the run bit.
    Executable,
    /// A symlink.
    Link,
}

impl Mode {
    pub(super) fn kind(self) -> EntryKind {
        match self {
            Self::File => EntryKind::Blob,
            Self::Executable => EntryKind::BlobExecutable,
            Self::Link => EntryKind::Link,
        }
    }

    pub(super) fn from_kind(kind: EntryKind) -> Option<Self> {
        match kind {
            EntryKind::Blob => Some(Self::File),
            EntryKind::BlobExecutable => Some(Self::Executable),
            EntryKind::Link => Some(Self::Link),
            EntryKind::Tree | EntryKind::Commit => None,
        }
    }
}

/// A file of the work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkFile {
    /// What sort of file it is.
    pub mode: Mode,
    /// The id of its content.
    pub blob_id: ObjectId,
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New.
    Added,
    /// Content or mode differ.
    Modified,
    /// Gone.
    Deleted,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path from the root.
    pub path: BString,
    /// How.
    pub kind: ChangeKind,
    /// Before.
    pub before: Option<WorkFile>,
    /// After.
    pub after: Option<WorkFile>,
}

/// Files by path.
pub(super) type Files = BTreeMap<BString, WorkFile>;

/// The differences between two sets of files, by path.
pub(super) fn compare(before: &Files, after: &Files) -> Vec<Change> {
    let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| difference(path, before.get(path), after.get(path)))
        .collect()
}

fn difference(
    path: &BString,
    before: Option<&WorkFile>,
    after: Option<&WorkFile>,
) -> Option<Change> {
    let kind = match (before, after) {
        (Some(old), Some(new)) if old == new => return None,
        (Some(_), Some(_)) => ChangeKind::Modified,
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Deleted,
        (None, None) => return None,
    };
    Some(Change {
        path: path.clone(),
        kind,
        before: before.cloned(),
        after: after.cloned(),
    })
}

/// The files of a commit by path; none for no commit.
pub(super) fn of_commit(repo: &Repo, commit_id: Option<ObjectId>) -> Result<Files, Error> {
    let Some(commit_id) = commit_id else {
        return Ok(Files::new());
    };
    let files = repo.files_at(commit_id, "")?;
    let entry = |file: super::TreeFile| {
        (
            file.path,
            WorkFile {
                mode: file.mode,
                blob_id: file.blob_id,
            },
        )
    };
    Ok(files.into_iter().map(entry).collect())
}

/// The files of the work tree that Git would record: neither ignored, nor in a repository within.
///
/// `tracked` are the files of the last commit: they count even if they are ignored.
pub(super) fn scan(repo: &Repo, root: &Path, tracked: &Files) -> Result<Files, Error> {
    let mut scan = Scan::new(repo, root, tracked)?;
    scan.folder(&BString::default())?;
    Ok(scan.found)
}

/// Whether Git would not record a file at `path`, from the root; it need not be there.
pub(super) fn is_ignored(repo: &Repo, root: &Path, path: &BString) -> Result<bool, Error> {
    let tracked = of_commit(repo, repo.head()?)?;
    if tracked.contains_key(path) {
        return Ok(false);
    }
    let mut scan = Scan::new(repo, root, &tracked)?;
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    for (end, _) in ends {
        if scan.is_ignored(&path[..end].into(), EntryKind::Tree)? {
            return Ok(true);
        }
    }
    scan.is_ignored(path, EntryKind::Blob)
}

struct Scan<'a> {
    root: &'a Path,
    tracked: &'a Files,
    clean: Clean,
    excludes: gix::worktree::Stack,
    repo: &'a Repo,
    found: Files,
}

impl<'a> Scan<'a> {
    fn new(repo: &'a Repo, root: &'a Path, tracked: &'a Files) -> Result<Self, Error> {
        let index = gix::index::State::new(gix::hash::Kind::Sha1);
        let excludes = repo
            .gix()
            .excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped)
            .during("read .gitignore")?;
        Ok(Self {
            root,
            tracked,
            clean: Clean::of(repo),
            excludes: excludes.detach(),
            repo,
            found: Files::new(),
        })
    }

    fn folder(&mut self, inside: &BString) -> Result<(), Error> {
        let folder = self.root.join(inside.to_path_lossy());
        for entry in fs::read_dir(&folder).at("list", &folder)? {
            let entry = entry.at("list", &folder)?;
            let path = child(inside, &entry.file_name().into_vec());
            let kind = entry.file_type().at("look at", &entry.path())?;
            let ours = path == ".git" || path == ".buildkeep";
            if ours || is_temporary(entry.file_name().as_bytes()) {
                continue;
            }
            if kind.is_dir() {
                self.subfolder(&path, &entry.path())?;
            } else if (kind.is_file() || kind.is_symlink())
                && (self.tracked.contains_key(&path) || !self.is_ignored(&path, EntryKind::Blob)?)
            {
                let file = self.file(&path, &entry.path())?;
                self.found.insert(path, file);
            }
        }
        Ok(())
    }

    /// A file as Git would record it; it is read only if the index does not know it.
    fn file(&self, path: &BString, on_disk: &Path) -> Result<WorkFile, Error> {
        let known = self.clean.id_of(path, on_disk);
        match known.and_then(|blob_id| Some((blob_id, mode_of(on_disk)?))) {
            Some((blob_id, mode)) => Ok(WorkFile { mode, blob_id }),
            None => work_file(on_disk),
        }
    }

    fn subfolder(&mut self, path: &BString, on_disk: &Path) -> Result<(), Error> {
        let nested = on_disk.join(".git").exists();
        if nested || self.is_ignored(path, EntryKind::Tree)? && !self.holds_tracked(path) {
            return Ok(());
        }
        self.folder(path)
    }

    fn holds_tracked(&self, folder: &BString) -> bool {
        let start = child(folder, b"");
        let mut after = self.tracked.range(start.clone()..);
        after
            .next()
            .is_some_and(|(path, _)| path.starts_with(&start))
    }

    fn is_ignored(&mut self, path: &BString, kind: EntryKind) -> Result<bool, Error> {
        let mode = gix::index::entry::Mode::from(gix::objs::tree::EntryMode::from(kind));
        let platform = self
            .excludes
            .at_entry(path.as_bstr(), Some(mode), &self.repo.gix().objects)
            .at(
                "match .gitignore for",
                &self.root.join(path.to_path_lossy()),
            )?;
        Ok(platform.is_excluded())
    }
}

fn child(folder: &BString, name: &[u8]) -> BString {
    let mut path = folder.clone();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// A file as Git would record it, without writing it.
fn work_file(path: &Path) -> Result<WorkFile, Error> {
    let (mode, content) = read_work_file(path)?;
    Ok(WorkFile {
        mode,
        blob_id: Repo::blob_id(&content)?,
    })
}

/// Mode and content of a file; of a symlink, where it points.
pub(super) fn read_work_file(path: &Path) -> Result<(Mode, Vec<u8>), Error> {
    let meta = fs::symlink_metadata(path).at("look at", path)?;
    if meta.is_symlink() {
        let target = fs::read_link(path).at("read", path)?;
        return Ok((Mode::Link, target.as_os_str().as_bytes().to_vec()));
    }
    let executable = meta.permissions().mode() & 0o100 != 0;
    let mode = if executable {
        Mode::Executable
    } else {
        Mode::File
    };
    Ok((mode, read(path)?))
}

/// Where a path of a tree lies on disk; refuses what would leave the root.
pub(super) fn on_disk(root: &Path, path: &BString) -> Result<PathBuf, Error> {
    let inside = path.to_path_lossy().into_owned();
    let plain = inside
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let mut folders = inside
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty());
    let through_link = folders.any(|folder| root.join(folder).is_symlink());
    if plain && !through_link {
        return Ok(root.join(inside));
    }
    let refused = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it leads out of the keep");
    Ok(Err(refused).at("write", &root.join(&inside))?)
}
