//! Death at every system call that writes: afterwards the keep opens, holds what it held before or
//! after, and the same command works without help.
use std::process::Command;

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

/// Runs the command under strace, killed at call `at`; whether it survived.
fn killed_at(env: &Env, trial: &Trial, at: usize) -> bool {
    let mut strace = env.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={}", calls()))
        .arg("-e")
        .arg(format!("inject={}:signal=SIGKILL:when={at}", calls()))
        .arg(env!("CARGO_BIN_EXE_buildkeep"))
        .args(["-C", "w"])
        .args(trial.args);
    strace.output().unwrap().status.success()
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

fn torture(trial: &Trial) {
    let env = base();
    let mut at = 1;
    loop {
        copy(&env);
        (trial.prepare)(&env);
        if killed_at(&env, trial, at) {
            break;
        }
        check(&env, trial, at);
        at += 1;
    }
    assert!(at > 5, "strace killed nothing: {at}");
}

#[test]
fn config_set_survives_death_at_every_call() {
    torture(&Trial {
        prepare: |_| {},
        args: &["config", "set", "build.tests", "full"],
        path: "config/build.toml",
        before: "tests = \"quick\"",
        after: "tests = \"full\"",
    });
}

#[test]
fn commit_survives_death_at_every_call() {
    torture(&Trial {
        prepare: |env| {
            env.write("w/scripts/01-one.sh", "#!/bin/sh\necho changed\n");
            env.write("w/notes", "new\n");
        },
        args: &["commit", "-m", "scripts: say another thing"],
        path: "scripts/01-one.sh",
        before: "echo one",
        after: "echo changed",
    });
}

#[test]
fn rollback_survives_death_at_every_call() {
    torture(&Trial {
        prepare: |_| {},
        args: &["rollback", "--to", "v1", "--yes"],
        path: "config/build.toml",
        before: "tests = \"quick\"",
        after: "tests = \"none\"",
    });
}
