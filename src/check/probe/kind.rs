//! The kinds of checks, and what each of them is told.
use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::Requirement;
use super::super::definition::Tier;

/// What to look at, and what must be found.
#[derive(Clone, Debug)]
pub enum Probe {
    /// A program of some version.
    Tool(ToolIs),
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
    Compile(CompileIs),
    /// Something in the file system.
    File(FileMust),
    /// A mounted file system.
    Mount {
        /// Where.
        path: String,
        /// Its type.
        fs_type: Option<String>,
        /// Options that it must have; after `!` those it must not.
        options: Vec<String>,
    },
    /// The file system that a place lies on.
    Filesystem(FilesystemIs),
    /// The running kernel and the machine.
    Kernel(KernelIs),
    /// Enough of something, or not too much.
    Resource {
        /// Of what.
        resource: Resource,
        /// How much: bytes, a number or per cent.
        amount: Amount,
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
    /// Files that must be what their detached signatures sign.
    Signature {
        /// Where they are.
        folder: String,
        /// The keys of those who may sign: a file, or a folder of files.
        keys: String,
    },
    /// Modules that an interpreter must find.
    Module {
        /// Which interpreter.
        language: Language,
        /// What it must find.
        modules: Vec<String>,
    },
    /// What the keep knows.
    Keep(KeepIs),
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
            Self::Tool(_)
            | Self::Alias { .. }
            | Self::Compile(_)
            | Self::Module { .. }
            | Self::Command { .. }
            | Self::Env(EnvIs::Locale(_))
            | Self::Security(SecurityIs::SudoAsks) => Tier::Normal,
            Self::Kernel(is) if is.has == Some(Feature::UserNamespaces) => Tier::Normal,
            Self::Filesystem(is) if !is.can.is_empty() => Tier::Normal,
            Self::Security(SecurityIs::Owner { .. } | SecurityIs::NobodyElseWrites { .. })
            | Self::Checksum { .. }
            | Self::Signature { .. } => Tier::Deep,
            _ => Tier::Fast,
        }
    }
}

impl Probe {
    /// Whether it is about places in what is built.
    pub fn is_of_root(&self) -> bool {
        let paths: &[String] = match self {
            Self::File(must) => &must.paths,
            Self::Security(
                SecurityIs::Owner { paths, .. } | SecurityIs::NobodyElseWrites { paths },
            ) => paths,
            Self::Mount { path, .. }
            | Self::Resource { path, .. }
            | Self::Checksum { path, .. } => std::slice::from_ref(path),
            Self::Filesystem(is) => std::slice::from_ref(&is.path),
            Self::Signature { folder, .. } => std::slice::from_ref(folder),
            _ => &[],
        };
        paths.iter().any(|path| path.starts_with("${root}"))
    }
}

/// What is asked of a program.
#[derive(Clone, Debug)]
pub struct ToolIs {
    /// Its name in `PATH`.
    pub program: String,
    /// What makes it print its version.
    pub args: Vec<String>,
    /// Words by which it is known from others of the same name.
    pub says: Option<String>,
    /// What the version must be.
    pub version: Option<Requirement>,
    /// Beyond these limits nobody has tried.
    pub tested: Option<Requirement>,
    /// Versions that are known not to work.
    pub bad: Vec<Requirement>,
    /// Other makes of it that will do.
    pub or: Vec<Make>,
}

/// A make of a program: the words by which it is known, and what its version must be.
#[derive(Clone, Debug)]
pub struct Make {
    /// Words that it prints.
    pub says: String,
    /// What the version must be.
    pub version: Requirement,
}

/// What a compiler must be able to do.
#[derive(Clone, Debug)]
pub struct CompileIs {
    /// Its name in `PATH`.
    pub program: String,
    /// What it is called with, before `-o FILE -`.
    pub args: Vec<String>,
    /// What it is called with after that: libraries.
    pub link: Vec<String>,
    /// What to compile.
    pub source: String,
    /// What the program that it makes must print, when it is started.
    pub says: Option<String>,
}

/// What must be found at places.
#[derive(Clone, Debug)]
pub struct FileMust {
    /// Where; all are alike.
    pub paths: Vec<String>,
    /// What must be there.
    pub is: FileIs,
    /// The type of the file system mounted there.
    pub fs_type: Option<String>,
    /// Whose it must be.
    pub owner: Option<String>,
    /// What its mode must be.
    pub mode: Option<u32>,
    /// Where a symlink must lead.
    pub target: Option<String>,
}

/// What must be found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileIs {
    /// A regular file.
    File,
    /// A file that can be run.
    Executable,
    /// A folder.
    Folder,
    /// A symlink.
    Symlink,
    /// A character device.
    CharDevice,
    /// A mounted file system.
    Mount,
    /// A folder in which we may write.
    WritableFolder,
    /// Nothing.
    Absent,
    /// A path of plain characters only.
    PlainPath,
    /// Files that were not written later than now.
    NotFromTheFuture,
    /// A folder at and below which nothing is mounted.
    FreeOfMounts,
}

/// What the file system that a place lies on must be.
#[derive(Clone, Debug)]
pub struct FilesystemIs {
    /// The place.
    pub path: String,
    /// Types that it must not be.
    pub not: Vec<String>,
    /// Options that it must have; after `!` those it must not.
    pub options: Vec<String>,
    /// What it must be able to do.
    pub can: Vec<Ability>,
}

/// What a file system can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Several names for one file.
    HardLinks,
    /// Symlinks.
    Symlinks,
    /// Attributes beside the content.
    Xattrs,
    /// Named pipes.
    Fifos,
    /// Names of 255 bytes.
    LongNames,
    /// `A` and `a` are two files.
    UpperAndLowerCase,
    /// Modes are kept.
    Modes,
}

/// What the kernel and the machine must be.
#[derive(Clone, Debug, Default)]
pub struct KernelIs {
    /// What the version must be.
    pub version: Option<Requirement>,
    /// Beyond these limits nobody has tried.
    pub tested: Option<Requirement>,
    /// Machines, as `uname -m` names them; any if empty.
    pub arch: Vec<String>,
    /// What it must be able to do.
    pub has: Option<Feature>,
    /// What it must not be.
    pub is_not: Option<Trait>,
}

/// What a system can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Namespaces for ordinary users.
    UserNamespaces,
    /// Pseudo terminals.
    Terminals,
    /// Control groups of version 2.
    Cgroups,
    /// A clock that is about right.
    Clock,
}

/// What a system can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// Windows that translates system calls.
    Wsl1,
    /// Any Linux inside of Windows.
    Wsl,
    /// A container.
    Container,
    /// SELinux that forbids what is not allowed.
    SelinuxEnforcing,
}

/// How much of something there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So much or more.
    AtLeast(u64),
    /// So much or less.
    AtMost(u64),
}

/// What there must be enough of, or not too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Free bytes.
    Disk,
    /// Free inodes.
    Inodes,
    /// Bytes of memory.
    Memory,
    /// Bytes of memory for each job of a build.
    MemoryPerJob,
    /// Bytes of swap.
    Swap,
    /// Processors.
    Cpus,
    /// Per cent of the processors that are wanted.
    Load,
    /// Per cent of the time that something waited for memory.
    MemoryPressure,
    /// Per cent of the time that something waited for the disk.
    IoPressure,
    /// Files that a process may have open.
    OpenFiles,
    /// Processes that a user may have.
    Processes,
    /// Bytes that a file may have.
    FileSize,
    /// Ids of processes that there are.
    Pids,
}

/// What must be so of the environment.
#[derive(Clone, Debug)]
pub enum EnvIs {
    /// None of these variables is set.
    Unset(Vec<String>),
    /// All of these variables are set.
    Set(Vec<String>),
    /// These variables have these values.
    Equals(BTreeMap<String, String>),
    /// Each of these variables, if it is set, is an absolute path and not `/`.
    SafeFolder(Vec<String>),
    /// `PATH` has only absolute folders that not everybody may write to.
    SafePath,
    /// The first folder of `PATH` is this.
    PathStartsWith(String),
    /// The umask is this.
    Umask(u32),
    /// `MAKEFLAGS` does not allow any number of jobs.
    Jobs,
    /// This locale, or that which the environment names, is installed.
    Locale(Option<String>),
}

/// What must be so for the build to do no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityIs {
    /// We are root.
    Root,
    /// We are not.
    NotRoot,
    /// We are this user.
    User(String),
    /// No program early in `PATH` has rights of somebody else.
    NoSetuidInPath,
    /// `sudo` asks before it runs anything.
    SudoAsks,
    /// All files below belong to a user.
    Owner {
        /// Where.
        paths: Vec<String>,
        /// Whose they must be.
        owner: String,
    },
    /// Nothing below can be changed by everybody.
    NobodyElseWrites {
        /// Where.
        paths: Vec<String>,
    },
}

/// What must be so of the keep and its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepIs {
    /// No other run goes on.
    NoOtherRun,
    /// No run was cut off.
    NoInterruptedRun,
    /// Nothing is mounted in the root that no step needs.
    NoLeftoverMounts,
    /// There are no cgroups of attempts that are over.
    NoLeftoverCgroups,
    /// Configuration holds no secrets.
    NoSecrets,
    /// There is room for the steps that are left.
    Room,
}

/// An interpreter that has modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Perl.
    Perl,
    /// Python 3.
    Python,
}
