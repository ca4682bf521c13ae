//! Why the store could not do what was asked.
use std::path::PathBuf;

use crate::fs::{LockError, PathError};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Somebody else writes.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no keep here or above.
    #[error("no keep in {} or above it", from.display())]
    NoKeep {
        /// Where the search began.
        from: PathBuf,
    },
    /// What was cloned is a repository, but not of ours.
    #[error("{} holds no keep: it has no buildkeep.toml", path.display())]
    NotAKeep {
        /// What was looked at.
        path: PathBuf,
    },
    /// A keep was to be made where one is.
    #[error("{} is a keep already", root.display())]
    AlreadyKeep {
        /// The keep that is there.
        root: PathBuf,
    },
    /// A keep was to be made inside another one.
    #[error("{} lies inside the keep {}", dir.display(), outer.display())]
    NestedKeep {
        /// The folder asked for.
        dir: PathBuf,
        /// The keep around it.
        outer: PathBuf,
    },
    /// The repository is a part of another one.
    #[error("{} is a submodule: its repository is a part of another one", path.display())]
    Submodule {
        /// The submodule.
        path: PathBuf,
    },
    /// The work tree is one that `git worktree add` made.
    #[error("{} is a second work tree of {}: buildkeep only reads here", path.display(), git_dir.display())]
    SecondWorkTree {
        /// The work tree.
        path: PathBuf,
        /// The repository that it shares.
        git_dir: PathBuf,
    },
    /// The private folder is a symlink.
    #[error("{} is a symlink: buildkeep writes there, and must not be led elsewhere", path.display())]
    PrivateLink {
        /// The link.
        path: PathBuf,
    },
    /// What was cloned has files where only this machine's belong.
    #[error("{} comes with files in .buildkeep, which belong to one machine only", path.display())]
    PrivateTracked {
        /// What was cloned.
        path: PathBuf,
    },
    /// A folder that should be empty is not.
    #[error("{} is not empty", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The repository belongs to somebody else, who could make us run their code.
    #[error("{} belongs to user {owner}, not to you", path.display())]
    Foreign {
        /// The repository.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The repository has a format that we cannot write safely.
    #[error("{} uses {what}, which buildkeep cannot write", path.display())]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// The format.
        what: &'static str,
    },
    /// A commit was written by a newer buildkeep.
    #[error(
        "commit {commit} has format {found}; this buildkeep knows up to {}",
        super::FORMAT
    )]
    NewerFormat {
        /// The commit.
        commit: String,
        /// Its format.
        found: String,
    },
    /// Nothing has that name.
    #[error("`{spec}` names no version, tag, branch or commit")]
    UnknownRevision {
        /// What was asked for.
        spec: String,
    },
    /// The ref was moved by somebody else since it was read.
    #[error("{name} was changed by another program at the same moment")]
    Moved {
        /// The ref.
        name: String,
    },
    /// A ref that was to be created exists.
    #[error("{name} exists already")]
    Exists {
        /// The ref.
        name: String,
    },
    /// A ref whose name begins like another one, as `good` and `good/1`: Git cannot have both.
    #[error("{other} is in the way of {name}")]
    InTheWay {
        /// The ref that was to be created.
        name: String,
        /// The ref that is there.
        other: String,
    },
    /// A name that Git does not allow for a ref.
    #[error("`{name}` cannot be the name of a tag or branch")]
    BadRefName {
        /// The name.
        name: String,
    },
    /// `HEAD` names no branch.
    #[error("no branch is checked out in {}", path.display())]
    DetachedHead {
        /// The repository.
        path: PathBuf,
    },
    /// A `git` holds its index, and does not come to an end.
    #[error("a `git` is at work here: {} stays", path.display())]
    GitAtWork {
        /// The lock.
        path: PathBuf,
    },
    /// A merge, rebase or the like is under way.
    #[error("a {what} is under way in {}", path.display())]
    Unfinished {
        /// What is under way.
        what: &'static str,
        /// The keep.
        path: PathBuf,
    },
    /// Git's own library said no.
    #[error("cannot {action}: {source}")]
    Git {
        /// What was being done.
        action: &'static str,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A push that did not arrive whole.
    #[error("the remote did not get all of it: {said}")]
    Torn {
        /// What it said.
        said: String,
    },
    /// A remote took nothing, and says why.
    #[error("{remote} refused the push")]
    Refused {
        /// The remote.
        remote: String,
        /// What it said.
        said: String,
    },
    /// The `git` program is not installed.
    #[error("this needs the `git` program, which is not in PATH")]
    NoGitProgram,
    /// The `git` program failed.
    #[error("`git {command}` failed{}", code.map(|c| format!(" with {c}")).unwrap_or_default())]
    GitProgram {
        /// The subcommand with its arguments.
        command: String,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// What it printed.
        stderr: String,
    },
}

impl Error {
    /// What the disk said, if that is why Git's library failed.
    pub fn disk(&self) -> Option<&std::io::Error> {
        let Self::Git { source, .. } = self else {
            return None;
        };
        match source.downcast_ref::<gix::Error>() {
            Some(error) => error.downcast_any_ref(),
            None => source.downcast_ref(),
        }
    }
}

/// Names what was being done when `gix` failed.
pub(super) trait During<T> {
    /// Adds the action.
    fn during(self, action: &'static str) -> Result<T, Error>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> During<T> for Result<T, E> {
    fn during(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Git {
            action,
            source: Box::new(source),
        })
    }
}
