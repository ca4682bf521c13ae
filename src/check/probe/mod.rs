//! Looking at the machine: one file per kind of thing.

mod checksum;
mod env;
mod file;
mod kernel;
mod kind;
mod parse;
mod program;
mod resource;
mod security;

use std::fmt;

pub use kind::{EnvIs, FileIs, Probe, Resource, SecurityIs};
pub(super) use parse::{RawProbe, keys_of_kind, parse};

use super::definition::{Check, Severity};
use super::{Host, Status, units};

/// What was found, before it is known what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) status: Status,
    /// What is there, as people read it.
    pub(super) found: Option<String>,
    /// The bare thing that is there, to be put into a fix.
    pub(super) subject: String,
}

impl Finding {
    fn new(status: Status, found: impl Into<String>) -> Self {
        let found = found.into();
        Self {
            status,
            subject: found.clone(),
            found: Some(found),
        }
    }

    fn ok(found: impl Into<String>) -> Self {
        Self::new(Status::Ok, found)
    }

    fn fail(found: impl Into<String>) -> Self {
        Self::new(Status::Fail, found)
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self::new(Status::Unknown, why)
    }

    /// What is required is not there at all.
    fn nothing() -> Self {
        Self {
            status: Status::Fail,
            found: None,
            subject: String::new(),
        }
    }

    /// It depends on a root, and none is known.
    fn no_root() -> Self {
        let found = "it is not known what is built: name `root` in plan.toml, or set LFS";
        Self::new(Status::Skipped, found)
    }

    fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }
}

/// Looks at what `check` is about.
pub(super) fn look(check: &Check, host: &Host<'_>) -> Finding {
    let mut finding = match &check.probe {
        Probe::Tool { .. } => program::tool(check, host),
        Probe::Alias { .. } => program::alias(check, host),
        Probe::Compile { .. } => program::compile(check, host),
        Probe::Command { run, says } => program::command(run, says.as_deref(), (check, host)),
        Probe::File { path, is, fs_type } => file::look(path, *is, fs_type.as_deref(), host),
        Probe::Kernel { version, tested } => kernel::look(version, tested.as_ref()),
        Probe::Resource {
            resource,
            at_least,
            path,
        } => resource::look(*resource, *at_least, path, host),
        Probe::Env(is) => env::look(is, host),
        Probe::Mount {
            path,
            fs_type,
            options,
        } => file::mount(path, fs_type.as_deref(), options, host),
        Probe::Security(is) => security::look(*is),
        Probe::Checksum { path, folder } => checksum::look(path, folder.as_deref(), (check, host)),
    };
    finding.status = match (finding.status, check.severity) {
        (Status::Fail, Severity::Warning) => Status::Warn,
        (Status::Fail | Status::Warn, Severity::Note) => Status::Note,
        (status, _) => status,
    };
    finding
}

/// What is required, in words.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool {
                program,
                version: Some(version),
                ..
            } => write!(f, "{program} {version}"),
            Self::Tool { program, .. } => write!(f, "{program}"),
            Self::Alias {
                program, target, ..
            } => write!(f, "{program} is {target}"),
            Self::Compile { program, .. } => write!(f, "{program} compiles"),
            Self::File { path, is, fs_type } => match fs_type {
                Some(fs_type) => write!(f, "{fs_type} mounted on {path}"),
                None => write!(f, "{path} is {is}"),
            },
            Self::Kernel { version, .. } => write!(f, "Linux {version}"),
            Self::Resource {
                resource,
                at_least,
                path,
            } => resource_text(f, *resource, *at_least, path),
            Self::Env(is) => write!(f, "{is}"),
            Self::Mount {
                path,
                fs_type,
                options,
            } => {
                let kind = fs_type.as_deref().unwrap_or("something");
                write!(f, "{kind} mounted on {path}")?;
                match options.join(",") {
                    none if none.is_empty() => Ok(()),
                    some => write!(f, " with {some}"),
                }
            }
            Self::Security(is) => write!(f, "{is}"),
            Self::Checksum { path, .. } => write!(f, "all files are as {path} says"),
            Self::Command { run, .. } => write!(f, "`{}` ends well", run.join(" ")),
        }
    }
}

fn resource_text(
    f: &mut fmt::Formatter<'_>,
    resource: Resource,
    at_least: u64,
    path: &str,
) -> fmt::Result {
    let size = units::size(at_least);
    match resource {
        Resource::Disk if path == "." => write!(f, "{size} free here"),
        Resource::Disk => write!(f, "{size} free in {path}"),
        Resource::Inodes => write!(f, "{at_least} free inodes in {path}"),
        Resource::Memory => write!(f, "{size} of memory"),
        Resource::Swap => write!(f, "{size} of swap"),
        Resource::Cpus => write!(f, "{at_least} processors"),
    }
}

impl fmt::Display for FileIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::CharDevice => "a character device",
            Self::Mount => "a mounted file system",
            Self::WritableFolder => "a folder that can be written to",
            Self::Absent => "absent",
        })
    }
}

impl fmt::Display for EnvIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(names) => write!(f, "unset: {}", names.join(" ")),
            Self::SafeFolder(names) => {
                write!(f, "{} is unset, or a folder and not /", names.join(", "))
            }
            Self::SafePath => f.write_str("PATH has only safe folders"),
            Self::Umask(mask) => write!(f, "umask {mask:03o}"),
        }
    }
}

impl fmt::Display for SecurityIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "you are root",
            Self::NotRoot => "you are not root",
        })
    }
}
