//! Any repository of ours, read.
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};

use super::error::During as _;
use super::gc_lock::GcLock;
use super::patience::patiently;
use super::refs::full_name;
use super::{Error, Mode, Transaction, leftovers, lock_files, skeleton};
use crate::fs::{AtPath as _, Batch, Syncing};

/// A file in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path from the root of the tree, as bytes.
    pub path: BString,
    /// What sort of file it is.
    pub mode: Mode,
    /// Its content.
    pub blob_id: ObjectId,
}

/// So many bytes of objects are remembered.
const REMEMBERED: usize = 1 << 20;

/// A Git repository: the `.git` of a keep, or a vault.
#[derive(Clone)]
pub struct Repo {
    gix: gix::Repository,
    is_moving: Arc<AtomicBool>,
    syncing: Arc<OnceLock<Syncing>>,
}

impl Repo {
    /// Opens the repository whose Git folder is `git_dir`, unless it belongs to somebody else.
    pub fn open(git_dir: &Path) -> Result<Self, Error> {
        refuse_foreign(git_dir)?;
        Self::open_trusted(git_dir)
    }

    /// Opens a repository that may belong to somebody else, because Git trusts it already.
    pub(super) fn open_trusted(git_dir: &Path) -> Result<Self, Error> {
        refuse_unsupported(git_dir)?;
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true);
        let gix = gix::open_opts(git_dir, options).during("open the repository")?;
        Ok(Self {
            gix,
            is_moving: Arc::default(),
            syncing: Arc::default(),
        })
    }

    /// The same, but what was read is remembered: most commands read the same few trees again and again.
    pub(super) fn remembering(mut self) -> Self {
        self.gix.object_cache_size_if_unset(REMEMBERED);
        self
    }

    /// Makes a bare repository with these settings (`section.key`, value), durably.
    pub fn init_bare(path: &Path, settings: &[(&str, &str)]) -> Result<Self, Error> {
        skeleton::create(path, skeleton::Kind::Bare, settings)?;
        Self::open(path)
    }

    /// Makes the repository of a work tree with these settings, durably.
    pub fn init_worktree(git_dir: &Path, settings: &[(&str, &str)]) -> Result<Self, Error> {
        skeleton::create(git_dir, skeleton::Kind::WorkTree, settings)?;
        Self::open(git_dir)
    }

    /// The Git folder.
    pub fn git_dir(&self) -> &Path {
        self.gix.git_dir()
    }

    /// The Git folder that all work trees of this repository share.
    pub fn common_dir(&self) -> &Path {
        self.gix.common_dir()
    }

    /// A setting of this repository itself, as `core.hooksPath`.
    pub fn setting(&self, key: &str) -> Option<String> {
        let value = self.gix.config_snapshot().string(key)?;
        Some(value.to_string())
    }

    /// The folder of objects.
    pub fn objects_dir(&self) -> PathBuf {
        self.git_dir().join("objects")
    }

    /// Deletes what killed commands left here: temporary files, and locks that nobody holds. The
    /// caller has the lock that every writer takes.
    pub fn clear_left_overs(&self) -> Result<(), Error> {
        lock_files::remove_stale(self.git_dir(), self.git_dir())?;
        leftovers::sweep_repo(self)
    }

    /// Waits for a `git gc` that is at work here, and keeps the next one out until the lock is dropped.
    pub fn keep_gc_out(&self) -> Result<GcLock, Error> {
        GcLock::acquire(self.git_dir())
    }

    /// Whether files or refs began to move, and did not all arrive.
    pub(super) fn is_moving(&self) -> &AtomicBool {
        &self.is_moving
    }

    /// Begins changes that are to be durable together.
    pub(super) fn batch(&self) -> Batch {
        let asked = || Syncing::named(&self.setting("buildkeep.sync")?);
        let best = || asked().unwrap_or_else(|| Syncing::at(self.git_dir()));
        Batch::on(self.git_dir(), *self.syncing.get_or_init(best))
    }

    pub(super) fn gix(&self) -> &gix::Repository {
        &self.gix
    }

    /// Starts a change.
    pub fn begin(&self) -> Transaction<'_> {
        Transaction::new(self)
    }

    /// What a ref points at (a tag object, if it is an annotated tag).
    pub fn find_ref(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        let name = full_name(name)?;
        let found = self.gix.try_find_reference(&name).during("read a ref")?;
        let Some(mut reference) = found else {
            return Ok(None);
        };
        let target = reference.follow_to_object().during("follow a ref")?;
        Ok(Some(target.detach()))
    }

    /// All refs below `prefix` with what they point at, by name.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, Error> {
        let platform = self.gix.references().during("list refs")?;
        let mut found = Vec::new();
        for reference in platform.prefixed(prefix).during("list refs")? {
            let reference = reference.map_err(|error| Error::Git {
                action: "list refs",
                source: error.to_string().into(),
            })?;
            if let Some(id) = reference.try_id() {
                found.push((reference.name().as_bstr().to_string(), id.detach()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The branch that is checked out, as `refs/heads/main`.
    pub fn head_branch(&self) -> Result<String, Error> {
        let name = self.gix.head_name().during("read HEAD")?;
        name.map(|name| name.as_bstr().to_string())
            .ok_or_else(|| Error::DetachedHead {
                path: self.git_dir().to_owned(),
            })
    }

    /// The commit that is checked out; none in a new repository.
    pub fn head(&self) -> Result<Option<ObjectId>, Error> {
        let head = self.gix.head().during("read HEAD")?;
        Ok(head.id().map(gix::Id::detach))
    }

    /// The commit that `spec` names, in any of Git's ways.
    pub fn resolve(&self, spec: &str) -> Result<ObjectId, Error> {
        let unknown = || Error::UnknownRevision {
            spec: spec.to_owned(),
        };
        let id = self.gix.rev_parse_single(spec).map_err(|_| unknown())?;
        let object = id.object().map_err(|_| unknown())?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        Ok(commit.id)
    }

    /// The content of a blob.
    pub fn read_blob(&self, blob_id: ObjectId) -> Result<Vec<u8>, Error> {
        let mut blob = patiently(|| self.gix.find_blob(blob_id)).during("read a blob")?;
        Ok(blob.take_data())
    }

    /// The body of an annotated tag: its message.
    pub fn tag_message(&self, tag_id: ObjectId) -> Result<Option<String>, Error> {
        let object = patiently(|| self.gix.find_object(tag_id)).during("read a tag")?;
        let Ok(tag) = object.try_into_tag() else {
            return Ok(None);
        };
        let decoded = tag.decode().during("read a tag")?;
        Ok(Some(decoded.message.to_string()))
    }

    /// The commit behind a ref's target: itself, or what an annotated tag names.
    pub fn peel(&self, object_id: ObjectId) -> Result<ObjectId, Error> {
        let object = patiently(|| self.gix.find_object(object_id)).during("read an object")?;
        let commit = patiently(|| object.clone().peel_to_commit());
        Ok(commit.during("find the commit of a tag")?.id)
    }

    /// The id of the file or folder at `path` in a commit.
    pub fn id_at(&self, commit_id: ObjectId, path: &str) -> Result<Option<ObjectId>, Error> {
        let commit = patiently(|| self.gix.find_commit(commit_id)).during("read a commit")?;
        let tree = patiently(|| commit.tree()).during("read a tree")?;
        let entry = tree
            .lookup_entry(path.split('/'))
            .during("look into a tree")?;
        Ok(entry.map(|entry| entry.object_id()))
    }

    /// What sort of file is at `path` in a commit; none for no file.
    pub(super) fn mode_at(&self, commit_id: ObjectId, path: &str) -> Result<Option<Mode>, Error> {
        let commit = patiently(|| self.gix.find_commit(commit_id)).during("read a commit")?;
        let tree = patiently(|| commit.tree()).during("read a tree")?;
        let entry = tree.lookup_entry(path.split('/'));
        let entry = entry.during("look into a tree")?;
        Ok(entry.and_then(|entry| Mode::from_kind(entry.mode().kind())))
    }

    /// The ids of these entries of a tree itself, without looking deeper.
    pub fn entries_of(
        &self,
        tree_id: ObjectId,
        names: &[&str],
    ) -> Result<Vec<Option<ObjectId>>, Error> {
        let tree = patiently(|| self.gix.find_tree(tree_id)).during("read a tree")?;
        let mut found = vec![None; names.len()];
        for entry in tree.iter() {
            let entry = entry.during("read a tree")?;
            let at = names.iter().position(|name| entry.filename() == *name);
            if let Some(at) = at {
                found[at] = Some(entry.object_id());
            }
        }
        Ok(found)
    }

    /// All files in a tree, by path from there.
    pub fn files_of(&self, tree_id: ObjectId) -> Result<Vec<TreeFile>, Error> {
        let tree = patiently(|| self.gix.find_tree(tree_id)).during("read a tree")?;
        let mut files = patiently(|| tree.traverse().breadthfirst_files())?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The content of the file at `path` in a commit.
    pub fn file_at(&self, commit_id: ObjectId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.id_at(commit_id, path)?
            .map(|blob_id| self.read_blob(blob_id))
            .transpose()
    }

    /// All files of a commit below a folder (`steps/`, or "" for the root), by path.
    pub fn files_at(&self, commit_id: ObjectId, folder: &str) -> Result<Vec<TreeFile>, Error> {
        let tree_id = match folder.trim_end_matches('/') {
            "" => self.tree_at(commit_id)?,
            inside => match self.id_at(commit_id, inside)? {
                Some(id) if self.is_tree(id)? => id,
                _ => return Ok(Vec::new()),
            },
        };
        let mut files = self.files_below(tree_id, folder.into())?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn is_tree(&self, id: ObjectId) -> Result<bool, Error> {
        let header = patiently(|| self.gix.find_header(id)).during("read a tree")?;
        Ok(header.kind() == gix::objs::Kind::Tree)
    }

    fn tree_at(&self, commit_id: ObjectId) -> Result<ObjectId, Error> {
        let commit = patiently(|| self.gix.find_commit(commit_id)).during("read a commit")?;
        Ok(commit.tree_id().during("read a commit")?.detach())
    }

    /// The files of a commit that lie directly in these folders; the root is "".
    pub fn files_in(&self, commit_id: ObjectId, folders: &[&str]) -> Result<Vec<TreeFile>, Error> {
        self.objects().files_in(self.tree_at(commit_id)?, folders)
    }

    /// All files of a folder that a sparse index names only by its tree.
    pub(super) fn files_below(
        &self,
        tree_id: ObjectId,
        folder: &BStr,
    ) -> Result<Vec<TreeFile>, Error> {
        let tree = patiently(|| self.gix.find_tree(tree_id)).during("read a tree")?;
        let mut files = patiently(|| tree.traverse().breadthfirst_files())?;
        for file in &mut files {
            let mut path = folder.to_owned();
            path.extend_from_slice(&file.path);
            file.path = path;
        }
        Ok(files)
    }

    /// The id that `content` has as a blob, without writing it.
    pub fn blob_id(content: &[u8]) -> Result<ObjectId, Error> {
        gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, content)
            .during("hash a file")
    }
}

/// Lists the files of a tree in our own words.
trait Files {
    fn breadthfirst_files(&self) -> Result<Vec<TreeFile>, Error>;
}

impl Files for gix::object::tree::traverse::Platform<'_, '_> {
    fn breadthfirst_files(&self) -> Result<Vec<TreeFile>, Error> {
        let mut recorder = gix::traverse::tree::Recorder::default();
        self.breadthfirst(&mut recorder).during("list a tree")?;
        let files = recorder.records.into_iter().filter_map(|entry| {
            Some(TreeFile {
                mode: Mode::from_kind(entry.mode.kind())?,
                path: entry.filepath,
                blob_id: entry.oid,
            })
        });
        Ok(files.collect())
    }
}

/// Git's rule of `safe.directory`: a repository of somebody else could name programs to run.
fn refuse_foreign(git_dir: &Path) -> Result<(), Error> {
    let owner = std::fs::metadata(git_dir).at("open", git_dir)?.uid();
    let me = rustix::process::geteuid().as_raw();
    if owner == me || me == 0 && Some(owner) == sudo_uid() {
        return Ok(());
    }
    Err(Error::Foreign {
        path: git_dir.to_owned(),
        owner,
    })
}

/// The user behind `sudo`, as the kernel knows it: our login uid.
fn sudo_uid() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// Formats that newer Git may choose by itself, and that gix cannot write.
fn refuse_unsupported(git_dir: &Path) -> Result<(), Error> {
    let config = std::fs::read(git_dir.join("config")).unwrap_or_default();
    let text = config
        .as_bstr()
        .to_str_lossy()
        .to_ascii_lowercase()
        .replace(' ', "");
    let unsupported = |what| Error::Unsupported {
        path: git_dir.to_owned(),
        what,
    };
    if text.contains("refstorage=reftable") {
        return Err(unsupported("the reftable ref format"));
    }
    if text.contains("objectformat=sha256") {
        return Err(unsupported("SHA-256 objects"));
    }
    Ok(())
}

/// A path in a tree as text, for people.
pub(super) fn shown(path: &BStr) -> String {
    path.to_str_lossy().into_owned()
}
