//! The keep: a work tree, its repository, its private folder, one lock around every write.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::BString;

use super::worktree::{self, Change};
use super::{Error, Expect, FileChange, Message, Mode, Repo, Signature, index, lock_files};
use crate::fs::{
    AtPath as _, Holder, Lock, create_dirs_durable, sweep_temporaries, write_disposable,
    write_durable, write_durable_mode,
};
use crate::world::World;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings of every keep: names for plain Git, no surprises from a user's configuration.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("core.autocrlf", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("trailer.buildkeep-kind.key", "Buildkeep-Kind"),
];

/// A keep, open for reading; writing needs its lock.
#[derive(Clone)]
pub struct Keep {
    root: PathBuf,
    repo: Repo,
}

/// Proof that this process is the only one of ours that writes to the keep.
#[must_use = "the keep is unlocked when this is dropped"]
pub struct WriteGuard {
    _lock: Lock,
    /// Lock files of killed Git processes that were removed on the way.
    pub removed: Vec<PathBuf>,
}

impl Keep {
    /// Finds the keep that `dir` lies in.
    pub fn discover(dir: &Path) -> Result<Self, Error> {
        let dir = fs::canonicalize(dir).at("open", dir)?;
        match Self::find_root(&dir) {
            Some(root) => Self::open(&root),
            None => Err(Error::NoKeep { from: dir }),
        }
    }

    /// The root of the keep that `dir` lies in.
    pub fn find_root(dir: &Path) -> Option<PathBuf> {
        let is_keep =
            |dir: &&Path| dir.join("buildkeep.toml").is_file() && dir.join(".git").exists();
        dir.ancestors().find(is_keep).map(Path::to_owned)
    }

    /// Opens the keep at `root`.
    pub fn open(root: &Path) -> Result<Self, Error> {
        Ok(Self {
            repo: Repo::open(&root.join(".git"))?,
            root: root.to_owned(),
        })
    }

    /// Makes the repository and the private folder of a new keep at `root`, which may have files.
    pub fn create(root: &Path, host: &str) -> Result<Self, Error> {
        let root = std::path::absolute(root).at("find", root)?;
        if let Some(outer) = existing_parent(&root).as_deref().and_then(Self::find_root) {
            return Err(if outer == root {
                Error::AlreadyKeep { root }
            } else {
                Error::NestedKeep { dir: root, outer }
            });
        }
        create_dirs_durable(&root)?;
        let root = fs::canonicalize(&root).at("open", &root)?;
        let git_dir = root.join(".git");
        let repo = if git_dir.exists() {
            Repo::open(&git_dir)?
        } else {
            Repo::init_worktree(&git_dir, SETTINGS)?
        };
        let keep = Self { root, repo };
        keep.adopt_host(host)?;
        Ok(keep)
    }

    /// The work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// A path in the private folder `.buildkeep`.
    pub fn private(&self, inside: &str) -> PathBuf {
        self.root.join(".buildkeep").join(inside)
    }

    /// The id of this machine in this keep; empty in a clone that has not written yet.
    pub fn host(&self) -> String {
        let text = fs::read_to_string(self.private("host")).unwrap_or_default();
        text.trim().to_owned()
    }

    /// Gives this machine an id in this keep.
    pub fn adopt_host(&self, host: &str) -> Result<(), Error> {
        create_dirs_durable(&self.private(""))?;
        write_durable(&self.private("host"), format!("{host}\n").as_bytes())?;
        Ok(())
    }

    /// Takes the lock, waiting for another writer, and clears what a killed Git left.
    pub fn lock(&self, world: &World) -> Result<WriteGuard, Error> {
        let me = Holder {
            pid: std::process::id(),
            command: format!("buildkeep {}", world.argv.join(" ")),
            since: world.clock.stamp(),
        };
        create_dirs_durable(&self.private(""))?;
        let lock = Lock::acquire(&self.private("lock"), &me, PATIENCE)?;
        if self.host().is_empty() {
            self.adopt_host(&format!("{}-{}", world.hostname, world.ids.short()))?;
        }
        let removed = lock_files::remove_stale(&self.root, self.repo.git_dir())?;
        self.finish_index();
        Ok(WriteGuard {
            _lock: lock,
            removed,
        })
    }

    /// The person who acts: as Git's configuration of this keep names them, else as the world does.
    pub fn signature(&self, world: &World) -> Signature {
        let mut person = world.person.clone();
        if world.env.get("GIT_AUTHOR_NAME").is_none() {
            let configured = self.repo.configured_person(&world.env);
            person.name = configured.0.unwrap_or(person.name);
            person.email = configured.1.unwrap_or(person.email);
        }
        Signature::new(&person, world.clock.now())
    }

    /// How the work tree differs from the last commit.
    pub fn changes(&self) -> Result<Vec<Change>, Error> {
        let committed = worktree::of_commit(&self.repo, self.repo.head()?)?;
        let present = worktree::scan(&self.repo, &self.root)?;
        Ok(worktree::compare(&committed, &present))
    }

    /// How the work tree differs from a commit.
    pub fn changes_since(&self, commit_id: ObjectId) -> Result<Vec<Change>, Error> {
        let committed = worktree::of_commit(&self.repo, Some(commit_id))?;
        let present = worktree::scan(&self.repo, &self.root)?;
        Ok(worktree::compare(&committed, &present))
    }

    /// How two commits differ; no commit counts as an empty one.
    pub fn changes_between(
        &self,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
    ) -> Result<Vec<Change>, Error> {
        let before = worktree::of_commit(&self.repo, before)?;
        let after = worktree::of_commit(&self.repo, after)?;
        Ok(worktree::compare(&before, &after))
    }

    /// The content of a file of the work tree, if it is there; of a symlink, where it points.
    pub fn work_file(&self, path: &BString) -> Result<Option<Vec<u8>>, Error> {
        let file = worktree::on_disk(&self.root, path)?;
        if fs::symlink_metadata(&file).is_err() {
            return Ok(None);
        }
        worktree::read_work_file(&file).map(|(_, content)| Some(content))
    }

    /// The content of a file in the last commit, if it is there.
    pub fn committed_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.repo.head()? {
            Some(head) => self.repo.file_at(head, path),
            None => Ok(None),
        }
    }

    /// The changed files with what the work tree has of them.
    pub fn file_changes(&self, changes: &[Change]) -> Result<Vec<FileChange>, Error> {
        let one = |change: &Change| {
            let file = worktree::on_disk(&self.root, &change.path)?;
            let content = change.after.as_ref();
            Ok(FileChange {
                path: change.path.clone(),
                content: content
                    .map(|_| worktree::read_work_file(&file))
                    .transpose()?,
            })
        };
        changes.iter().map(one).collect()
    }

    /// Commits the changed files of the work tree; none if nothing changed.
    pub fn commit_work_tree(
        &self,
        _guard: &WriteGuard,
        changes: &[Change],
        message: &Message,
        signature: &Signature,
    ) -> Result<Option<ObjectId>, Error> {
        if changes.is_empty() {
            return Ok(None);
        }
        self.refuse_unfinished()?;
        let files = self.file_changes(changes)?;
        let commit_id = self.commit_changes(&files, message, signature)?;
        self.refresh_index(commit_id, None);
        Ok(Some(commit_id))
    }

    /// Writes files into the work tree and commits exactly them.
    ///
    /// The files come first: a crash in between leaves validated, uncommitted changes, and the
    /// same command finishes the work. Other changes of the work tree stay uncommitted.
    pub fn commit_files(
        &self,
        _guard: &WriteGuard,
        changes: &[FileChange],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        self.refuse_unfinished()?;
        for change in changes {
            self.write_work_file(change)?;
        }
        let commit_id = self.commit_changes(changes, message, signature)?;
        let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
        self.refresh_index(commit_id, Some(&paths));
        Ok(commit_id)
    }

    fn commit_changes(
        &self,
        changes: &[FileChange],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        let branch = self.repo.head_branch()?;
        let head = self.repo.head()?;
        let base = head
            .map(|head| self.repo.commit(head))
            .transpose()?
            .map(|commit| commit.tree_id);
        let mut transaction = self.repo.begin();
        let tree_id = transaction.edit_tree(base, changes)?;
        let parents: Vec<_> = head.into_iter().collect();
        let commit_id = transaction.commit(tree_id, &parents, message, signature)?;
        let why = format!("commit: {}", message.subject);
        transaction.set_ref(&branch, Expect::seen(head), commit_id, &why)?;
        self.note_index(commit_id);
        transaction.finish()?;
        Ok(commit_id)
    }

    fn write_work_file(&self, change: &FileChange) -> Result<(), Error> {
        let path = worktree::on_disk(&self.root, &change.path)?;
        if let Some(parent) = path.parent() {
            sweep_temporaries(parent)?;
        }
        let Some((mode, content)) = &change.content else {
            return Ok(crate::fs::remove_file_durable(&path)?);
        };
        if let Some(parent) = path.parent() {
            create_dirs_durable(parent)?;
        }
        match mode {
            Mode::Executable => write_durable_mode(&path, content, 0o755)?,
            Mode::File => write_durable_mode(&path, content, 0o644)?,
            Mode::Link => crate::fs::symlink_durable(content, &path)?,
        }
        Ok(())
    }

    /// The index is a cache: if it cannot be written, `git status` shows what `git reset` mends.
    fn refresh_index(&self, commit_id: ObjectId, changed: Option<&[BString]>) {
        if index::refresh(&self.repo, &self.root, commit_id, changed).is_ok() {
            let _ = fs::remove_file(self.private("index-of"));
        }
    }

    /// Notes that the index does not know this commit yet, for [`Keep::finish_index`].
    fn note_index(&self, commit_id: ObjectId) {
        let _ = write_disposable(
            &self.private("index-of"),
            &[commit_id.to_string().as_bytes()],
        );
    }

    /// Brings the index up to a commit of ours whose process was killed before it could.
    fn finish_index(&self) {
        let Ok(noted) = fs::read_to_string(self.private("index-of")) else {
            return;
        };
        let commit = ObjectId::from_hex(noted.trim().as_bytes())
            .ok()
            .filter(|id| self.repo.head().is_ok_and(|head| head == Some(*id)));
        let Some(commit) = commit.and_then(|id| self.repo.commit(id).ok()) else {
            let _ = fs::remove_file(self.private("index-of"));
            return;
        };
        if let Ok(changes) = self.changes_between(commit.parents.first().copied(), Some(commit.id))
        {
            let paths: Vec<_> = changes.into_iter().map(|change| change.path).collect();
            self.refresh_index(commit.id, Some(&paths));
        }
    }

    /// Commits belong on a branch, not into the middle of a merge.
    fn refuse_unfinished(&self) -> Result<(), Error> {
        let states = [
            ("MERGE_HEAD", "merge"),
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ];
        let found = states
            .iter()
            .find(|(file, _)| self.repo.git_dir().join(file).exists());
        match found {
            Some((_, what)) => Err(Error::Unfinished {
                what,
                path: self.root.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// The nearest folder of a path that exists, with its real name.
fn existing_parent(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok())
}
