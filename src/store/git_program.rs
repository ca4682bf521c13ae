//! The `git` program, for what gix does not do: push, fetch, clone, fsck, repack.
//!
//! It gets a cleaned environment, so that no variable of the caller leads it elsewhere, runs no
//! hooks, asks no questions, and syncs all that it writes.
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Error;
use crate::world::Env;

/// Variables that `git` may see: where programs and credentials are, nothing about repositories.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
];

/// The `git` program as we use it.
#[derive(Clone, Debug)]
pub struct GitProgram {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl GitProgram {
    /// Finds `git` in the `PATH` of `env`.
    pub fn find(env: &Env) -> Result<Self, Error> {
        let path = env.get("PATH").ok_or(Error::NoGitProgram)?;
        let program = std::env::split_paths(path)
            .map(|folder| folder.join("git"))
            .find(|program| program.is_file())
            .ok_or(Error::NoGitProgram)?;
        let passed = |name: &OsStr| PASSED.iter().any(|passed| name == *passed);
        let kept = env.iter().filter(|(name, _)| passed(name));
        Ok(Self {
            program,
            env: kept
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// Runs `git` on the repository at `dir` and returns what it printed; it must succeed.
    pub fn run(&self, dir: &Path, args: &[&str]) -> Result<String, Error> {
        let output = self.output(dir, args)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::GitProgram {
            command: args.join(" "),
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Runs `git` and returns how it ended and what it printed.
    pub(super) fn output(&self, dir: &Path, args: &[&str]) -> Result<Output, Error> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .current_dir(dir)
            .args([
                "--no-optional-locks",
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsync=all",
            ])
            .args([
                "-c",
                "gc.auto=0",
                "-c",
                "maintenance.auto=false",
                "-c",
                "protocol.ext.allow=never",
            ])
            .args(args)
            .stdin(Stdio::null());
        command.output().map_err(|_| Error::NoGitProgram)
    }
}
