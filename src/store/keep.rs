//! The keep: a work tree, its repository, its private folder, one lock around every write.
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::BString;

use super::worktree::{self, Change};
use super::{Error, FileChange, Repo, Signature, leftovers, lock_files, operations, skeleton};
use crate::fs::{AtPath as _, Holder, Lock, create_dirs_durable, write_durable};
use crate::world::World;

/// How long a writer waits for another one.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

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
    lock: Lock,
    repo: Repo,
    /// Lock files of killed Git processes that were removed on the way.
    pub removed: Vec<PathBuf>,
    /// What was typed, for the operation log.
    pub(super) command: String,
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if !self.repo.is_moving().load(Ordering::Relaxed) {
            self.lock.settle();
        }
    }
}

/// In the repository, the copy of `.buildkeep/host`.
pub(super) const SPARE_HOST: &str = "buildkeep-host";

fn first_word(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
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
        let keep = Self {
            repo: Repo::open(&root.join(".git"))?.remembering(),
            root: root.to_owned(),
        };
        keep.refuse_private_link()?;
        Ok(keep)
    }

    /// The private folder is written to unasked: a link there, which a clone can bring along, would
    /// lead these writes anywhere.
    fn refuse_private_link(&self) -> Result<(), Error> {
        let path = self.root.join(".buildkeep");
        if path.is_symlink() {
            return Err(Error::PrivateLink { path });
        }
        Ok(())
    }

    /// Whether a keep may be made at `root`: none is there or around it.
    ///
    /// One that no commit knows is what an interrupted `create` left, and may be finished.
    pub fn refuse_place(root: &Path) -> Result<(), Error> {
        let real = existing_parent(root);
        let Some(outer) = real.as_deref().and_then(Self::find_root) else {
            return Ok(());
        };
        if fs::canonicalize(root).is_ok_and(|root| root == outer) {
            return if is_begun(&outer)? {
                Ok(())
            } else {
                Err(Error::AlreadyKeep { root: outer })
            };
        }
        Err(Error::NestedKeep {
            dir: root.to_owned(),
            outer,
        })
    }

    /// Makes the repository and the private folder of a new keep at `root`, which may have files.
    pub fn create(root: &Path, host: &str) -> Result<Self, Error> {
        let root = std::path::absolute(root).at("find", root)?;
        Self::refuse_place(&root)?;
        create_dirs_durable(&root)?;
        let root = fs::canonicalize(&root).at("open", &root)?;
        let git_dir = root.join(".git");
        if is_submodule(&git_dir) {
            return Err(Error::Submodule { path: root });
        }
        if git_dir.is_file() {
            return Err(Error::SecondWorkTree {
                path: root,
                git_dir,
            });
        }
        let repo = if git_dir.exists() && !skeleton::is_begun(&git_dir) {
            let repo = Repo::open(&git_dir)?;
            skeleton::adopt(&git_dir, SETTINGS)?;
            repo
        } else {
            Repo::init_worktree(&git_dir, SETTINGS)?
        };
        let repo = repo.remembering();
        let keep = Self { root, repo };
        keep.refuse_private_link()?;
        skeleton::sweep_dead(&keep.private(""));
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
        match first_word(&self.private("host")) {
            host if host.is_empty() => first_word(&self.spare_host()),
            host => host,
        }
    }

    /// Gives this machine an id in this keep.
    pub fn adopt_host(&self, host: &str) -> Result<(), Error> {
        create_dirs_durable(&self.private(""))?;
        let text = format!("{host}\n");
        write_durable(&self.private("host"), text.as_bytes())?;
        write_durable(&self.spare_host(), text.as_bytes())?;
        Ok(())
    }

    /// The id once more: whoever deletes `.buildkeep` still is who built what is built.
    fn spare_host(&self) -> PathBuf {
        self.repo.common_dir().join(SPARE_HOST)
    }

    /// Sees to it that this machine has an id, in both places.
    fn keep_host(&self, world: &World) -> Result<(), Error> {
        let (host, spare) = (
            first_word(&self.private("host")),
            first_word(&self.spare_host()),
        );
        if host.is_empty() && spare.is_empty() {
            return self.adopt_host(&format!("{}-{}", world.hostname, world.ids.short()));
        }
        if host == spare {
            return Ok(());
        }
        self.adopt_host(if host.is_empty() { &spare } else { &host })
    }

    /// Takes the lock, waiting for another writer, and clears what a killed Git left.
    pub fn lock(&self, world: &World) -> Result<WriteGuard, Error> {
        let shared = self.repo.gix().common_dir();
        if shared != self.repo.git_dir() {
            return Err(Error::SecondWorkTree {
                path: self.root.clone(),
                git_dir: fs::canonicalize(shared).at("open", shared)?,
            });
        }
        let command = operations::redacted(&world.argv);
        let me = Holder {
            pid: std::process::id(),
            command: format!("buildkeep {command}"),
            since: world.clock.stamp(),
        };
        create_dirs_durable(&self.private(""))?;
        let lock = Lock::acquire(&self.private("lock"), &me, PATIENCE)?;
        self.keep_host(world)?;
        let removed = lock_files::remove_stale(&self.root, self.repo.git_dir())?;
        if lock.was_left() {
            leftovers::settle(&self.root, &self.repo)?;
        }
        Ok(WriteGuard {
            lock,
            repo: self.repo.clone(),
            removed,
            command,
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
        let present = worktree::scan(&self.repo, &self.root, &committed)?;
        Ok(worktree::compare(&committed, &present))
    }

    /// How the work tree differs from a commit.
    pub fn changes_since(&self, commit_id: ObjectId) -> Result<Vec<Change>, Error> {
        let committed = worktree::of_commit(&self.repo, Some(commit_id))?;
        let tracked = worktree::of_commit(&self.repo, self.repo.head()?)?;
        let present = worktree::scan(&self.repo, &self.root, &tracked)?;
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

    /// Whether Git would not record a file of the work tree; it need not be there.
    pub fn is_ignored(&self, path: &Path) -> Result<bool, Error> {
        let path = BString::from(path.as_os_str().as_bytes());
        worktree::is_ignored(&self.repo, &self.root, &path)
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
}

/// Whether a `.git` is a file that leads into the repository around it.
fn is_submodule(git_dir: &Path) -> bool {
    let link = fs::read_to_string(git_dir).unwrap_or_default();
    git_dir.is_file() && link.contains("/modules/")
}

/// Whether a keep has no commit of its own yet.
fn is_begun(root: &Path) -> Result<bool, Error> {
    let git_dir = root.join(".git");
    if git_dir.is_dir() && skeleton::is_begun(&git_dir) {
        return Ok(true);
    }
    let repo = Repo::open(&git_dir)?;
    Ok(match repo.head()? {
        Some(head) => repo.file_at(head, "buildkeep.toml")?.is_none(),
        None => true,
    })
}

/// The nearest folder of a path that exists, with its real name.
fn existing_parent(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok())
}
