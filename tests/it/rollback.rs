//! rollback: what goes back, what stays, and how to undo it.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::{Env, without_ids};

/// Versions 3 and 4 change one key each.
fn history() -> Env {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "16"]);
    env.stdout(&["-C", "k", "config", "set", "build.cflags", "-O3"]);
    env
}

fn build_toml(env: &Env) -> String {
    std::fs::read_to_string(env.path("k/config/build.toml")).unwrap()
}

#[test]
fn the_configuration_goes_back_and_forth() {
    let env = history();
    let before = build_toml(&env);
    let shown = [
        k(&env, "rollback --to v2 --dry-run"),
        k(&env, "rollback --to v2"),
        k(&env, "rollback --to v2 --yes"),
        k(&env, "rollback --to v2 --yes"),
        without_ids(&env.git(&["-C", "k", "log", "-1", "--format=%B"])),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
bringing back the configuration of v2 changes:
  build.cflags: "-O3" -> "-O2"
  build.jobs: 16 -> 4
  config/build.toml changes

--- stderr
error: a rollback overwrites files, and nobody is there to ask
hint: look at it first: add `--dry-run`
hint: do it without a question: add `--yes`
--- exit 2

brought back the configuration of v2, committed [COMMIT]
  build.cflags: "-O3" -> "-O2"
  build.jobs: 16 -> 4
  config/build.toml changes
to undo: buildkeep undo

nothing to do: the configuration is that of v2 already

config: go back to v2

Buildkeep-Format: 1
Buildkeep-Kind: rollback
Buildkeep-Op: 01KDYAK34800000000000006TR
Buildkeep-Host: box-00z9
Buildkeep-Rollback-To: [COMMIT]
Buildkeep-Rollback-From: [COMMIT]
Buildkeep-Key: build.cflags
Buildkeep-Key: build.jobs
Buildkeep-Version: 5


"#]]
    );
    env.stdout(&["-C", "k", "rollback", "--to", "v4", "--yes"]);
    assert_eq!(build_toml(&env), before);
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn one_key_goes_back_and_the_rest_stays() {
    let env = history();
    let shown = [
        k(&env, "rollback --to v2 --key build.jobs --yes"),
        build_toml(&env),
        k(&env, "config unset build.jobs"),
        k(&env, "rollback --to v3 --key build --dry-run --json"),
        k(&env, "rollback --to v3 --key nothing --yes"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
brought back build.jobs of v2, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to undo: buildkeep undo

#:schema ../schemas/build.schema.json
# Settings of the build.
schema = 1

[build]
jobs   = 4      # as many as there are cores
cflags = '-O3'  # single quotes
tests = "quick"

build.jobs: no longer set (was 4)
  now without a value
  config/build.toml, version 6, committed [COMMIT]

{"format":1,"to":"[COMMIT]","from":"[COMMIT]","keys":[{"key":"build.cflags","before":"-O3","after":"-O2"},{"key":"build.jobs","before":null,"after":16}],"files":[{"path":"config/build.toml","kind":"modified"}],"stale":[],"fresh":[],"applied":false,"commit":null,"version":null,"saved":null,"undo":null}

--- stderr
error: the key `nothing` is neither in the work tree nor in [COMMIT]
hint: look at what was there: `buildkeep show [COMMIT]`
hint: nothing was changed
--- exit 2

"#]]
    );
}

#[test]
fn a_file_or_everything_goes_back() {
    let env = history();
    env.script("k/scripts/01-a.sh", "#!/bin/sh\necho a\n");
    env.stdout(&["-C", "k", "commit", "-m", "scripts: a"]);
    env.write("k/scripts/01-a.sh", "#!/bin/sh\necho b\n");
    env.stdout(&["-C", "k", "commit", "-m", "scripts: b"]);
    let shown = [
        k(&env, "rollback --to HEAD~1 --file scripts/01-a.sh --yes"),
        env.run_in(
            "k/scripts",
            &["rollback", "--to", "v4", "--file", "01-a.sh", "--dry-run"],
        ),
        k(&env, "rollback --to v2 --all --yes"),
        k(&env, "rollback --to v2 --file gone.txt --yes"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
brought back scripts/01-a.sh of [COMMIT], committed [COMMIT]
  scripts/01-a.sh changes
to undo: buildkeep undo

bringing back scripts/01-a.sh of v4 changes:
  scripts/01-a.sh is removed

brought back every file of v2, committed [COMMIT]
  build.cflags: "-O3" -> "-O2"
  build.jobs: 16 -> 4
  config/build.toml changes
  scripts/01-a.sh is removed
to undo: buildkeep undo

--- stderr
error: gone.txt is neither in the work tree nor in [COMMIT]
hint: look at what was there: `buildkeep show [COMMIT]`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert!(!env.path("k/scripts/01-a.sh").exists());
    env.git(&["-C", "k", "checkout", "-q", "HEAD~1"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(env.path("k/scripts/01-a.sh"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o111, 0o111, "the run bit came back with the file");
}

#[test]
fn uncommitted_work_is_saved_first() {
    let env = history();
    env.write("k/notes.txt", "mine\n");
    assert_data_eq!(
        k(&env, "rollback --to v3 --yes"),
        str![[r#"
brought back the configuration of v3, committed [COMMIT]
  build.cflags: "-O3" -> "-O2"
  config/build.toml changes
to undo: buildkeep undo
--- stderr
saved uncommitted work as commit [COMMIT]

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "show", "HEAD~1:notes.txt"]), "mine\n");
    env.write("k/config/build.toml", "[build]\njobs = \"broken\"\n");
    assert_data_eq!(
        k(&env, "rollback --to v3 --yes"),
        str![[r#"
brought back the configuration of v3, committed [COMMIT]
  build.cflags: set to "-O2"
  build.jobs: "broken" -> 16
  build.tests: "none" -> "quick"
  config/build.toml changes
to undo: buildkeep undo
--- stderr
saved uncommitted work, which is not valid, beside the branch: `git show [COMMIT]`

"#]]
    );
    let saved = env.git(&[
        "-C",
        "k",
        "for-each-ref",
        "--format=%(refname)",
        "refs/buildkeep/saved",
    ]);
    let content = env.git(&[
        "-C",
        "k",
        "show",
        &format!("{}:config/build.toml", saved.trim()),
    ]);
    assert_eq!(content, "[build]\njobs = \"broken\"\n");
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
valid: 3 files checked

"#]]
    );
}

#[test]
fn versions_have_many_names() {
    let env = history();
    env.git(&["-C", "k", "tag", "good/first", "HEAD~2"]);
    let shown = [
        k(&env, "config get build.jobs --at last-good"),
        k(&env, "config get build.jobs --at 2026-01-02"),
        k(&env, "config get build.jobs --at HEAD~2"),
        k(&env, "config get build.jobs --at good/first"),
        k(&env, "config get build.jobs --at v3"),
        k(&env, "config diff v2 v4"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
4

16

4

4

16

build.cflags: "-O2" -> "-O3"
build.jobs: 4 -> 16

"#]]
    );
}

#[test]
fn a_commit_by_hand_is_a_version_too() {
    let env = history();
    let text = build_toml(&env).replace("16", "32");
    env.write("k/config/build.toml", &text);
    env.git(&["-C", "k", "commit", "-qam", "by hand"]);
    assert_data_eq!(
        k(&env, "config set build.jobs 33"),
        str![[r#"
build.jobs: 32 -> 33
  config/build.toml, version 6, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        k(&env, "config diff v4 v5"),
        str![[r#"
build.jobs: 16 -> 32

"#]]
    );
}

#[test]
fn nothing_changes_under_steps_that_run() {
    let env = history();
    env.write("k/.buildkeep/runs/lock", "");
    let lock = std::fs::File::open(env.path("k/.buildkeep/runs/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_data_eq!(
        k(&env, "rollback --to v2 --yes"),
        str![[r#"
--- stderr
error: steps are running, and may read what a rollback changes
hint: stop them first: `buildkeep stop`
hint: or do it all the same: add `--while-running`
--- exit 3

"#]]
    );
    env.stdout(&[
        "-C",
        "k",
        "rollback",
        "--to",
        "v2",
        "--yes",
        "--while-running",
    ]);
}
