//! What decides which hooks the installed `git` runs.
use std::path::{Path, PathBuf};

use super::{Error, GitProgram, Repo};
use crate::fs::AtPath as _;
use crate::world::Env;

/// The first version of Git that runs hooks named in its configuration.
const RUNS_CONFIGURED: (u32, u32) = (2, 54);

/// What decides which hooks the installed `git` runs.
#[derive(Clone, Debug)]
pub struct GitFacts {
    /// The version of the `git` in PATH, if there is one.
    pub version: Option<(u32, u32)>,
    /// The folder that `core.hooksPath` names, if it is not the usual one.
    pub hooks_path: Option<HooksPath>,
    /// The Git folder that all work trees share.
    pub common_dir: PathBuf,
}

/// A folder in which Git looks for hooks because its configuration says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HooksPath {
    /// The folder.
    pub dir: PathBuf,
    /// As the configuration has it.
    pub value: String,
    /// Where that is said: a file, or `a symlink`.
    pub origin: String,
}

impl GitFacts {
    /// Asks the `git` program; without one, reads the usual files.
    ///
    /// `root` is where Git runs hooks: the work tree, or a bare repository itself.
    pub fn read(env: &Env, repo: &Repo, root: &Path) -> Result<Self, Error> {
        let common = repo.common_dir();
        let common_dir = std::fs::canonicalize(common).at("open", common)?;
        let git = GitProgram::find(env).ok();
        let version = git.as_ref().and_then(|git| version(git, root));
        let named = match &git {
            Some(git) => named_by_git(git, root),
            None => repo
                .configured(env, "core.hooksPath")
                .map(|value| ("its configuration".to_owned(), value)),
        };
        let mut facts = Self {
            version,
            hooks_path: None,
            common_dir,
        };
        facts.hooks_path = facts.elsewhere(named, root);
        Ok(facts)
    }

    /// Whether Git runs the hooks that its configuration names.
    pub fn runs_configured(&self) -> bool {
        self.version
            .is_some_and(|version| version >= RUNS_CONFIGURED)
    }

    /// The folder of hooks that belongs to this repository alone.
    pub fn own_folder(&self) -> PathBuf {
        self.common_dir.join("hooks")
    }

    fn elsewhere(&self, named: Option<(String, String)>, root: &Path) -> Option<HooksPath> {
        let own = self.own_folder();
        if let Some((origin, value)) = named {
            let dir = root.join(&value);
            let is_own = std::fs::canonicalize(&dir).is_ok_and(|real| real == own);
            return (!is_own && dir != own).then_some(HooksPath { dir, value, origin });
        }
        let target = std::fs::read_link(&own).ok()?;
        Some(HooksPath {
            dir: self.common_dir.join(target),
            value: ".git/hooks".to_owned(),
            origin: "a symlink".to_owned(),
        })
    }
}

/// `git version 2.47.3` → (2, 47)
fn version(git: &GitProgram, dir: &Path) -> Option<(u32, u32)> {
    let said = git.run(dir, &["version"]).ok()?;
    let mut numbers = said.split(' ').nth(2)?.split('.');
    let mut number = || numbers.next()?.trim().parse().ok();
    Some((number()?, number()?))
}

/// Where `core.hooksPath` is set, and to what; what we say on the command line does not count.
fn named_by_git(git: &GitProgram, dir: &Path) -> Option<(String, String)> {
    let ask = [
        "config",
        "--show-origin",
        "--type=path",
        "--get-all",
        "core.hooksPath",
    ];
    let said = git.run(dir, &ask).ok()?;
    let mut named = said.lines().filter_map(|line| line.split_once('\t'));
    let (origin, value) = named.rfind(|(origin, _)| *origin != "command line:")?;
    let origin = origin.strip_prefix("file:").unwrap_or(origin);
    Some((origin.to_owned(), value.to_owned()))
}
