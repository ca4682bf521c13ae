//! config set and unset: what changes, what stays, and what is refused.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};

#[test]
fn set_changes_one_value_and_nothing_else() {
    let env = keep();
    let shown = [
        k(&env, "config set build.jobs 16"),
        k(&env, "config set build.jobs 16"),
        env.run_in(
            "k",
            &[
                "config",
                "set",
                "build.cflags",
                "-O3 -g",
                "-m",
                "config: faster",
            ],
        ),
        k(&env, "config set build.version 12"),
        k(&env, "config set build.flags [\"a\",\"b\"] --dry-run"),
        k(&env, "config set mirror.url https://example.org/x"),
        std::fs::read_to_string(env.path("k/config/build.toml")).unwrap(),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs: 4 -> 16
  config/build.toml, version 3, committed [COMMIT]

build.jobs is 16 already

build.cflags: "-O2" -> "-O3 -g"
  config/build.toml, version 4, committed [COMMIT]

build.version: set to "12"
  config/build.toml, version 5, committed [COMMIT]

build.flags: set to ["a","b"]
  would change config/build.toml

config/build.toml (modified)
@@ -7,3 +7,4 @@
 cflags = '-O3 -g'  # single quotes
 tests = "quick"
 version = "12"
+flags = ["a","b"]

mirror.url: set to "https://example.org/x"
  config/build.toml, version 6, committed [COMMIT]

#:schema ../schemas/build.schema.json
# Settings of the build.
schema = 1

[build]
jobs   = 16      # as many as there are cores
cflags = '-O3 -g'  # single quotes
tests = "quick"
version = "12"

[mirror]
url = "https://example.org/x"

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn each_change_is_a_version_in_the_history() {
    let env = keep();
    k(&env, "config set build.jobs 16");
    env.run_in(
        "k",
        &["config", "set", "build.cflags", "-g", "-m", "config: debug"],
    );
    assert_data_eq!(
        k(&env, "config unset build.tests --json"),
        str![[r#"
{"format":1,"key":"build.tests","before":"quick","value":null,"file":"config/build.toml","changed":true,"now":{"value":"none","origin":{"layer":"default","file":"schemas/build.schema.json","line":null}},"changes":[{"key":"build.tests","before":"quick","value":null,"file":"config/build.toml","changed":true,"now":{"value":"none","origin":{"layer":"default","file":"schemas/build.schema.json","line":null}}}],"commit":"[COMMIT]","version":5,"stale":[],"fresh":[]}

"#]]
    );
    let format = "--format=%s|%(trailers:key=Buildkeep-Key,key=Buildkeep-Version,separator=%x20)";
    assert_data_eq!(
        env.git(&["-C", "k", "log", format]),
        str![[r#"
config: unset build.tests|Buildkeep-Key: build.tests Buildkeep-Version: 5
config: debug|Buildkeep-Key: build.cflags Buildkeep-Version: 4
config: set build.jobs to 16|Buildkeep-Key: build.jobs Buildkeep-Version: 3
config: settings of the build|Buildkeep-Version: 2
keep: begin with the template generic|Buildkeep-Version: 1

"#]]
    );
}

#[test]
fn a_wrong_value_changes_nothing() {
    let env = keep();
    let before = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    let shown = [
        k(&env, "config set build.jobs many"),
        k(&env, "config set build.jobs 0"),
        k(&env, "config set build.tests fulll"),
        k(&env, "config set build.strip yes"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:6:10
  |
6 | jobs   = "many"      # as many as there are cores
  |          ^^^^^^
  |
  = help: `build.jobs`: Parallel jobs (1 to 64)
hint: nothing was changed
--- exit 2

--- stderr
error[K006]: `build.jobs` is 0, but must be at least 1
 --> config/build.toml:6:10
  |
6 | jobs   = 0      # as many as there are cores
  |          ^
  |
  = help: `build.jobs` may be 1 to 64
hint: nothing was changed
--- exit 2

--- stderr
error[K005]: `build.tests` is "fulll", but must be one of "none", "quick", "full"
 --> config/build.toml:8:9
  |
8 | tests = "fulll"
  |         ^^^^^^^
  |
  = help: did you mean "full"?
hint: nothing was changed
--- exit 2

--- stderr
error[K004]: `build.strip` must be true or false, not text
 --> config/build.toml:9:9
  |
9 | strip = "yes"
  |         ^^^^^
  |
  = help: write `true`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), before);
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn a_wrong_key_changes_nothing() {
    let env = keep();
    let before = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    let shown = [
        k(&env, "config set build.cflag -O2"),
        k(&env, "config set build 1"),
        k(&env, "config set build.jobs.x 1"),
        k(&env, "config set build.jobs 1 --file scripts/x"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error[K002]: unknown key `cflag` in `build`
 --> config/build.toml:9:1
  |
9 | cflag = "-O2"
  | ^^^^^ nothing reads this
  |
  = help: did you mean `cflags`?
hint: nothing was changed
--- exit 2

--- stderr
error[K012]: `build` is a table
 --> config/build.toml:5:1
  |
5 | [build]
  | ^^^^^^^
  |
  = help: name one of its keys, for example `build.jobs`
hint: nothing was changed
--- exit 2

--- stderr
error[K012]: `build.jobs` is a value: it has no keys
 --> config/build.toml:6:10
  |
6 | jobs   = 4      # as many as there are cores
  |          ^
  |
  = help: to change it name `build.jobs` itself
hint: nothing was changed
--- exit 2

--- stderr
error: scripts/x is not a configuration file
hint: name a file such as config/build.toml or config/hosts/HOST.toml
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), before);
}

#[test]
fn what_is_not_set_cannot_be_taken_out() {
    let env = keep();
    let shown = [
        k(&env, "config unset build.flags"),
        k(&env, "config unset build.nothing"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: `build.flags` is not set in a file: there is nothing to take out
hint: see where its value comes from: `buildkeep config get build.flags --show-origin`
hint: nothing was changed
--- exit 2

--- stderr
error: there is no key `build.nothing`
hint: list all keys: `buildkeep config list`
hint: nothing was changed
--- exit 2

"#]]
    );
}

#[test]
fn other_changes_of_the_file_are_not_hidden() {
    let env = keep();
    let text = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write("k/config/build.toml", &text.replace("quick", "full"));
    env.write("k/config/hosts/box-00z9.toml", "[build]\njobs = 2\n");
    assert_data_eq!(
        k(&env, "config set build.jobs 16"),
        str![[r#"
build.jobs: 4 -> 16
  config/build.toml, version 3, committed [COMMIT]
--- stderr
other changes of config/build.toml stay as they are, uncommitted
warning: on this host `build.jobs` is something else: config/hosts/box-00z9.toml:2

"#]]
    );
    assert_data_eq!(
        env.git(&["-C", "k", "status", "--porcelain"]),
        str![[r#"
 M config/build.toml
?? config/hosts/

"#]]
    );
}

#[test]
fn one_host_can_differ() {
    let env = keep();
    let shown = [
        k(&env, "config set build.jobs 2 --host"),
        k(&env, "config get build.jobs --show-origin"),
        k(&env, "config set build.jbos 2 --host"),
        k(&env, "config unset build.jobs --host"),
        k(&env, "config get build.jobs --show-origin"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs: set to 2
  config/hosts/box-00z9.toml, version 3, committed [COMMIT]

2	config/hosts/box-00z9.toml:2

--- stderr
error[K002]: unknown key `jbos` in `build`
 --> config/hosts/box-00z9.toml:3:1
  |
3 | jbos = 2
  | ^^^^ nothing reads this
  |
  = help: did you mean `jobs`?
hint: nothing was changed
--- exit 2

build.jobs: no longer set (was 2)
  now 4, from config/build.toml:6
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

4	config/build.toml:6

"#]]
    );
}

#[test]
fn secrets_stay_out_of_sight() {
    let env = keep();
    let refused = k(&env, "config set mirror.token hunter2");
    assert!(refused.contains("token = …") && !refused.contains("hunter2"));
    let text = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    let text = format!("{text}\n[mirror]\ntoken = \"hunter2\"\n");
    env.write("k/config/build.toml", &text);
    env.git(&["-C", "k", "commit", "-qam", "by hand", "--no-verify"]);
    let shown = [
        k(&env, "config validate"),
        k(&env, "config list mirror"),
        k(&env, "config get mirror"),
        k(&env, "config diff HEAD~1 HEAD"),
        k(&env, "config set mirror.token.x 1"),
        env.git(&["-C", "k", "log", "-1", "--format=%B"]),
        k(&env, "show"),
        k(&env, "diff HEAD~1"),
        k(&env, "diff HEAD HEAD~1"),
        env.git(&["-C", "k", "log", "--format=%B", "refs/buildkeep/op"]),
    ];
    assert!(shown[6].contains("+token = …"), "{}", shown[6]);
    assert!(!shown.join("").contains("hunter2"));
    assert_data_eq!(
        shown[..5].join("\n"),
        str![[r#"
valid: 3 files checked

mirror.token = "(secret)"  config/build.toml:11

mirror.token = "(secret)"

mirror.token: set to "(secret)"

--- stderr
error[K012]: `mirror.token` is a value: it has no keys
  --> config/build.toml:11:9
   |
11 | token = …
   |         ^
   |
   = help: to change it name `mirror.token` itself
hint: nothing was changed
--- exit 2

"#]]
    );
    env.write("k/config/build.toml", "[mirror]\ntoken = hunter2\n");
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
error[K001]: this is not a value
 --> config/build.toml:2:9
  |
2 | token = …
  |         ^
  |
  = help: text must be in quotes: `"like this"`; other values are numbers, `true`, `false`, dates, `[lists]`

1 error in 3 files
--- exit 1

"#]]
    );
    assert_eq!(k(&env, "config get mirror.token --at HEAD"), "hunter2\n");
}

#[test]
fn what_a_crash_left_is_finished_and_what_others_did_is_left() {
    let env = keep();
    let file = env.path("k/config/build.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let others = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("jobs"));
    let without: String = others.collect();
    std::fs::write(&file, &without).unwrap();
    let finished = env.run_in("k", &["config", "unset", "build.jobs"]);
    std::fs::write(&file, format!("{without}# mine\n")).unwrap();
    let already = env.run_in("k", &["config", "set", "build.cflags", "-O2"]);
    assert_data_eq!(
        [finished, already].join("\n"),
        str![[r#"
build.jobs is not set already; committed [COMMIT]

build.cflags is "-O2" already

"#]]
    );
    assert_eq!(
        env.git(&["-C", "k", "status", "--porcelain"]),
        " M config/build.toml\n"
    );
}

#[test]
fn many_writers_take_turns() {
    let env = crate::env::Env::new();
    env.stdout(&["init", "k", "--yes"]);
    let keys = ["a", "b", "c", "d", "e", "f"];
    let set = |key: &&str| {
        let name = format!("vars.{key}");
        let mut command = env.buildkeep(&["-C", "k", "config", "set", &name, key]);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let writers: Vec<_> = keys.iter().map(set).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    for key in keys {
        let got = k(&env, &format!("config get vars.{key}"));
        assert_eq!(got, format!("{key}\n"));
    }
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    env.git(&["-C", "k", "fsck", "--strict"]);
}

#[test]
fn what_is_taken_back_before_it_was_committed_is_staged_no_longer() {
    let env = keep();
    let path = env.path("k/config/build.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // As a command leaves it whose disk fails before the branch moves.
    std::fs::write(&path, text.replace("jobs   = 4 ", "jobs   = 9 ")).unwrap();
    env.git(&["-C", "k", "add", "."]);
    assert!(!env.git(&["-C", "k", "status", "--porcelain"]).is_empty());
    let shown = k(&env, "config set build.jobs 4");
    assert!(shown.contains("nothing to commit"), "{shown}");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}
