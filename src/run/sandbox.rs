//! As whom a script runs, within what: put on by the process that becomes it.
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, accessat};
use rustix::process::{Gid, Resource, Rlimit, Uid, geteuid, setrlimit, umask};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde::{Deserialize, Serialize};

use super::Account;

/// Where a script in a root finds what is outside its substeps file.
pub const SUBSTEPS_INSIDE: &str = "/run/buildkeep/events";

/// All that makes a script run other than its starter does; nothing, as a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sandbox {
    /// The user.
    pub user: Option<Account>,
    /// The bits that files it makes do not get.
    pub umask: Option<u32>,
    /// Limits by name; nothing is no limit.
    pub limits: BTreeMap<String, Option<u64>>,
    /// The file that it reads as its input.
    pub stdin: Option<PathBuf>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// The folder that is `/` for it.
    pub chroot: Option<PathBuf>,
    /// Whether `/dev`, `/proc`, `/sys` and `/run` are mounted there for it.
    pub mounts: bool,
}

/// What kept a script from running as it should.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}")]
pub struct Refused {
    pub(super) doing: String,
    pub(super) source: io::Error,
}

/// Names what was refused.
pub(super) trait Tried<T> {
    fn tried(self, doing: impl Into<String>) -> Result<T, Refused>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, doing: impl Into<String>) -> Result<T, Refused> {
        self.map_err(|source| Refused {
            doing: doing.into(),
            source: source.into(),
        })
    }
}

impl Sandbox {
    /// Whether the script is where our files are not, or may not write them.
    pub(super) fn is_apart(&self) -> bool {
        self.user.is_some() || self.chroot.is_some()
    }

    /// What the script reads: opened early, because a root need not have `/dev/null`.
    pub(super) fn open_stdin(&self) -> Result<File, Refused> {
        let path = self.stdin.as_deref().unwrap_or(Path::new("/dev/null"));
        File::open(path).tried(format!("open {}", path.display()))
    }

    /// Sets limits, umask and user of this process, in the order in which each is still allowed.
    pub(super) fn enter(&self) -> Result<(), Refused> {
        for (name, limit) in &self.limits {
            let resource = resource(name).ok_or(io::ErrorKind::Unsupported);
            let resource = resource.tried(format!("limit {name}"))?;
            let rlimit = Rlimit {
                current: *limit,
                maximum: *limit,
            };
            setrlimit(resource, rlimit).tried(format!("set the limit {name}"))?;
        }
        if let Some(mask) = self.umask {
            umask(Mode::from_raw_mode(mask));
        }
        match &self.user {
            Some(user) => become_user(user),
            None => Ok(()),
        }
    }
}

/// This process has one thread, so what holds for it holds for the process.
fn become_user(user: &Account) -> Result<(), Refused> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    if geteuid() == uid && !uid.is_root() {
        return Ok(());
    }
    let doing = || format!("become the user {}", user.name);
    let groups: Vec<Gid> = [user.gid]
        .iter()
        .chain(&user.groups)
        .map(|gid| Gid::from_raw(*gid))
        .collect();
    set_thread_groups(&groups).tried(doing())?;
    set_thread_res_gid(gid, gid, gid).tried(doing())?;
    set_thread_res_uid(uid, uid, uid).tried(doing())
}

/// The limit that `ulimit` and `limits.conf` call so.
fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "as" => Resource::As,
        "core" => Resource::Core,
        "cpu" => Resource::Cpu,
        "data" => Resource::Data,
        "fsize" => Resource::Fsize,
        "memlock" => Resource::Memlock,
        "nofile" => Resource::Nofile,
        "nproc" => Resource::Nproc,
        "stack" => Resource::Stack,
        _ => return None,
    })
}

/// The outermost folder on the way to `path` that this process may not pass, if that is what is in
/// its way.
pub(super) fn barred(path: &Path) -> Option<&Path> {
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let may_pass = |folder: &Path| {
        accessat(CWD, folder, Access::EXEC_OK, AtFlags::EACCESS) != Err(rustix::io::Errno::ACCESS)
    };
    folders.into_iter().find(|folder| !may_pass(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_schema_is_known() {
        let schema = include_str!("../../templates/schemas/plan.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let limits = &schema["$defs"]["limits"]["properties"];
        for name in limits.as_object().unwrap().keys() {
            assert!(resource(name).is_some(), "{name}");
        }
        assert!(resource("none").is_none());
    }
}
