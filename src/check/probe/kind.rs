//! The kinds of checks, and what each of them is told.
use serde::Deserialize;

use super::super::Requirement;
use super::super::definition::Tier;

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
    /// A mounted file system.
    Mount {
        /// Where.
        path: String,
        /// Its type.
        fs_type: Option<String>,
        /// Options that it must have; after `!` those it must not.
        options: Vec<String>,
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
    /// Who could do harm, or be harmed.
    Security(SecurityIs),
    /// Files that must be what a list of sums says.
    Checksum {
        /// The list, as `sha256sum` writes it; its name tells the kind of sum.
        path: String,
        /// Where the files are; the folder of the list if nothing is said.
        folder: Option<String>,
    },
    /// A program that must end well.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
        /// Words that it must print.
        says: Option<String>,
    },
}

impl Probe {
    /// When it is looked at if the check does not say: what starts no program is fast.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Tool { .. }
            | Self::Alias { .. }
            | Self::Compile { .. }
            | Self::Command { .. } => Tier::Normal,
            Self::Checksum { .. } => Tier::Deep,
            _ => Tier::Fast,
        }
    }
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

/// What must be so for the build to do no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityIs {
    /// We are root.
    Root,
    /// We are not.
    NotRoot,
}
