//! Checks as data.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::Requirement;

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
    /// When to give up on it.
    pub limit: Duration,
    /// What to look at.
    pub probe: Probe,
    /// What mends it.
    pub fixes: Fixes,
}

/// What a requirement is that does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A failure.
    #[default]
    Error,
    /// A warning.
    Warning,
}

/// What to look at, and what must be found.
#[derive(Clone, Debug)]
pub enum Probe {
    /// A program of some version.
    Tool {
        /// Its name in `PATH`.
        program: String,
        /// What makes it print its version.
        args: Vec<String>,
        /// Words by which it is known from others of the same name.
        says: Option<String>,
        /// What the version must be.
        version: Option<Requirement>,
        /// Beyond these limits nobody has tried.
        tested: Option<Requirement>,
    },
    /// A name that must lead to a certain program.
    Alias {
        /// The name in `PATH`, or a whole path.
        program: String,
        /// The program that it must be.
        target: String,
        /// Words that this program prints.
        says: String,
    },
    /// A compiler that must compile.
    Compile {
        /// Its name in `PATH`.
        program: String,
        /// What it is called with, before `-o FILE -`.
        args: Vec<String>,
        /// What to compile.
        source: String,
    },
    /// Something in the file system.
    File {
        /// Where.
        path: String,
        /// What must be there.
        is: FileIs,
        /// The type of the file system mounted there.
        fs_type: Option<String>,
    },
    /// The running kernel.
    Kernel {
        /// What the version must be.
        version: Requirement,
        /// Beyond these limits nobody has tried.
        tested: Option<Requirement>,
    },
    /// Enough of something.
    Resource {
        /// Of what.
        resource: Resource,
        /// How much: bytes or a number.
        at_least: u64,
        /// On the file system of this path.
        path: String,
    },
    /// What scripts inherit.
    Env(EnvIs),
    /// A program that must end well.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
        /// Words that it must print.
        says: Option<String>,
    },
}

/// What must be found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileIs {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A character device.
    CharDevice,
    /// A mounted file system.
    Mount,
    /// A folder in which we may write.
    WritableFolder,
    /// Nothing.
    Absent,
}

/// What there must be enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Free bytes.
    Disk,
    /// Free inodes.
    Inodes,
    /// Bytes of memory.
    Memory,
    /// Bytes of swap.
    Swap,
    /// Processors.
    Cpus,
}

/// What must be so of the environment.
#[derive(Clone, Debug)]
pub enum EnvIs {
    /// None of these variables is set.
    Unset(Vec<String>),
    /// Each of these variables, if it is set, is an absolute path and not `/`.
    SafeFolder(Vec<String>),
    /// `PATH` has only absolute folders that not everybody may write to.
    SafePath,
    /// The umask is this.
    Umask(u32),
}

/// A command that mends a finding, and the one that takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fix {
    /// What to type.
    pub run: String,
    /// What takes it back.
    #[serde(default)]
    pub undo: Option<String>,
}

/// What mends a finding, by family of distributions.
#[derive(Clone, Debug, Default)]
pub struct Fixes {
    pub(super) commands: BTreeMap<String, Fix>,
    pub(super) packages: BTreeMap<String, String>,
}

/// Checks that belong together.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name: `lfs-12.3`.
    pub name: String,
    /// What it is for.
    pub title: String,
    /// The sets whose checks belong to it too.
    pub extends: Vec<String>,
    /// Its own checks.
    pub checks: Vec<Check>,
    /// Findings that are accepted.
    pub waivers: Vec<Waiver>,
}

/// A finding that is accepted.
#[derive(Clone, Debug, Deserialize)]
pub struct Waiver {
    /// The check's id.
    pub check: String,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is, as `2027-01-31`.
    #[serde(default)]
    pub until: Option<String>,
}
