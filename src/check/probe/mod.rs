//! Looking at the machine: one file per kind of thing.

mod checksum;
mod digest;
mod env;
mod features;
mod file;
mod filesystem;
mod future;
mod keep;
mod kernel;
mod kind;
mod limits;
mod locale;
mod module;
mod parse;
mod program;
mod resource;
mod scratch;
mod security;
mod signature;
mod tree;
mod users;
mod words;

use std::path::{Path, PathBuf};

pub(super) use filesystem::fact_of_mount;
pub use keep::{KeepFacts, Need};
pub use kind::{
    Ability, Amount, CompileIs, EnvIs, Feature, FileIs, FileMust, FilesystemIs, KeepIs, KernelIs,
    Language, Make, Probe, Resource, SecurityIs, ToolIs, Trait,
};
pub(super) use limits::cpus;
pub(super) use parse::{RawProbe, keys_of_kind, parse};
pub(super) use resource::memory_size;

use super::definition::{Check, Severity};
use super::{Host, Status};

/// What stands for the folder that a step starts in.
pub(super) const WORKDIR: &str = "${workdir}";

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
    pub(super) fn new(status: Status, found: impl Into<String>) -> Self {
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

    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::new(Status::Unknown, why)
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self::new(Status::Skipped, why)
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
        Self::skipped("it is not known what is built: name `root` in plan.toml, or set LFS")
    }

    /// It depends on a place that is not known, or not there yet.
    fn no_place(path: &str) -> Self {
        if path.starts_with(WORKDIR) {
            return Self::skipped("the folder that the step starts in is not there yet");
        }
        Self::no_root()
    }

    fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Tells of places in a root as they are called outside of it.
    pub(super) fn seen_from(&mut self, outside: &str) {
        if !self.subject.starts_with('/') {
            return;
        }
        let place = match self.subject.as_str() {
            "/" => outside.to_owned(),
            below => format!("{}{below}", outside.trim_end_matches('/')),
        };
        if let Some(found) = self.found.as_mut().filter(|_| self.subject.len() > 1) {
            *found = found.replacen(&self.subject, &place, 1);
        }
        self.subject = place;
    }

    /// It was found at `place`, one of several.
    fn at(self, place: &Path) -> Self {
        let place = place.display().to_string();
        let found = match self.found {
            Some(found) => format!("{place}: {found}"),
            None => format!("no {place}"),
        };
        Self {
            found: Some(found),
            subject: place,
            ..self
        }
    }
}

/// Looks at what `check` is about.
pub(super) fn look(check: &Check, host: &Host<'_>) -> Finding {
    let at = (check, host);
    let mut finding = match &check.probe {
        Probe::Tool(is) => program::tool(is, at),
        Probe::Alias {
            program,
            target,
            says,
        } => program::alias(program, (target, says), at),
        Probe::Compile(is) => program::compile(is, at),
        Probe::Command { run, says } => program::command(run, says.as_deref(), at),
        Probe::Module { language, modules } => module::look(*language, modules, at),
        Probe::File(must) => file::look(must, host),
        Probe::Mount {
            path,
            fs_type,
            options,
        } => file::mount(path, fs_type.as_deref(), options, host),
        Probe::Filesystem(is) => filesystem::look(is, host),
        Probe::Kernel(is) => kernel::look(is, host),
        Probe::Resource {
            resource,
            amount,
            path,
        } => resource::look(*resource, *amount, path, host),
        Probe::Env(is) => env::look(is, host),
        Probe::Security(is) => security::look(is, at),
        Probe::Signature { folder, keys } => signature::look(folder, keys, at),
        Probe::Keep(is) => keep::look(*is, host.keep),
        Probe::Checksum { path, folder } => checksum::look(path, folder.as_deref(), at),
    };
    finding.status = match (finding.status, check.severity) {
        (Status::Fail, Severity::Warning) => Status::Warn,
        (Status::Fail | Status::Warn, Severity::Note) => Status::Note,
        (status, _) => status,
    };
    finding
}

/// What is not there yet will lie where its parent lies.
fn existing(path: &Path) -> PathBuf {
    let existing = path.ancestors().find(|path| path.exists());
    existing.unwrap_or(Path::new("/")).to_owned()
}
