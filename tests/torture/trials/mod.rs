//! The commands that die, or whose disk fails them, at every call.
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::calls::Hands;
use crate::deaths::helpers_of;
use crate::env::Env;

/// Two tests of each trial: it is killed, and its calls fail.
macro_rules! trials {
    ($($name:ident: $trial:expr;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn survives_death() {
                $crate::calls::torture(&$trial, $crate::calls::Fate::Killed);
            }

            #[test]
            fn survives_failing_calls() {
                $crate::calls::torture(&$trial, $crate::calls::FULL);
                $crate::calls::torture(&$trial, $crate::calls::BROKEN);
            }
        }
    )+};
}

mod files;
mod keeps;
mod rendered;
mod vaults;

/// A command, what it is tried on, and how its success is seen.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    /// Makes the keep `base`, once.
    pub(crate) base: fn(&Env),
    /// Brings its copy `w` to where the command begins.
    pub(crate) prepare: fn(&Env),
    pub(crate) args: &'static [&'static str],
    /// Variables that it finds.
    pub(crate) vars: fn(&Env) -> Vec<(&'static str, String)>,
    /// What it reads on stdin.
    pub(crate) input: &'static str,
    /// What it says on stdout when it is done.
    pub(crate) says: &'static str,
    /// What `w` holds: all that the command is about.
    pub(crate) seen: fn(&Env) -> String,
    /// What must hold of `w` at any moment; else, what is wrong.
    pub(crate) sound: fn(&Env) -> Result<(), String>,
    /// What must hold of `w` once another key was set.
    pub(crate) later: fn(&Env) -> Result<(), String>,
    /// Who can be at work.
    pub(crate) hands: &'static [Hands],
    /// Whether there are states between before and after.
    pub(crate) is_gradual: bool,
    /// Whether it can be typed again when it is done.
    pub(crate) repeats: bool,
    /// Whether `w` is a keep that opens, before and after.
    pub(crate) is_open: bool,
    /// Its exit codes when a call fails, and how it begins to tell.
    pub(crate) fails: (&'static [i32], &'static str),
}

/// A keep with two versions.
fn two_versions(env: &Env) {
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    env.stdout(&["-C", "base", "config", "set", "build.tests", "quick"]);
}

/// All files of the last commit with their content.
fn committed(env: &Env) -> String {
    env.git(&["-C", "w", "ls-tree", "-r", "HEAD"])
}

fn tags(env: &Env) -> String {
    env.git(&[
        "-C",
        "w",
        "for-each-ref",
        "--format=%(refname) %(*tree)",
        "refs/tags",
    ])
}

const SET: Trial = Trial {
    name: "config set",
    base: two_versions,
    prepare: |_| {},
    args: &["config", "set", "build.tests", "full"],
    says: "committed",
    seen: committed,
    is_gradual: false,
    repeats: true,
    vars: |_| Vec::new(),
    input: "",
    sound: |_| Ok(()),
    later: |_| Ok(()),
    hands: &[Hands::Many, Hands::One],
    is_open: true,
    fails: (&[2], "error: cannot "),
};

const UNSET: Trial = Trial {
    name: "config unset",
    args: &["config", "unset", "build.tests"],
    repeats: false,
    ..SET
};

const COMMIT: Trial = Trial {
    name: "commit",
    prepare: |env| {
        env.write("w/scripts/01-one.sh", "#!/bin/sh\necho changed\n");
        env.write("w/notes", "new\n");
    },
    args: &["commit", "-m", "scripts: say another thing"],
    ..SET
};

const ROLLBACK: Trial = Trial {
    name: "rollback",
    args: &["rollback", "--to", "v1", "--yes"],
    says: "went back",
    ..SET
};

const UNDO: Trial = Trial {
    name: "undo",
    args: &["undo"],
    says: "committed",
    repeats: false,
    ..SET
};

const REDO: Trial = Trial {
    name: "redo",
    prepare: |env| drop(env.stdout(&["-C", "w", "undo"])),
    args: &["redo"],
    ..UNDO
};

const TAG: Trial = Trial {
    name: "tag",
    args: &["tag", "t"],
    says: "t ",
    seen: tags,
    ..SET
};

const DELETE: Trial = Trial {
    name: "tag --delete",
    prepare: |env| {
        env.stdout(&["-C", "w", "tag", "t"]);
        env.git(&["-C", "w", "pack-refs", "--all"]);
    },
    args: &["tag", "--delete", "t"],
    says: "deleted",
    seen: tags,
    repeats: false,
    ..SET
};

/// A keep whose step has ended after the command that ran it was killed: all of that is to be published.
fn left_alone(env: &Env) {
    let (running, go) = (env.path("running"), env.path("go"));
    let wait = format!(
        "#!/bin/sh\ntouch {}\nuntil [ -e {} ]; do sleep 0.02; done\n",
        running.display(),
        go.display()
    );
    env.script("s/01-one.sh", &wait);
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    let mut run = env.buildkeep(&["-C", "base", "run"]);
    let mut run = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(|| running.exists());
    // Halted first: it would have another standby when that one is gone.
    kill_process(Pid::from_child(&run), Signal::STOP).unwrap();
    kill_all(env, &["standby"]);
    run.kill().unwrap();
    run.wait().unwrap();
    kill_all(env, &["standby", "monitor"]);
    env.write("go", "");
    until(|| env.json(&["-C", "base", "status"])["steps"]["done"] == 1);
}

fn kill_all(env: &Env, roles: &[&str]) {
    for pid in helpers_of(&env.path("base"), roles) {
        let _ = kill_process(pid, Signal::KILL);
        // Until then it may still start somebody.
        until(|| !helpers_of(&env.path("base"), roles).contains(&pid));
    }
}

fn until(is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited for a minute");
}

/// The events that were published, in their order, and the files beside them.
fn published(env: &Env) -> String {
    let state = env.git(&[
        "-C",
        "w",
        "for-each-ref",
        "--format=%(refname)",
        "refs/heads/state",
    ]);
    let Some(state) = state.lines().next() else {
        return String::new();
    };
    let mut seen = env.git(&["-C", "w", "ls-tree", "-r", "--name-only", state]);
    let commits = env.git(&["-C", "w", "rev-list", "--reverse", state]);
    for commit in commits.lines() {
        let events = env.git(&["-C", "w", "show", &format!("{commit}:events.jsonl")]);
        for line in events.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let (journal, kind) = (event["journal"].as_str().unwrap(), &event["kind"]);
            seen.push_str(&format!("{} {} {kind}\n", journal.len(), event["seq"]));
        }
    }
    seen
}

const PUBLISH: Trial = Trial {
    name: "run, of what a killed run left",
    base: left_alone,
    args: &["run"],
    says: "nothing to run",
    seen: published,
    is_gradual: true,
    ..SET
};

trials! {
    publication: PUBLISH;
    config_set: SET;
    config_unset: UNSET;
    commit: COMMIT;
    rollback: ROLLBACK;
    undo: UNDO;
    redo: REDO;
    tag: TAG;
    tag_delete: DELETE;
}
