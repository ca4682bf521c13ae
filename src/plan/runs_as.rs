//! As whom scripts run, within what, and with what around them.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::settings::{Reader, without_dots};
use super::{Error, Plan, Step};
use crate::document::{KeyPath, as_size, code};

/// What a limit that is none is called.
const UNLIMITED: &str = "unlimited";

/// What a step in the root finds mounted there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mounts {
    /// `/dev`, `/proc`, `/sys` and `/run`, seen by this step only.
    #[default]
    Private,
    /// What is mounted there anyway.
    None,
}

/// As whom a step runs, within what, and with what around it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunsAs {
    /// The name or number of a user; whoever runs buildkeep, if nothing is said.
    pub user: Option<String>,
    /// Whether it gets only the variables of the plan and those of a fresh login.
    pub clean_env: bool,
    /// The bits that files it makes do not get.
    #[serde(serialize_with = "octal")]
    pub umask: Option<u32>,
    /// Limits of its processes by name; nothing is no limit.
    pub limits: BTreeMap<String, Option<u64>>,
    /// The file that it reads as its input.
    pub stdin: Option<PathBuf>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether the root is `/` for it.
    pub chroot: bool,
    /// What it finds mounted there.
    pub mounts: Mounts,
    #[serde(skip)]
    user_at: KeyPath,
    #[serde(skip)]
    chroot_at: KeyPath,
    #[serde(skip)]
    says_env: bool,
}

/// The keys of one table of plan.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRunsAs {
    user: Option<Json>,
    clean_env: Option<bool>,
    umask: Option<String>,
    limits: BTreeMap<String, Json>,
    stdin: Option<String>,
    tty: Option<bool>,
    chroot: Option<bool>,
    mounts: Option<Mounts>,
}

impl RunsAs {
    /// Adds what the table at `at` says; what it does not say stays.
    pub(super) fn refine(&mut self, raw: &RawRunsAs, at: &KeyPath, reader: &mut Reader<'_>) {
        if let Some(user) = &raw.user {
            let number = user.as_u64().map(|number| number.to_string());
            self.user = number.or_else(|| user.as_str().map(str::to_owned));
            self.user_at = at.clone().key("user");
        }
        if let Some(chroot) = raw.chroot {
            self.chroot = chroot;
            self.chroot_at = at.clone().key("chroot");
            if chroot && reader.places.root.is_none() {
                let message = "`chroot` is asked for, and the plan has no `root`".to_owned();
                let help = "add `root = \"/mnt/lfs\"`, say: the folder that becomes `/`";
                reader.wrong(code::NO_ROOT, &self.chroot_at, message, help);
            }
        }
        if let Some(is_clean) = raw.clean_env {
            (self.clean_env, self.says_env) = (is_clean, true);
        } else if !self.says_env {
            self.clean_env = self.user.is_some() || self.chroot;
        }
        let umask = raw.umask.as_deref();
        let umask = umask.and_then(|text| u32::from_str_radix(text, 8).ok());
        self.umask = umask.or(self.umask);
        self.tty = raw.tty.unwrap_or(self.tty);
        self.mounts = raw.mounts.unwrap_or(self.mounts);
        if let Some(text) = &raw.stdin {
            self.stdin = Some(reader.path(text, &at.clone().key("stdin")));
        }
        for (name, value) in &raw.limits {
            self.limit(name, value, &at.clone().key("limits").key(name), reader);
        }
    }

    fn limit(&mut self, name: &str, value: &Json, at: &KeyPath, reader: &mut Reader<'_>) {
        let limit = match value.as_str() {
            Some(UNLIMITED) => Some(None),
            _ => as_size(value).map(Some),
        };
        match limit {
            Some(limit) => drop(self.limits.insert(name.to_owned(), limit)),
            None => reader.wrong(
                code::NOT_AN_AMOUNT,
                at,
                format!("{value} is not a limit"),
                "write a number, \"8 MiB\", or \"unlimited\"",
            ),
        }
    }

    /// What of this a step is built from: who runs it and where, not how much it may take.
    pub(super) fn parts(&self) -> impl Iterator<Item = (String, String)> {
        let user = self.user.clone().map(|user| ("user", user));
        let chroot = self.chroot.then(|| ("chroot", "yes".to_owned()));
        let clean = self.clean_env.then(|| ("clean_env", "yes".to_owned()));
        let umask = self.umask.map(|umask| ("umask", format!("{umask:03o}")));
        let parts = [user, chroot, clean, umask];
        parts
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_owned(), value))
    }
}

/// As people write it.
#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it over so"
)]
fn octal<S: serde::Serializer>(umask: &Option<u32>, to: S) -> Result<S::Ok, S::Error> {
    umask.map(|umask| format!("{umask:03o}")).serialize(to)
}

impl Reader<'_> {
    /// A folder as scripts in the root name it, or as people do outside: the folder outside.
    pub(super) fn path_inside(&mut self, raw: &str, at: &KeyPath) -> PathBuf {
        let root = self.places.root.clone().unwrap_or_default();
        let known = self.path(raw, at);
        if known.starts_with(&root) {
            return known;
        }
        let below = without_dots(&Path::new("/").join(raw));
        root.join(below.strip_prefix("/").unwrap_or(&below))
    }
}

impl Plan {
    /// That the user of `step` cannot be taken, told where plan.toml names it.
    pub fn wrong_user(&self, step: &Step, code: &'static str, message: &str, help: &str) -> Error {
        self.wrong_at(&step.runs_as.user_at, (code, message, help))
    }

    /// That `step` cannot run in the root, told where plan.toml asks for it.
    pub fn wrong_chroot(
        &self,
        step: &Step,
        code: &'static str,
        message: &str,
        help: &str,
    ) -> Error {
        self.wrong_at(&step.runs_as.chroot_at, (code, message, help))
    }

    fn wrong_at(&self, at: &KeyPath, (code, message, help): (&'static str, &str, &str)) -> Error {
        let problem = self.document.problem(at, code, message);
        Error::Document(vec![problem.help(help)])
    }
}
