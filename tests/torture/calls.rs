//! Death, a full disk and a broken one at every system call that writes: afterwards the keep opens,
//! holds what it held before or after, and the same command works without help.
use std::process::{Command, Output};

use crate::env::Env;

/// System calls at which a command is killed; the long form adds those that are many.
fn calls() -> &'static str {
    if std::env::var_os("BUILDKEEP_LONG_TESTS").is_some() {
        "fsync,fdatasync,rename,renameat,renameat2,linkat,unlink,unlinkat,mkdir,write,openat"
    } else {
        "fsync,fdatasync,rename,renameat,renameat2,linkat"
    }
}

/// What a command is tried on, and how its success is seen.
struct Trial {
    /// Brings the keep `w` to where the command begins.
    prepare: fn(&Env),
    args: &'static [&'static str],
    /// What `git show HEAD:<path>` is before and after.
    path: &'static str,
    before: &'static str,
    after: &'static str,
}

/// A keep `base` with two versions.
fn base() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    env.stdout(&["-C", "base", "config", "set", "build.tests", "quick"]);
    env
}

fn copy(env: &Env) {
    let status = Command::new("sh")
        .arg("-c")
        .arg("rm -rf w && cp -a base w")
        .current_dir(env.work())
        .status();
    assert!(status.unwrap().success());
}

/// What happens to a command at one of its system calls.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It is killed.
    Killed,
    /// The call fails, with this error.
    Fails(&'static str),
}

/// Runs the command under strace, meeting its fate at call `at`.
fn met(env: &Env, trial: &Trial, fate: Fate, at: usize) -> Output {
    let (calls, what) = match fate {
        Fate::Killed => (calls(), "signal=SIGKILL".to_owned()),
        Fate::Fails(error) => ("fsync,rename,mkdir", format!("error={error}")),
    };
    let mut strace = env.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-e")
        .arg(format!("inject={calls}:{what}:when={at}"))
        .arg(env!("CARGO_BIN_EXE_buildkeep"))
        .args(["-C", "w"])
        .args(trial.args);
    strace.output().unwrap()
}

fn check(env: &Env, trial: &Trial, at: usize) {
    env.git(&["-C", "w", "fsck", "--strict"]);
    let spec = format!("HEAD:{}", trial.path);
    let held = env.git(&["-C", "w", "show", &spec]);
    let whole = [trial.before, trial.after]
        .iter()
        .any(|text| held.contains(text));
    assert!(whole, "{:?} killed at call {at} left:\n{held}", trial.args);
    env.stdout(&["-C", "w", "status"]);
    let again = env
        .buildkeep(&["-C", "w"])
        .args(trial.args)
        .output()
        .unwrap();
    let shown = env.shown(&again);
    assert!(
        again.status.success(),
        "{:?} after death at call {at}:\n{shown}",
        trial.args
    );
    let held = env.git(&["-C", "w", "show", &spec]);
    assert!(
        held.contains(trial.after),
        "{:?} after death at call {at}:\n{held}",
        trial.args
    );
    assert_eq!(
        env.git(&["-C", "w", "status", "--porcelain"]),
        "",
        "after death at call {at}"
    );
}

fn torture(trial: &Trial, fate: Fate) {
    let env = base();
    let mut failures = 0;
    // A failure that the command can do without (of a cache) leaves it successful; ten such calls
    // in a row say that it is through.
    let mut successes = 0;
    for at in 1.. {
        copy(&env);
        (trial.prepare)(&env);
        let output = met(&env, trial, fate, at);
        if output.status.success() {
            successes += 1;
            if matches!(fate, Fate::Killed) || successes == 10 {
                break;
            }
            continue;
        }
        (failures, successes) = (failures + 1, 0);
        explained(&env, fate, &output);
        check(&env, trial, at);
    }
    assert!(failures > 5, "{fate:?}: {failures}");
}

/// Who is not killed says what went wrong, and never that it is our bug.
fn explained(env: &Env, fate: Fate, output: &Output) {
    if let Fate::Fails(_) = fate {
        let shown = env.shown(output);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(shown.contains("error: cannot "), "{shown}");
    }
}

const SET: Trial = Trial {
    prepare: |_| {},
    args: &["config", "set", "build.tests", "full"],
    path: "config/build.toml",
    before: "tests = \"quick\"",
    after: "tests = \"full\"",
};

const COMMIT: Trial = Trial {
    prepare: |env| {
        env.write("w/scripts/01-one.sh", "#!/bin/sh\necho changed\n");
        env.write("w/notes", "new\n");
    },
    args: &["commit", "-m", "scripts: say another thing"],
    path: "scripts/01-one.sh",
    before: "echo one",
    after: "echo changed",
};

const ROLLBACK: Trial = Trial {
    prepare: |_| {},
    args: &["rollback", "--to", "v1", "--yes"],
    path: "config/build.toml",
    before: "tests = \"quick\"",
    after: "tests = \"none\"",
};

#[test]
fn config_set_survives_death_at_every_call() {
    torture(&SET, Fate::Killed);
}

#[test]
fn commit_survives_death_at_every_call() {
    torture(&COMMIT, Fate::Killed);
}

#[test]
fn rollback_survives_death_at_every_call() {
    torture(&ROLLBACK, Fate::Killed);
}

#[test]
fn config_set_survives_a_full_disk_at_every_call() {
    torture(&SET, Fate::Fails("ENOSPC"));
}

#[test]
fn commit_survives_a_full_disk_at_every_call() {
    torture(&COMMIT, Fate::Fails("ENOSPC"));
}

#[test]
fn rollback_survives_a_broken_disk_at_every_call() {
    torture(&ROLLBACK, Fate::Fails("EIO"));
}
