//! config history, blame, diff; log with its filters: who changed what, when, and for which steps.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

/// A command of a person at a time.
fn at(env: &Env, (who, time): (&str, &str), args: &[&str]) -> String {
    let mut command = env.buildkeep(&["-C", "k"]);
    command.args(args);
    command
        .env("GIT_AUTHOR_NAME", who)
        .env("GIT_COMMITTER_NAME", who);
    command.env("BUILDKEEP_TEST_CLOCK", time);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    env.shown(&output)
}

const ADA: (&str, &str) = ("Ada", "2026-02-01T10:00:00Z");
const BEN: (&str, &str) = ("Ben", "2026-02-03T10:00:00Z");
const CAI: (&str, &str) = ("Cai", "2026-02-05T10:00:00Z");

/// Two people, an overlay, a file that moves, a commit by hand.
fn past() -> Env {
    let env = keep();
    at(&env, ADA, &["config", "set", "build.jobs", "8"]);
    at(
        &env,
        ADA,
        &["config", "set", "mirror.token", "secret:mirror"],
    );
    at(
        &env,
        BEN,
        &[
            "config",
            "set",
            "build.cflags",
            "-O2 -pipe -fstack-protector-strong -g",
        ],
    );
    at(&env, BEN, &["config", "set", "build.jobs", "12", "--host"]);
    env.git(&["-C", "k", "mv", "config/build.toml", "config/all.toml"]);
    env.git(&[
        "-C",
        "k",
        "mv",
        "schemas/build.schema.json",
        "schemas/all.schema.json",
    ]);
    at(&env, CAI, &["commit", "-m", "config: one file for all"]);
    at(
        &env,
        CAI,
        &[
            "config",
            "set",
            "build.cflags",
            "-O2 -pipe -fstack-protector-strong -march=native",
        ],
    );
    env.write("k/notes", "1\n");
    at(&env, CAI, &["commit", "-m", "keep: notes"]);
    env
}

#[test]
fn the_past_of_a_key_is_told_through_layers_and_files() {
    let env = past();
    let shown = [
        k(&env, "config history build.jobs"),
        k(&env, "config history build.cflags -n 2"),
        k(&env, "config history mirror"),
        k(&env, "config history mirror.token"),
        k(&env, "config history build.strip"),
        k(&env, "config history build.jibs"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] v6   2026-02-03 10:00 Ben: config: set build.jobs to 12
  build.jobs: 8 -> 12
[COMMIT] v3   2026-02-01 10:00 Ada: config: set build.jobs to 8
  build.jobs: 4 -> 8
[COMMIT] v2   2026-01-02 03:04 Test Er: config: settings of the build
  build.jobs: 2 -> 4
[COMMIT] v1   2026-01-02 03:04 Test Er: keep: begin with the template generic
  build.jobs: set to 2

[COMMIT] v8   2026-02-05 10:00 Cai: config: set build.cflags to "-O2 -pipe -fstack-protector-strong -mar…
  build.cflags: "-O2 -pipe -fstack-protector-strong [--g-]{+-march=native+}"
[COMMIT] v5   2026-02-03 10:00 Ben: config: set build.cflags to "-O2 -pipe -fstack-protector-strong -g"
  build.cflags: "-O2" -> "-O2 -pipe -fstack-protector-strong -g"

[COMMIT] v4   2026-02-01 10:00 Ada: config: set mirror.token
  mirror: set to {"token":"(secret)"}

[COMMIT] v4   2026-02-01 10:00 Ada: config: set mirror.token
  mirror.token: set to "(secret)"

--- stderr
no version ever set `build.strip` in a file

--- stderr
error: there is no key `build.jibs`
hint: did you mean `build.jobs`?
--- exit 2

"#]]
    );
}

#[test]
fn every_key_has_somebody_who_set_it() {
    let env = past();
    let text = std::fs::read_to_string(env.path("k/config/all.toml")).unwrap();
    env.write("k/config/all.toml", &text.replace("\"quick\"", "\"full\""));
    let shown = [
        k(&env, "config blame"),
        env.run_in("k/config", &["config", "blame", "all.toml"]),
        k(&env, "config blame mirror"),
        k(&env, "config blame build.strip"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] v8 2026-02-05 10:00 Cai build.cflags = "-O2 -pipe -fstack-protector-strong -march=native"  config: set build.cflags to "-O2 -pipe -fstack-protector-strong -mar…
[COMMIT] v6 2026-02-03 10:00 Ben build.jobs = 12                           config: set build.jobs to 12
-                                  build.tests = "full"                      not committed yet
[COMMIT] v4 2026-02-01 10:00 Ada mirror.token = "(secret)"                 config: set mirror.token

[COMMIT] v1 2026-01-02 03:04 Test Er schema = 1                                keep: begin with the template generic
[COMMIT] v3 2026-02-01 10:00 Ada     build.jobs = 8                            config: set build.jobs to 8
[COMMIT] v8 2026-02-05 10:00 Cai     build.cflags = "-O2 -pipe -fstack-protector-strong -march=native"  config: set build.cflags to "-O2 -pipe -fstack-protector-strong -mar…
-                                      build.tests = "full"                      not committed yet
[COMMIT] v4 2026-02-01 10:00 Ada     mirror.token = "(secret)"                 config: set mirror.token

[COMMIT] v4 2026-02-01 10:00 Ada mirror.token = "(secret)"  config: set mirror.token

--- stderr
error: no file sets `build.strip`
hint: list what holds: `buildkeep config list`
--- exit 2

"#]]
    );
}

#[test]
fn two_versions_differ_by_key_and_by_line() {
    let env = past();
    let shown = [
        k(&env, "config diff v6 v8"),
        k(&env, "config diff v3..v4 --text"),
        k(&env, "config diff 2026-02-01..2026-02-03 --exit-code"),
        k(&env, "config diff v7 v8 --exit-code --json"),
        k(&env, "config diff"),
        k(&env, "config diff --exit-code"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.cflags: "-O2 -pipe -fstack-protector-strong [--g-]{+-march=native+}"

config/build.toml (modified)
@@ -6,3 +6,6 @@
 jobs   = 8      # as many as there are cores
 cflags = '-O2'  # single quotes
 tests = "quick"
+
+[mirror]
+token = …

build.cflags: "-O2" -> "-O2 -pipe -fstack-protector-strong -g"
build.jobs: 8 -> 12
--- exit 1

{"format":1,"keys":[{"key":"build.cflags","before":"-O2 -pipe -fstack-protector-strong -g","after":"-O2 -pipe -fstack-protector-strong -march=native"}],"stale":[],"fresh":[]}
--- exit 1

no key differs

no key differs

"#]]
    );
}

#[test]
fn the_log_is_filtered_by_what_is_asked_for() {
    let env = past();
    env.write("k/plan.toml", "[env]\nJOBS = \"${build.jobs}\"\n");
    env.script("k/scripts/01-one.sh", "#!/bin/sh\necho $JOBS\n");
    env.stdout(&["-C", "k", "commit", "-m", "plan: jobs"]);
    env.stdout(&["-C", "k", "run"]);
    at(&env, CAI, &["config", "set", "build.jobs", "3", "--host"]);
    let shown = [
        k(&env, "log -n 3"),
        k(&env, "log --key build.jobs"),
        k(&env, "log --key mirror"),
        k(&env, "log --author ben --kind config"),
        k(&env, "log --since 2026-02-02 --until 2026-02-04"),
        k(&env, "log --step one"),
        k(&env, "log --kind run -n 1"),
        k(&env, "log v3..v5"),
        k(&env, "log -- notes scripts"),
        k(&env, "log --since soon"),
        k(&env, "log --kind alert"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] v9   2026-02-05 10:00 config: set build.jobs to 3 [1 step stale]
[COMMIT]      2026-01-02 03:04 plan: jobs (good/01KDYAK3480000000000000CPC)
[COMMIT]      2026-02-05 10:00 keep: notes

[COMMIT] v9   2026-02-05 10:00 config: set build.jobs to 3 [1 step stale]
[COMMIT] v6   2026-02-03 10:00 config: set build.jobs to 12
[COMMIT] v3   2026-02-01 10:00 config: set build.jobs to 8
[COMMIT] v2   2026-01-02 03:04 config: settings of the build
[COMMIT] v1   2026-01-02 03:04 keep: begin with the template generic

[COMMIT] v4   2026-02-01 10:00 config: set mirror.token

[COMMIT] v6   2026-02-03 10:00 config: set build.jobs to 12
[COMMIT] v5   2026-02-03 10:00 config: set build.cflags to "-O2 -pipe -fstack-protector-strong -g"

[COMMIT] v6   2026-02-03 10:00 config: set build.jobs to 12
[COMMIT] v5   2026-02-03 10:00 config: set build.cflags to "-O2 -pipe -fstack-protector-strong -g"

[COMMIT] v9   2026-02-05 10:00 config: set build.jobs to 3 [1 step stale]
[COMMIT]      2026-01-02 03:04 run: one#1 succeeded

[COMMIT]      2026-01-02 03:04 run: ended

[COMMIT] v5   2026-02-03 10:00 config: set build.cflags to "-O2 -pipe -fstack-protector-strong -g"
[COMMIT] v4   2026-02-01 10:00 config: set mirror.token

[COMMIT]      2026-01-02 03:04 plan: jobs (good/01KDYAK3480000000000000CPC)
[COMMIT]      2026-02-05 10:00 keep: notes
[COMMIT] v1   2026-01-02 03:04 keep: begin with the template generic

--- stderr
error: `soon` is no time
hint: write a day as 2026-01-31, a time as "2026-01-31 12:00", or 2d, "3 hours ago"
--- exit 2

--- stderr
no such commits

"#]]
    );
    let lines = env.stdout(&["-C", "k", "log", "--json", "-n", "2"]);
    let subjects: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["subject"].to_string())
        .collect();
    assert_eq!(
        subjects,
        ["\"config: set build.jobs to 3\"", "\"plan: jobs\""]
    );
}

#[test]
fn a_key_has_its_past_under_the_name_it_had_and_is_undone_under_its_new_one() {
    let env = crate::migrate::keep();
    env.git(&["-C", "k", "revert", "--no-edit", "HEAD"]);
    env.stdout(&["-C", "k", "config", "set", "build.cores", "8"]);
    env.git(&["-C", "k", "revert", "--no-edit", "HEAD~1"]);
    let set = env.json(&["-C", "k", "undo", "--list"])["operations"][0]["id"].clone();
    env.stdout(&["-C", "k", "config", "migrate"]);
    env.stdout(&["-C", "k", "config", "set", "build.cflags", "[\"-O1\"]"]);
    let shown = [
        k(&env, "config history build.jobs"),
        k(&env, "config blame build"),
        k(&env, &format!("undo {}", set.as_str().unwrap())),
        std::fs::read_to_string(env.path("k/config/build.toml")).unwrap(),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] v3   2026-01-02 03:04 Test Er: config: set build.cores to "8"
  build.jobs: 4 -> 8
[COMMIT] v2   2026-01-02 03:04 Test Er: config: form 1
  build.jobs: 2 -> 4
[COMMIT] v1   2026-01-02 03:04 Test Er: keep: begin with the template generic
  build.jobs: set to 2

[COMMIT] v5 2026-01-02 03:04 Test Er build.cflags = ["-O1"]  config: set build.cflags to ["-O1"]
[COMMIT] v3 2026-01-02 03:04 Test Er build.jobs = 8          config: set build.cores to "8"

undid `config: set build.cores to "8"` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 8 -> 4
  config/build.toml changes
to do it again: buildkeep redo

# Settings of the build.
schema = 3

[build]
jobs  = 4      # one per core
cflags = ["-O1"]

"#]]
    );
}

#[test]
fn a_commit_that_names_only_some_of_its_stale_steps_is_not_left_out() {
    let env = keep();
    let facts = "config: much\n\nBuildkeep-Format: 1\nBuildkeep-Kind: config\n\
                 Buildkeep-Stale: one\nBuildkeep-Stale-Count: 21";
    let git = env
        .command("git")
        .args([
            "-C",
            "k",
            "commit",
            "-q",
            "--allow-empty",
            "--no-verify",
            "-m",
        ])
        .arg(facts)
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .status();
    assert!(git.unwrap().success());
    let shown = [
        env.run_in("k", &["log", "--step", "one"]),
        env.run_in("k", &["log", "--step", "two"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT]      2026-01-02 03:04 config: much [21 steps stale]

[COMMIT]      2026-01-02 03:04 config: much [21 steps stale]
--- stderr
warning: 1 of these commits makes more steps stale than it names; `two` may be one of them

"#]]
    );
}
