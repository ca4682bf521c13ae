//! Checks as data.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Probe;
use crate::document::Problem;

/// What is required, why, and how to get it.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name, unique within what is run.
    pub id: String,
    /// The set that it comes from.
    pub set: String,
    /// What is required, in a few words.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What it is if it does not hold.
    pub severity: Severity,
    /// How long it may take, and so when it is looked at.
    pub tier: Tier,
    /// Where it has a meaning.
    pub when: When,
    /// Checks without which it has no meaning.
    pub needs: Vec<Named>,
    /// When to give up on it.
    pub limit: Duration,
    /// What to look at.
    pub probe: Probe,
    /// What mends it.
    pub fixes: Fixes,
}

/// What a requirement is that does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A failure.
    #[default]
    Error,
    /// A warning.
    Warning,
    /// A note: good to know, and nothing is wrong.
    Note,
}

/// How long a check may take, and so when it is looked at.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Milliseconds: before every run.
    Fast,
    /// A second: whenever somebody asks.
    #[default]
    Normal,
    /// Minutes: only if asked for.
    Deep,
}

/// Where a check has a meaning; an empty list is anywhere, and `!word` is anywhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Stages of the build: `chapter7`.
    pub stage: Vec<String>,
    /// Machines, as `uname -m` names them.
    pub arch: Vec<String>,
    /// Distributions, by the `ID` of os-release or by family.
    pub distribution: Vec<String>,
}

/// What mends a finding, and what takes that back: programs with their arguments, or advice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// Commands, one after the other; no shell reads them.
    pub run: Vec<Vec<String>>,
    /// Commands that take them back.
    pub undo: Vec<Vec<String>>,
    /// What only a person can do.
    pub say: Option<String>,
    /// Whose right it takes.
    pub rights: Rights,
}

/// Whose right a fix takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// Only root may.
    #[default]
    Root,
    /// Whoever asks.
    User,
}

/// What mends a finding, by family of distributions.
#[derive(Clone, Debug, Default)]
pub struct Fixes {
    pub(super) commands: BTreeMap<String, Fix>,
    pub(super) packages: BTreeMap<String, Vec<String>>,
}

/// Checks that belong together.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name: `lfs-12.3`.
    pub name: String,
    /// What it is for.
    pub title: String,
    /// The stages of a build whose steps see what it is about; what the host is if there are none.
    pub stages: Vec<String>,
    /// The sets whose checks belong to it too.
    pub extends: Vec<Named>,
    /// Its own checks.
    pub checks: Vec<Check>,
    /// Findings that are accepted.
    pub waivers: Vec<Waiver>,
}

/// A name in a file, and what is wrong there if nothing has it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The place, and that there is no such thing.
    pub wrong: Problem,
}

/// A finding that is accepted.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The check's id.
    pub check: Named,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is, as `2027-01-31`.
    pub until: Option<String>,
}
