//! Clones whose history is cut off.
use snapbox::{assert_data_eq, str};

use crate::config::keep;
use crate::env::Env;

/// Makes a clone `c` with so many commits of the history.
fn clone(env: &Env, depth: &str) {
    let url = format!("file://{}", env.path("k").display());
    env.git(&["clone", "-q", "--depth", depth, &url, "c"]);
}

fn c(env: &Env, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    env.run_in("c", &words)
}

fn with_versions() -> Env {
    let env = keep();
    for jobs in 5..9 {
        env.stdout(&["-C", "k", "config", "set", "build.jobs", &jobs.to_string()]);
    }
    env
}

#[test]
fn versions_keep_their_numbers_and_what_is_missing_is_said() {
    let env = with_versions();
    clone(&env, "2");
    let shown = [
        "log",
        "config history build.jobs",
        "config blame build.tests",
        "log --key build.tests",
        "config get build.jobs --at v5",
        "config diff v5",
        "rollback --to v3 --yes",
        "config diff v9",
    ]
    .map(|words| format!("$ {words}\n{}", c(&env, words)));
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
$ log
[COMMIT] v6   2026-01-02 03:04 config: set build.jobs to 8
[COMMIT] v5   2026-01-02 03:04 config: set build.jobs to 7
--- stderr
warning: this clone is shallow: what was before [COMMIT] is not here; `git fetch --unshallow` brings it

$ config history build.jobs
[COMMIT] v6   2026-01-02 03:04 Test Er: config: set build.jobs to 8
  build.jobs: 7 -> 8
--- stderr
warning: this clone is shallow: what was before [COMMIT] is not here; `git fetch --unshallow` brings it

$ config blame build.tests
[COMMIT] v5 2026-01-02 03:04 Test Er build.tests = "quick"  config: set build.jobs to 7
--- stderr
warning: this clone is shallow: what was before [COMMIT] is not here; `git fetch --unshallow` brings it

$ log --key build.tests
--- stderr
no such commits
warning: this clone is shallow: what was before [COMMIT] is not here; `git fetch --unshallow` brings it

$ config get build.jobs --at v5
7

$ config diff v5
build.jobs: 7 -> 8

$ rollback --to v3 --yes
--- stderr
error: version 3 is not in this clone, whose history begins with version 5
hint: bring the rest: `git fetch --unshallow`
--- exit 2

$ config diff v9
--- stderr
error: there is no version 9: the newest is 6
hint: list versions: `buildkeep log`
--- exit 2

"#]]
    );
}

#[test]
fn work_goes_on_there_and_the_rest_may_be_brought_later() {
    let env = with_versions();
    clone(&env, "2");
    let status = env.json(&["-C", "c", "status"]);
    assert_eq!(status["config"]["version"], 6);
    assert_eq!(status["config"]["shallow"], true);
    assert!(c(&env, "status").contains("configuration v6 ("));
    c(&env, "config set build.jobs 16");
    assert!(c(&env, "undo").starts_with("undid"));
    assert_eq!(env.json(&["-C", "c", "status"])["config"]["version"], 8);
    env.git(&["-C", "c", "fetch", "-q", "--unshallow"]);
    let status = env.json(&["-C", "c", "status"]);
    assert_eq!(status["config"]["version"], 8);
    assert_eq!(status["config"]["shallow"], false);
    assert_data_eq!(c(&env, "config get build.jobs --at v3"), "5\n");
}

#[test]
fn the_oldest_commit_may_be_no_version_itself() {
    let env = with_versions();
    env.write("k/notes.txt", "one\n");
    env.stdout(&["-C", "k", "commit"]);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "9"]);
    clone(&env, "2");
    assert_data_eq!(c(&env, "config get build.jobs --at v6"), "8\n");
    assert_data_eq!(c(&env, "config get build.jobs --at v7"), "9\n");
}

#[test]
fn numbers_that_nobody_can_tell_are_not_made_up() {
    let env = with_versions();
    env.write("k/config/build.toml", "[build]\njobs = 12\n");
    env.git(&["-C", "k", "commit", "-qam", "by hand"]);
    clone(&env, "1");
    let shown = [
        c(&env, "log"),
        c(&env, "config get build.jobs --at v7"),
        c(&env, "config set build.jobs 13"),
        env.git(&[
            "-C",
            "c",
            "log",
            "-1",
            "--format=%(trailers:key=Buildkeep-Version)",
        ]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT]      [..] by hand
--- stderr
warning: this clone is shallow: what was before [COMMIT] is not here, and no number of a version can be told; `git fetch --unshallow` brings it

--- stderr
error: version 7 cannot be told in this clone, whose history is cut off
hint: bring the rest: `git fetch --unshallow`
--- exit 2

build.jobs: 12 -> 13
  config/build.toml, committed [COMMIT]



"#]]
    );
    assert_eq!(
        env.json(&["-C", "c", "status"])["config"]["version"],
        serde_json::Value::Null
    );
}

#[test]
fn a_push_from_there_is_judged() {
    let env = with_versions();
    env.git(&["init", "-q", "--bare", "r"]);
    env.git(&[
        "-C",
        "k",
        "push",
        "-q",
        &env.path("r").display().to_string(),
        "main",
    ]);
    let url = format!("file://{}", env.path("r").display());
    env.git(&["clone", "-q", "--depth", "1", "-b", "main", &url, "c"]);
    c(&env, "hooks install");
    env.write("c/config/build.toml", "[build]\njobs = \"many\"\n");
    env.git(&["-C", "c", "commit", "-qam", "bad", "--no-verify"]);
    assert!(c(&env, "status").contains("1 commit went past validation"));
    let push = env
        .command("git")
        .args(["-C", "c", "push"])
        .output()
        .unwrap();
    assert!(!push.status.success());
    env.write("c/config/build.toml", "[build]\njobs = 3\n");
    env.git(&["-C", "c", "commit", "-qam", "good"]);
    env.git(&["-C", "c", "push", "-q"]);
}
