//! undo and redo: of every command that changes the keep, in any order, and what they do not reach.
use std::process::Stdio;

use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

fn build_toml(env: &Env) -> String {
    std::fs::read_to_string(env.path("k/config/build.toml")).unwrap()
}

/// The id of the operation on line `at` of the list.
fn operation(env: &Env, at: usize) -> String {
    let listed = env.json(&["-C", "k", "undo", "--list"]);
    listed["operations"][at]["id"].as_str().unwrap().to_owned()
}

#[test]
fn set_then_undo_restores_the_bytes_and_redo_does_it_again() {
    let env = keep();
    let before = build_toml(&env);
    let mut shown = vec![
        k(&env, "config set build.jobs 16"),
        k(&env, "undo --dry-run"),
        k(&env, "undo"),
    ];
    assert_eq!(build_toml(&env), before);
    shown.extend([
        k(&env, "redo"),
        k(&env, "redo"),
        k(&env, "undo"),
        k(&env, "undo --list"),
        k(&env, "log -n 3"),
    ]);
    assert_eq!(build_toml(&env), before);
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs: 4 -> 16
  config/build.toml, version 3, committed [COMMIT]

undoing `config: set build.jobs to 16` of 2026-01-02 03:04 changes:
  build.jobs: 16 -> 4
  config/build.toml changes

undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo

did again `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 4 -> 16
  config/build.toml changes
to undo: buildkeep undo

--- stderr
error: nothing was undone that could be done again
hint: see what was done: `buildkeep undo --list`
--- exit 2

undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo

[COMMIT] 2026-01-02 03:04 undo   undo: config: set build.jobs to 16
[COMMIT] 2026-01-02 03:04 redo   redo: config: set build.jobs to 16
[COMMIT] 2026-01-02 03:04 undone undo: config: set build.jobs to 16
[COMMIT] 2026-01-02 03:04 undone config: set build.jobs to 16
[COMMIT] 2026-01-02 03:04        config: settings of the build
[COMMIT] 2026-01-02 03:04 first  keep: begin with the template generic

[COMMIT] v6   2026-01-02 03:04 undo: config: set build.jobs to 16
[COMMIT] v5   2026-01-02 03:04 redo: config: set build.jobs to 16
[COMMIT] v4   2026-01-02 03:04 undo: config: set build.jobs to 16

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    env.git(&["-C", "k", "fsck", "--strict"]);
}

#[test]
fn undo_goes_back_one_by_one_until_something_new_is_done() {
    let env = keep();
    let before = build_toml(&env);
    let set = |jobs: &str| env.stdout(&["-C", "k", "config", "set", "build.jobs", jobs]);
    set("5");
    env.stdout(&["-C", "k", "config", "unset", "build.tests"]);
    env.stdout(&["-C", "k", "rollback", "--to", "v3", "--yes"]);
    for _ in 0..3 {
        env.stdout(&["-C", "k", "undo"]);
    }
    assert_eq!(build_toml(&env), before);
    env.stdout(&["-C", "k", "redo"]);
    env.stdout(&["-C", "k", "redo"]);
    assert!(!build_toml(&env).contains("tests ="));
    set("7");
    let shown = [
        k(&env, "redo"),
        k(&env, "undo"),
        k(&env, "undo"),
        k(&env, "undo"),
        k(&env, "undo"),
        k(&env, "undo"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: nothing to do again: `config: set build.jobs to 7` was done since the last undo
hint: to take that undo back all the same: `buildkeep undo [COMMIT]`
--- exit 2

undid `config: set build.jobs to 7` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 7 -> 5
  config/build.toml changes
to do it again: buildkeep redo

undid `config: unset build.tests` of 2026-01-02 03:04, committed [COMMIT]
  build.tests: "none" -> "quick"
  config/build.toml changes
to do it again: buildkeep redo

undid `config: set build.jobs to 5` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 5 -> 4
  config/build.toml changes
to do it again: buildkeep redo

undid `config: settings of the build` of 2026-01-02 03:04, committed [COMMIT]
  build.cflags: no longer set (was "-O2")
  build.jobs: 4 -> 2
  build.strip: no longer set (was true)
  build.tests: "quick" -> "none"
  buildkeep.toml changes
  config/build.toml changes
  schemas/build.schema.json changes
to do it again: buildkeep redo

--- stderr
error: nothing is left to undo
hint: see what was done: `buildkeep undo --list`
hint: go back to a version: `buildkeep rollback --to VERSION`
--- exit 2

"#]]
    );
}

#[test]
fn what_came_later_stays_key_by_key() {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    env.stdout(&["-C", "k", "config", "set", "build.cflags", "-O3"]);
    let jobs = operation(&env, 1);
    assert_data_eq!(
        k(&env, &format!("undo {}", &jobs[..8])),
        str![[r#"
undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo

"#]]
    );
    let text = build_toml(&env);
    assert!(
        text.contains(
            "jobs   = 4      # as many as there are cores\ncflags = '-O3'  # single quotes\n"
        ),
        "{text}"
    );
    let shown = [
        k(&env, &format!("undo {jobs}")),
        k(&env, "undo ffffffff"),
        k(&env, "redo"),
        k(&env, "config set build.jobs 20"),
        k(&env, &format!("undo {jobs}")),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: `config: set build.jobs to 16` is undone already
hint: do it again: `buildkeep redo`
--- exit 2

--- stderr
error: there is no operation `ffffffff`
hint: list them: `buildkeep undo --list`
--- exit 2

did again `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 4 -> 16
  config/build.toml changes
to undo: buildkeep undo

build.jobs: 16 -> 20
  config/build.toml, version 7, committed [COMMIT]

--- stderr
error: `build.jobs` was changed again since then
hint: nothing was changed, so that the later change is not lost
hint: see how it came about: `buildkeep config history build.jobs`
hint: to bring back all the same what was before: `buildkeep rollback --to [COMMIT] --key KEY`, or `--file FILE`
--- exit 4

"#]]
    );
    assert!(
        build_toml(&env).contains("jobs   = 20"),
        "nothing was changed"
    );
}

#[test]
fn tags_are_put_back_with_who_made_them() {
    let env = keep();
    env.stdout(&["-C", "k", "tag", "first", "v1", "-m", "the beginning"]);
    let object = env.git(&["-C", "k", "rev-parse", "refs/tags/first"]);
    env.stdout(&["-C", "k", "tag", "--delete", "first"]);
    env.git(&["-C", "k", "reflog", "expire", "--expire=now", "--all"]);
    env.git(&["-C", "k", "gc", "-q", "--prune=now"]);
    let shown = [k(&env, "undo"), k(&env, "redo"), k(&env, "undo")];
    assert_eq!(
        env.git(&["-C", "k", "rev-parse", "refs/tags/first"]),
        object
    );
    env.git(&["-C", "k", "tag", "-f", "first", "HEAD~1"]);
    let more = [k(&env, "tag --delete first"), k(&env, "undo --json")];
    assert_data_eq!(
        [shown.concat(), more.concat()].join("\n"),
        str![[r#"
undid `tag: delete first` of 2026-01-02 03:04
  tag first is put back
to do it again: buildkeep redo
did again `tag: delete first` of 2026-01-02 03:04
  tag first is taken away
to undo: buildkeep undo
undid `tag: delete first` of 2026-01-02 03:04
  tag first is put back
to do it again: buildkeep redo

--- stderr
deleted the name of [COMMIT]; to have it back: `buildkeep undo`
{"format":1,"operation":{"id":"[COMMIT]","time":"2026-01-02T03:04:05Z","author":"Test Er","kind":"config","command":"tag --delete first","subject":"tag: delete first"},"without_effect":[],"beyond":[],"keys":[],"files":[],"stale":[],"fresh":[],"tags":[{"name":"first","before":null,"after":"[COMMIT]"}],"stays":[],"applied":true,"commit":null,"version":null,"saved":null,"back":"buildkeep redo"}

"#]]
    );
}

#[test]
fn uncommitted_work_is_saved_and_stays() {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    env.write("k/notes.txt", "mine\n");
    let dirty = build_toml(&env).replace("'-O2'", "'-Os'");
    env.write("k/config/build.toml", &dirty);
    let mut shown = vec![k(&env, "undo")];
    let text = build_toml(&env);
    assert!(
        text.contains("jobs   = 4") && text.contains("'-Os'"),
        "{text}"
    );
    assert_eq!(env.git(&["-C", "k", "show", "HEAD~1:notes.txt"]), "mine\n");
    env.write("k/config/build.toml", "[build\n");
    shown.push(k(&env, "redo"));
    assert_eq!(build_toml(&env), "[build\n");
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo
--- stderr
saved uncommitted work as commit [COMMIT]

--- stderr
error[K001]: unclosed table
 --> config/build.toml:1:7
  |
1 | [build
  |       ^
  |
  = help: expected `]`
hint: nothing was changed
--- exit 2

"#]]
    );
}

#[test]
fn what_undo_does_not_reach_is_said() {
    let env = keep();
    env.git(&["init", "-q", "--bare", "bare.git"]);
    let bare = env.path("bare.git");
    env.stdout(&["-C", "k", "remote", "add", "origin", bare.to_str().unwrap()]);
    env.write(
        "k/plan.toml",
        "scripts = \"../s\"\nenv.JOBS = \"${build.jobs}\"\n",
    );
    env.script("s/01-one.sh", "#!/bin/sh\necho $JOBS\n");
    env.script("s/02-two.sh", "#!/bin/sh\necho two\n");
    env.stdout(&["-C", "k", "commit", "-m", "plan: jobs"]);
    env.stdout(&["-C", "k", "run"]);
    let shown = [
        k(&env, "config set build.jobs 16"),
        k(&env, "undo"),
        k(&env, "redo"),
        k(&env, "push --quiet"),
    ];
    env.stdout(&["-C", "k", "run"]);
    let shown = [shown.concat(), k(&env, "undo")];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs: 4 -> 16
  config/build.toml, version 3, committed [COMMIT]
  makes 1 step stale: one
undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
  1 step is done again: one
to do it again: buildkeep redo
did again `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 4 -> 16
  config/build.toml changes
  makes 1 step stale: one
  stays: what these steps built, until `buildkeep run` builds them again
to undo: buildkeep undo
new      refs/heads/main
new      refs/heads/state/box-00z9
new      refs/tags/good/01KDYAK34800000000000005VM

undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
  makes 1 step stale: one
  stays: what `origin` has; `buildkeep push` sends this commit after it
  stays: what these steps built, until `buildkeep run` builds them again
to do it again: buildkeep redo

"#]]
    );
}

#[test]
fn of_two_that_undo_at_once_one_wins() {
    let env = keep();
    for jobs in ["5", "6", "7", "8"] {
        env.stdout(&["-C", "k", "config", "set", "build.jobs", jobs]);
    }
    let start = || {
        let mut command = env.buildkeep(&["-C", "k", "undo"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    let both = [start().unwrap(), start().unwrap()];
    let codes = both.map(|child| child.wait_with_output().unwrap().status.code());
    let undone = codes.iter().filter(|code| **code == Some(0)).count();
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 4))),
        "{codes:?}"
    );
    let listed = env.json(&["-C", "k", "undo", "--list"]);
    let undos = listed["operations"].as_array().unwrap();
    let undos = undos.iter().filter(|one| one["standing"] == "undo").count();
    assert_eq!(undos, undone, "each success undid an operation of its own");
    let value = env.json(&["-C", "k", "config", "get", "build.jobs"]);
    assert_eq!(value["value"], 8 - undone);
}

#[test]
fn a_crash_before_the_branch_moved_is_finished_by_the_same_command() {
    let env = keep();
    let before = build_toml(&env);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    let head = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    env.stdout(&["-C", "k", "undo"]);
    // The files and the log were written, and the branch was not.
    env.write("k/.git/refs/heads/main", &head);
    assert_eq!(build_toml(&env), before);
    env.stdout(&["-C", "k", "undo"]);
    assert_eq!(build_toml(&env), before);
    assert_eq!(
        env.git(&["-C", "k", "show", "HEAD:config/build.toml"]),
        before
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    let listed = env.json(&["-C", "k", "undo", "--list"]);
    assert_eq!(listed["operations"].as_array().unwrap().len(), 4);
}

#[test]
fn nothing_is_undone_under_steps_that_run() {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    env.write("k/.buildkeep/runs/lock", "");
    let lock = std::fs::File::open(env.path("k/.buildkeep/runs/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_data_eq!(
        k(&env, "undo"),
        str![[r#"
--- stderr
error: steps are running, and may read what this changes
hint: stop them first: `buildkeep stop`
hint: or do it all the same: add `--while-running`
--- exit 3

"#]]
    );
    env.stdout(&["-C", "k", "undo", "--while-running"]);
}

#[test]
fn a_commit_that_plain_git_amended_is_undone_all_the_same() {
    let env = keep();
    let before = build_toml(&env);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    env.git(&["-C", "k", "commit", "-q", "--amend", "-m", "better words"]);
    env.stdout(&["-C", "k", "undo"]);
    assert_eq!(build_toml(&env), before);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "17"]);
    env.git(&["-C", "k", "reset", "-q", "--hard", "HEAD~1"]);
    assert_data_eq!(
        k(&env, "undo"),
        str![[r#"
passed over `config: set build.jobs to 17`: nothing is left of it
undid `config: settings of the build` of 2026-01-02 03:04, committed [COMMIT]
  build.cflags: no longer set (was "-O2")
  build.jobs: 4 -> 2
  build.strip: no longer set (was true)
  build.tests: "quick" -> "none"
  buildkeep.toml changes
  config/build.toml changes
  schemas/build.schema.json changes
to do it again: buildkeep redo

"#]]
    );
}
