//! A hook of ours, as Git calls it: which repository, which index, which objects.
//!
//! Git has decided that it trusts the repository before it runs a hook of it. So whoever calls
//! may be another user than its owner; nothing that the repository names is ever run from here.
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::objects::named_folders;
use super::{Error, Objects, Repo, TreeFile};
use crate::fs::{AtPath as _, read_optional};
use crate::world::Env;

/// The repository that Git works on while it runs a hook.
pub struct Called {
    repo: Repo,
    objects: Objects,
    index: Option<PathBuf>,
    root: PathBuf,
}

impl Called {
    /// Reads what Git tells a hook: variables, and the current folder.
    pub fn by_git(env: &Env, cwd: &Path) -> Result<Self, Error> {
        let git_dir = match env.path("GIT_DIR") {
            Some(dir) => cwd.join(dir),
            None => around(cwd)?,
        };
        let repo = Repo::open_trusted(&git_dir)?;
        let common = repo.common_dir().join("objects");
        let first = env.path("GIT_OBJECT_DIRECTORY").unwrap_or(common);
        let more = env.text("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        Ok(Self {
            objects: Objects::open(&named_folders(Some(first), more, cwd))?,
            index: env.path("GIT_INDEX_FILE").map(|index| cwd.join(index)),
            root: cwd.to_owned(),
            repo,
        })
    }

    /// The repository: its refs and settings.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Its objects, with those that Git has not taken in yet.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The files that are about to be committed.
    pub fn staged_files(&self) -> Result<Vec<TreeFile>, Error> {
        self.repo.staged_files(self.index.as_deref())
    }

    /// The commit that is checked out; none in a new repository.
    pub fn head(&self) -> Result<Option<ObjectId>, Error> {
        self.repo.head()
    }

    /// Where Git runs hooks: the work tree, or a bare repository itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether Git is in the middle of something that makes many commits.
    pub fn is_rebasing(&self) -> bool {
        ["rebase-merge", "rebase-apply"]
            .iter()
            .any(|mark| self.repo.git_dir().join(mark).exists())
    }
}

/// The Git folder of the repository that `dir` lies in.
fn around(dir: &Path) -> Result<PathBuf, Error> {
    for folder in dir.ancestors() {
        let git = folder.join(".git");
        if git.is_dir() {
            return Ok(git);
        }
        if let Some(text) = read_optional(&git)? {
            let text = String::from_utf8_lossy(&text).into_owned();
            let target = text.trim().strip_prefix("gitdir:").unwrap_or_default();
            return Ok(folder.join(target.trim()));
        }
        if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
            return Ok(folder.to_owned());
        }
    }
    let none = std::io::Error::new(
        std::io::ErrorKind::NotFound,
        "no Git repository is around it",
    );
    Ok(Err(none).at("open", dir)?)
}
