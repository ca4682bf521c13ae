//! Steps, their needs, their order; what each is built from.
//!
//! The model: [`load`] reads `plan.toml` and the scripts it names, and puts the steps into build
//! order. [`Plan::environment`] resolves the variables of a step and finds which configuration
//! keys it reads; [`Plan::fingerprint`] lists all that it is built from. Two fingerprints of a
//! step tell whether it is stale, and because of what ([`Fingerprint::changes`]).
//!
//! Nothing here runs anything or writes anything.

mod digest;
mod discover;
mod draft;
mod environment;
mod error;
mod find;
mod fingerprint;
mod graph;
mod keys;
mod link;
mod load;
mod memory;
mod name;
mod natural;
mod runs_as;
mod script;
mod settings;
mod template;
#[cfg(test)]
mod tests;

pub use environment::{StepEnv, Upstream};
pub use error::{Error, SameId};
pub use fingerprint::{Change, ChangeKind, Fingerprint};
pub use keys::{Effect, Keys, Value};
pub use load::{load, load_known};
pub use memory::Memory;
pub use runs_as::{Mounts, RunsAs};
pub use script::{Fault, Unfit};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::Document;
use environment::Variable;
use settings::Places;

/// Whether files are rendered before a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// They are, or the run does not begin.
    Before,
    /// `buildkeep config apply` does it; a run only says if they differ.
    #[default]
    Never,
}

/// Whether a step counts as built from the one before it in the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Counts {
    /// Only from what it names in `needs`.
    #[default]
    Loose,
    /// It does.
    Strict,
}

/// Whether the root is kept after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checkpoint {
    /// A snapshot of the root after the step.
    After,
    /// None.
    #[default]
    Never,
}

/// A file or folder that a step is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As plan.toml names it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A script, and what it needs.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, stable when scripts are renumbered: `chapter05/gcc-pass1`.
    pub id: String,
    /// The script as people would name it, from the keep: `scripts/chapter05/502-gcc-pass1`.
    pub file: String,
    /// The script.
    pub path: PathBuf,
    /// The program that its first line names; none for a binary.
    pub interpreter: Option<PathBuf>,
    /// The ids of the steps that must be done before, in build order.
    pub needs: Vec<String>,
    /// Whether it needs another only because that stands before it in the folder: what that is built
    /// from does not count then.
    pub is_by_order: bool,
    /// Configuration keys, or what they begin with, that it reads besides those in variables.
    pub reads: Vec<String>,
    /// Files and folders that it is built from, besides the script.
    pub inputs: Vec<Input>,
    /// The longest it may take.
    pub timeout: Option<Duration>,
    /// Whether the root is kept after it.
    pub checkpoint: Checkpoint,
    /// The folder in which it runs.
    pub workdir: PathBuf,
    /// How long it takes, in units of binutils pass 1.
    pub sbu: Option<f64>,
    /// The room it needs, in bytes.
    pub disk: Option<u64>,
    /// As whom it runs, within what, and with what around it.
    pub runs_as: RunsAs,
    env: Vec<Variable>,
    /// Variables for it and others like it.
    shared_env: Vec<Variable>,
    /// `workdir` as plan.toml has it, if it has one for this step.
    own_workdir: Option<String>,
    /// Which `[[step]]` of plan.toml speaks of it.
    index: Option<usize>,
}

/// All steps in build order.
#[derive(Debug)]
pub struct Plan {
    /// The folder that is built, `$LFS`; it may not exist yet.
    pub root: Option<PathBuf>,
    /// Whether files that scripts read are made from the configuration before a run.
    pub apply: Apply,
    /// The folder of the scripts, if the plan is made from one.
    pub scripts: Option<PathBuf>,
    /// How many steps may run at once, if plan.toml says.
    pub jobs: Option<u32>,
    /// Whether a step waits for others while the machine is short of memory or of its disk.
    pub throttle: bool,
    /// Tools whose version counts: another one makes steps stale.
    pub tools: Vec<String>,
    /// The versions of tools that are there now, by name; who loads the plan looks for them.
    pub tool_versions: BTreeMap<String, String>,
    /// Hashes of large inputs, so that they are not read again.
    pub memory: Memory,
    /// What holds for steps that do not say otherwise.
    pub checkpoint: Checkpoint,
    /// Each after all that it needs; otherwise as the scripts are named or plan.toml lists them.
    pub steps: Vec<Step>,
    env: Vec<Variable>,
    places: Places,
    document: Document,
}

impl Plan {
    /// Whether each step needs exactly the one before it.
    pub fn is_linear(&self) -> bool {
        let first = self.steps.first().is_none_or(|step| step.needs.is_empty());
        let follows = |pair: &[Step]| pair[1].needs == [pair[0].id.as_str()];
        first && self.steps.windows(2).all(follows)
    }

    /// Whether plan.toml sets a variable for `step`.
    pub fn sets(&self, step: &Step, name: &str) -> bool {
        let all = step.env.iter().chain(&step.shared_env).chain(&self.env);
        all.into_iter().any(|variable| variable.name == name)
    }

    /// Whether the script of `step` has this word in it.
    pub fn reads_word(&self, step: &Step, word: &str) -> Result<bool, Error> {
        Ok(environment::words(&self.script(step)?).contains(word.as_bytes()))
    }

    /// The hash of the script of `step`, as fingerprints have it.
    pub fn script_digest(&self, step: &Step) -> Result<String, Error> {
        Ok(digest::blob(&self.script(step)?))
    }

    /// Whether a step says which files it is built from.
    pub fn has_inputs(&self) -> bool {
        self.steps.iter().any(|step| !step.inputs.is_empty())
    }

    /// The bytes of the script of `step`.
    pub fn script(&self, step: &Step) -> Result<Vec<u8>, Error> {
        let read = std::fs::read(&step.path);
        read.map_err(|_| Error::Unfit(vec![Unfit::now(&step.path)]))
    }
}

/// `path` as people would name it who are in `keep`.
fn shown(keep: &Path, path: &Path) -> String {
    let path = path.strip_prefix(keep).unwrap_or(path);
    path.display().to_string()
}
