//! A sealed place to run the binary in: cleared environment, fixed clock and ids, own home.
use std::cell::Cell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;

/// A temporary world. What was started in it and still runs ends with it, however the test ended.
pub(crate) struct Env {
    root: TempDir,
    commands: Cell<u64>,
}

impl Env {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        for dir in ["home", "work"] {
            std::fs::create_dir(root.path().join(dir)).unwrap();
        }
        Self {
            root,
            commands: Cell::new(0),
        }
    }

    /// The folder in which commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// A path inside the working folder.
    pub(crate) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.work().join(inside)
    }

    /// Writes a file into the working folder, with its parents.
    pub(crate) fn write(&self, inside: &str, content: &str) -> PathBuf {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable script into the working folder.
    pub(crate) fn script(&self, inside: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(inside, content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A command of any program, sealed: to be adjusted before it is run.
    pub(crate) fn command(&self, program: &str) -> Command {
        let number = self.commands.get() + 1;
        self.commands.set(number);
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path().join("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("USER", "tester")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Test Er")
            .env("GIT_AUTHOR_EMAIL", "test.er@example.org")
            .env("GIT_COMMITTER_NAME", "Test Er")
            .env("GIT_COMMITTER_EMAIL", "test.er@example.org")
            .env("BUILDKEEP_TEST_CLOCK", "2026-01-02T03:04:05Z")
            .env("BUILDKEEP_TEST_HOSTNAME", "box")
            .env("BUILDKEEP_TEST_CPUS", "2")
            .env("BUILDKEEP_TEST_SEED", number.to_string());
        command
    }

    /// A command of ours, sealed.
    pub(crate) fn buildkeep(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_buildkeep"));
        command.args(args);
        command
    }

    /// Runs us and shows everything that a user would see, one block per stream.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.shown(&self.buildkeep(args).output().unwrap())
    }

    /// Runs us in a folder below the working folder.
    pub(crate) fn run_in(&self, dir: &str, args: &[&str]) -> String {
        let output = self.buildkeep(args).current_dir(self.path(dir)).output();
        self.shown(&output.unwrap())
    }

    /// Runs us, expects success, and returns stdout.
    pub(crate) fn stdout(&self, args: &[&str]) -> String {
        let output = self.buildkeep(args).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}:\n{}",
            self.shown(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs us with `--json`, whatever the exit code, and parses the last line of stdout.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.buildkeep(args).arg("--json").output().unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("{args:?}: {error}\n{}", self.shown(&output)))
    }

    /// Runs the real git and returns its stdout; it must succeed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}:\n{}",
            self.shown(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Stdout, `--- stderr`, `--- exit N` in one text, with our folder as `[ROOT]`.
    pub(crate) fn shown(&self, output: &Output) -> String {
        let mut shown = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.stderr.is_empty() {
            shown.push_str("--- stderr\n");
            shown.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => writeln!(shown, "--- exit {code}").unwrap(),
            None => shown.push_str("--- killed\n"),
        }
        let shown = shown.replace(self.work().to_str().unwrap(), "[ROOT]");
        without_ids(&shown)
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        // Whoever is killed may be called back by another: nobody is left when none is found.
        for _ in 0..5000 {
            if !end_all(self.root.path()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

/// Ends helpers, and what scripts started, below `root`; returns whether there were any.
fn end_all(root: &Path) -> bool {
    let helper = format!("helper\0{}/", root.display());
    let attempt = format!("BUILDKEEP_ATTEMPT={}/", root.display());
    let mut any = false;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // Opened first, so that it means no later process of that number.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let has = |file: &str, what: &str| {
            let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(what)
        };
        if has("cmdline", &helper) || has("environ", &attempt) {
            any |= pidfd_send_signal(&process, Signal::KILL).is_ok();
        }
    }
    any
}

/// Ids of commits depend on where the test runs: `[COMMIT]` for 10 or 40 hexadecimal digits.
pub(crate) fn without_ids(text: &str) -> String {
    let is_id =
        |word: &str| matches!(word.len(), 10 | 40) && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let shown = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(bare) {
            word.replace(bare, "[COMMIT]")
        } else {
            word.to_owned()
        }
    });
    shown.collect()
}
