//! The `git` program, for what gix does not do: push, fetch, clone, fsck, repack.
//!
//! It gets a cleaned environment, so that no variable of the caller leads it elsewhere, runs no
//! hooks, asks no questions, and syncs all that it writes.
use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Output, Stdio};
use std::thread::Builder;

use super::Error;
use crate::fs::{AtPath as _, PathError};
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
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_GLOBAL",
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

/// What `git` printed, and what went over the line.
pub(super) struct Traced {
    pub(super) printed: String,
    pub(super) trace: String,
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
            command: shown(args),
            code: output.status.code(),
            stderr: without_password(String::from_utf8_lossy(&output.stderr).trim()),
        })
    }

    /// Runs `git` with a file to read from; how it ends is not looked at.
    pub(super) fn feed(&self, dir: &Path, args: &[&str], input: &Path) -> Result<(), Error> {
        let input = std::fs::File::open(input).at("read", input)?;
        let mut command = self.command(dir, args);
        let output = command.stdin(input).output();
        output.map(drop).map_err(not_started)
    }

    /// Runs `git` and returns what it printed; nothing if it found nothing to print, none if it failed.
    pub fn lookup(&self, dir: &Path, args: &[&str]) -> Option<String> {
        let output = self.output(dir, args).ok()?;
        let found = output.status.success() || output.status.code() == Some(1);
        found.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `git` and returns what it printed, and what it and the other side said to each other.
    pub(super) fn traced(&self, dir: &Path, args: &[&str]) -> Result<Traced, Error> {
        let mut command = self.command(dir, args);
        let output = command.env("GIT_TRACE_PACKET", "1").output();
        let output = output.map_err(not_started)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let (trace, said): (Vec<_>, Vec<_>) = said.lines().partition(|l| l.contains(" packet: "));
        if output.status.success() {
            return Ok(Traced {
                printed: String::from_utf8_lossy(&output.stdout).into_owned(),
                trace: trace.join("\n"),
            });
        }
        Err(Error::GitProgram {
            command: shown(args),
            code: output.status.code(),
            stderr: without_password(said.join("\n").trim()),
        })
    }

    /// Runs `git`, shows each line of its progress to `watch`, and returns what else it printed.
    pub(super) fn watched(
        &self,
        dir: &Path,
        args: &[&str],
        watch: &mut dyn FnMut(&str),
    ) -> Result<Output, Error> {
        let mut command = self.command(dir, args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let printed = Builder::new().spawn_scoped(scope, || read_all(stdout));
            let said = stderr.map(|stderr| said(stderr, watch)).unwrap_or_default();
            let printed = printed.map(|printed| printed.join().unwrap_or_default());
            (printed, said)
        });
        let status = child.wait();
        let (status, stdout) = (status.map_err(not_started)?, stdout.map_err(not_started)?);
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }

    /// Runs `git` with what `input` gives to read; it must succeed. An error of `input` comes first.
    pub fn pipe<E: From<Error>>(
        &self,
        (dir, args): (&Path, &[&str]),
        input: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let mut command = self.command(dir, args);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(not_started)?;
        let fed = feed_all(child.stdin.take(), input);
        if fed.is_err() {
            // It would take the end of its input for that of a pack that is cut, which is as well.
            let _ = child.kill();
        }
        let output = child.wait_with_output().map_err(not_started)?;
        fed?;
        if output.status.success() {
            return Ok(());
        }
        Err(E::from(Error::GitProgram {
            command: shown(args),
            code: output.status.code(),
            stderr: without_password(String::from_utf8_lossy(&output.stderr).trim()),
        }))
    }

    /// Runs `git` and returns how it ended and what it printed.
    pub(super) fn output(&self, dir: &Path, args: &[&str]) -> Result<Output, Error> {
        let mut command = self.command(dir, args);
        command.output().map_err(not_started)
    }

    fn command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            // The only formats that we can write, whatever newer Git or its user would choose.
            .env("GIT_DEFAULT_REF_FORMAT", "files")
            .env("GIT_DEFAULT_HASH", "sha1")
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
        command
    }
}

/// Why `git` could not be run.
fn not_started(source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::NotFound {
        return Error::NoGitProgram;
    }
    let (action, path) = ("run", "git".into());
    Error::Io(PathError {
        action,
        path,
        source,
    })
}

fn read_all(from: Option<impl Read>) -> Vec<u8> {
    let mut all = Vec::new();
    // What broke the pipe shows in how it ended.
    let _ = from.map(|mut from| from.read_to_end(&mut all));
    all
}

/// Shows what ends in a carriage return, which the next line replaces; returns the rest.
fn said(from: impl Read, watch: &mut dyn FnMut(&str)) -> Vec<u8> {
    let (mut kept, mut line) = (Vec::new(), Vec::new());
    for byte in BufReader::new(from).bytes().map_while(Result::ok) {
        line.push(byte);
        if byte == b'\r' {
            watch(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        } else if byte == b'\n' {
            kept.append(&mut line);
        }
    }
    kept.append(&mut line);
    kept
}

/// Gives a program all that there is; one that does not want more says why at its end.
fn feed_all<E>(
    mut stdin: Option<ChildStdin>,
    input: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), E> {
    let mut buffer = vec![0; 256 * 1024];
    while let Some(pipe) = &mut stdin {
        let length = input(&mut buffer)?;
        if length == 0 || pipe.write_all(&buffer[..length]).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// What was asked of `git`, for people: the verb and what it is about, without our options.
fn shown(args: &[&str]) -> String {
    let words = args.iter().filter(|word| !word.starts_with('-'));
    let words: Vec<String> = words.map(|word| without_password(word)).collect();
    words.join(" ")
}

/// A text without the passwords in its URLs: `https://me:secret@host` → `https://me:…@host`.
pub fn without_password(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(|c: char| c == '/' || c.is_whitespace());
    let (place, after) = rest.split_at(end.unwrap_or(rest.len()));
    let place = match place.rsplit_once('@') {
        Some((person, host)) => match person.split_once(':') {
            Some((name, _)) => format!("{name}:…@{host}"),
            None => place.to_owned(),
        },
        None => place.to_owned(),
    };
    format!("{before}://{place}{}", without_password(after))
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_taken_out_of_urls() {
        let shown = [
            "https://me:pw@host/x and ssh://git:b@h",
            "https://me@host/x:y@z",
            "../r.git",
            "git@host:path",
        ];
        let expected = [
            "https://me:…@host/x and ssh://git:…@h",
            "https://me@host/x:y@z",
            "../r.git",
            "git@host:path",
        ];
        assert_eq!(shown.map(without_password), expected);
    }
}
