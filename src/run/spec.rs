//! What is to be run.
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::{load, save};
use super::{AttemptDir, Error, Sandbox};
use crate::fs::PathError;

/// All that is known of an attempt before it starts, and all that is needed to report on it when
/// whoever asked for it is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// The version of this file's format.
    pub format: u32,
    /// The run it belongs to.
    pub run: String,
    /// Its own id.
    pub attempt: String,
    /// The step.
    pub step: String,
    /// Which attempt at the step it is, from 1.
    pub number: u32,
    /// The script, as people name it.
    pub file: String,
    /// The script and its arguments.
    pub argv: Vec<String>,
    /// The folder it starts in.
    pub workdir: PathBuf,
    /// The names of the variables it gets; their values are nobody's business.
    pub environment: Vec<String>,
    /// What it is built from, part by part.
    pub fingerprint: BTreeMap<String, String>,
    /// The versions of the tools it is built with.
    pub tools: BTreeMap<String, String>,
    /// The commit of the configuration.
    pub config_commit: Option<String>,
    /// After how many seconds it is stopped.
    pub timeout_s: Option<u64>,
    /// As whom it runs, and within what.
    pub sandbox: Sandbox,
    /// How long it may take to end by itself once it is asked to.
    pub grace_s: u64,
    /// Whether the plan has it and its result is published; `run -- COMMAND` is not.
    pub planned: bool,
    /// When it was asked for, RFC 3339.
    pub created: String,
    /// The boot it was asked for in.
    pub boot_id: String,
}

impl Spec {
    /// The version of the format that we write.
    pub const FORMAT: u32 = 1;

    /// Reads the spec of an attempt.
    pub fn load(dir: &AttemptDir) -> Result<Self, Error> {
        load(&dir.spec())?.ok_or_else(|| {
            Error::Io(PathError {
                action: "read",
                path: dir.spec(),
                source: std::io::ErrorKind::NotFound.into(),
            })
        })
    }

    /// Writes it durably.
    pub(super) fn save(&self, dir: &AttemptDir) -> Result<(), Error> {
        save(&dir.spec(), self)
    }

    /// The attempt as people call it: `gcc-pass1#3`.
    pub fn name(&self) -> String {
        format!("{}#{}", self.step, self.number)
    }
}
