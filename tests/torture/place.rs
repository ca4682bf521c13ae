//! A keep on a disk whose power is cut, and what can be seen of it from outside.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::disk::{Disk, MOUNT};
use crate::env::Env;

/// What goes wrong, for people.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// A folder of its own on the disk, and the keep in it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) env: Rc<Env>,
    pub(crate) disk: Rc<Disk>,
    /// The keep, from the working folder.
    pub(crate) dir: String,
}

impl Place {
    pub(crate) fn new(env: &Rc<Env>, disk: &Rc<Disk>, name: &str) -> Self {
        Self {
            env: Rc::clone(env),
            disk: Rc::clone(disk),
            dir: format!("{MOUNT}/{}", name.replace(' ', "-")),
        }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.env.path(&self.dir).join(inside)
    }

    pub(crate) fn write(&self, inside: &str, content: &str) {
        self.env.write(&format!("{}/{inside}", self.dir), content);
    }

    /// Runs us in the keep: what stdout says, or everything if it failed.
    pub(crate) fn keep(&self, args: &[&str]) -> Outcome<String> {
        let mut command = self.env.buildkeep(&["-C", &self.dir]);
        self.outcome(command.args(args), args)
    }

    /// Runs `git` in the keep, as its user would.
    pub(crate) fn git(&self, args: &[&str]) -> Outcome<String> {
        let mut command = self.env.command("git");
        self.outcome(command.args(["-C", &self.dir]).args(args), args)
    }

    pub(crate) fn outcome(
        &self,
        command: &mut std::process::Command,
        args: &[&str],
    ) -> Outcome<String> {
        let output = command.output().unwrap();
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{args:?} failed:\n{}", self.env.shown(&output)))
    }

    /// A keep with one step and a configuration.
    pub(crate) fn init(&self) {
        self.env.script("one/01-one.sh", "#!/bin/sh\necho one\n");
        let args = ["init", &self.dir, "--scripts", "one", "--yes"];
        self.env.stdout(&args);
        if let Ok(way) = std::env::var("BUILDKEEP_TORTURE_SYNC") {
            self.git(&["config", "buildkeep.sync", &way]).unwrap();
        }
    }

    /// A repository of plain Git with one commit.
    pub(crate) fn plain_git(&self) {
        let options = ["-q", "--ref-format=files", "--object-format=sha1"];
        let mut init = self.env.command("git");
        init.arg("init").args(options).arg(&self.dir);
        assert!(init.status().unwrap().success());
        self.write("file", "0\n");
        self.git(&["add", "file"]).unwrap();
        self.git(&["commit", "-qm", "0"]).unwrap();
    }

    /// The repositories of the keep: its own, and its vault if it has one.
    fn repositories(&self) -> Vec<PathBuf> {
        let all = [self.path(".git"), self.path(".buildkeep/vault.git")];
        all.into_iter().filter(|git_dir| git_dir.exists()).collect()
    }

    /// Every ref of every repository with what it points at, read without asking anybody.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        let mut refs = BTreeMap::new();
        for git_dir in self.repositories() {
            let name = |inside: &str| format!("{}:{inside}", git_dir.display());
            let packed = std::fs::read_to_string(git_dir.join("packed-refs")).unwrap_or_default();
            let lines = packed.lines().filter(|line| !line.starts_with(['#', '^']));
            let pairs = lines.filter_map(|line| line.split_once(' '));
            refs.extend(pairs.map(|(id, inside)| (name(inside), id.to_owned())));
            let mut loose = BTreeMap::new();
            loose_refs(&git_dir, "refs", &mut loose);
            refs.extend(loose.into_iter().map(|(inside, id)| (name(&inside), id)));
        }
        refs
    }

    /// What was promised, is there, and nothing else; nothing is damaged.
    pub(crate) fn still_has(&self, promised: &BTreeMap<String, String>) -> Outcome {
        let there = self.refs();
        if there != *promised {
            return Err(format!("promised {promised:#?}\nbut has {there:#?}"));
        }
        self.is_sound()
    }

    /// `git fsck --strict` has nothing to say.
    pub(crate) fn is_sound(&self) -> Outcome {
        for git_dir in self.repositories() {
            let mut fsck = self.env.command("git");
            fsck.arg("--git-dir").arg(&git_dir);
            fsck.args(["fsck", "--strict", "--no-dangling", "--no-progress"]);
            let mut output = fsck.output().unwrap();
            output.stderr = without_notices(&output.stderr);
            if !output.status.success() || !output.stdout.is_empty() || !output.stderr.is_empty() {
                return Err(format!("fsck says\n{}", self.env.shown(&output)));
            }
        }
        Ok(())
    }
}

/// That `HEAD` of a vault names no commit is as it should be.
fn without_notices(stderr: &[u8]) -> Vec<u8> {
    let lines = stderr.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| !line.starts_with(b"notice: "));
    kept.flatten().copied().collect()
}

fn loose_refs(git_dir: &Path, inside: &str, refs: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(git_dir.join(inside)).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{inside}/{name}");
        if entry.path().is_dir() {
            loose_refs(git_dir, &path, refs);
        } else if entry.path().extension() != Some(OsStr::new("lock")) {
            let id = std::fs::read_to_string(entry.path()).unwrap();
            refs.insert(path, id.trim().to_owned());
        }
    }
}
