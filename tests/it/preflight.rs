//! What is looked at before a build goes on, and which tools it was built with.
use std::process::Command;

use super::env::Env;
use super::run::{json, keep};

/// A compiler that says which one it is, and notes that it was asked.
fn compiler(env: &Env, version: &str) {
    let body = format!(
        "#!/bin/sh\necho asked >> '{}'\necho 'cc {version}'\n",
        env.path("asked").display()
    );
    env.script("bin/cc", &body);
}

fn command(env: &Env, args: &[&str]) -> Command {
    let mut command = env.buildkeep(&["-C", "k"]);
    let path = std::env::var_os("PATH").unwrap();
    let mut folders = vec![env.path("bin")];
    folders.extend(std::env::split_paths(&path));
    command
        .args(args)
        .env("PATH", std::env::join_paths(folders).unwrap());
    command
}

fn run(env: &Env, args: &[&str]) -> String {
    env.shown(&command(env, args).output().unwrap())
}

fn asked(env: &Env) -> usize {
    std::fs::read_to_string(env.path("asked"))
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn another_compiler_is_told_and_counts_only_if_the_plan_says_so() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho one\n"),
        ("02-two.sh", "#!/bin/sh\nexit 1\n"),
    ]);
    compiler(&env, "1.0");
    run(&env, &["run"]);
    assert_eq!(asked(&env), 1, "asked once, then known by its file");
    run(&env, &["status"]);
    assert_eq!(asked(&env), 1);

    compiler(&env, "2.0");
    let status = run(&env, &["status"]);
    assert!(!status.contains("stale"), "{status}");
    let why = run(&env, &["why", "one"]);
    assert!(why.contains("  tool cc: cc 1.0 -> cc 2.0\n"), "{why}");
    let again = run(&env, &["run"]);
    assert!(
        again.contains("warning: tool cc: cc 1.0 -> cc 2.0"),
        "{again}"
    );
    assert!(!again.contains("one again"), "{again}");

    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write(
        "k/plan.toml",
        &plan.replace("[env]", "tools = [\"cc\", \"not-there\"]\n[env]"),
    );
    run(&env, &["run"]);
    compiler(&env, "3.0");
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(
        dry.contains("one  tool cc changed from \"cc 2.0\" to \"cc 3.0\""),
        "{dry}"
    );
    assert!(run(&env, &["status"]).contains("tool cc changed"));
}

#[test]
fn what_would_spoil_the_build_is_told_before_it_goes_on() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho $LFS\n"),
        ("02-two.sh", "#!/bin/sh\nexit 1\n"),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n";
    env.write("k/plan.toml", plan);
    let refused = run(&env, &["run"]);
    assert!(
        refused.contains("error: one reads $LFS, and it is not set"),
        "{refused}"
    );
    assert!(
        refused.contains("hint: export LFS=[ROOT]/root"),
        "{refused}"
    );
    assert!(refused.contains("--- exit 2"), "{refused}");
    assert!(run(&env, &["run", "--unchecked"]).contains("1 step done, 1 failed"));

    let line = "umask 077; exec \"$@\"";
    let mut inner = command(&env, &["run"]);
    let mut shell = env.command("sh");
    shell
        .args(["-c", line, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    shell
        .env("LFS", "/mnt/other")
        .env("LD_PRELOAD", "")
        .env("CFLAGS", "-O9");
    let shown = env.shown(&shell.output().unwrap());
    for expected in [
        "warning: umask is 0077: ",
        "warning: CFLAGS is set, and scripts inherit it: unset CFLAGS",
        "warning: LFS is /mnt/other, and the plan builds [ROOT]/root: export LFS=[ROOT]/root",
    ] {
        assert!(shown.contains(expected), "{expected}:\n{shown}");
    }
    assert!(!shown.contains("LD_PRELOAD"), "{shown}");
    inner.env("LFS", env.path("root"));
    let shown = env.shown(&inner.output().unwrap());
    assert!(!shown.contains("warning: LFS"), "{shown}");
}

#[test]
fn room_for_the_next_step_is_looked_at() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\nexit 1\n")]);
    let plan = "schema = 1\nscripts = \"scripts\"\n[[step]]\nid = \"one\"\ndisk = \"900000 TB\"\n";
    env.write("k/plan.toml", plan);
    let shown = run(&env, &["run"]);
    assert!(
        shown.contains("warning: one needs 900 PB in [ROOT]/k, and "),
        "{shown}"
    );
    assert_eq!(json(&env, &["status"])[0]["disk"]["step"], "one");
}
