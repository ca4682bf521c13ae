//! config set and unset: several keys, other layers, and what somebody else is at work on.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

fn run(env: &Env, args: &[&str]) -> String {
    env.run_in("k", args)
}

fn file(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path("k").join(path)).unwrap()
}

#[test]
fn several_keys_are_one_commit_or_none() {
    let env = keep();
    let set = [
        "config",
        "set",
        "build.jobs=8",
        "build.flags=[\"a\", \"b\"]",
        "mirror.url=x=y",
        "build.tests=quick",
    ];
    assert_data_eq!(
        run(&env, &set),
        str![[r#"
build.jobs: 4 -> 8
build.flags: set to ["a","b"]
mirror.url: set to "x=y"
build.tests is "quick" already
  config/build.toml, version 3, committed [COMMIT]

"#]]
    );
    let log = env.git(&[
        "-C",
        "k",
        "log",
        "-1",
        "--format=%s%n%(trailers:key=Buildkeep-Key)",
    ]);
    assert_data_eq!(
        log,
        str![[r#"
config: set build.jobs, build.flags, mirror.url, build.tests
Buildkeep-Key: build.jobs
Buildkeep-Key: build.flags
Buildkeep-Key: mirror.url
Buildkeep-Key: build.tests


"#]]
    );
    assert_data_eq!(
        k(&env, "config set build.jobs=9 build.tests=all"),
        str![[r#"
--- stderr
error[K005]: `build.tests` is "all", but must be one of "none", "quick", "full"
 --> config/build.toml:8:9
  |
8 | tests = "all"
  |         ^^^^^
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config get build.jobs"),
        str![[r#"8

"#]]
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let env = keep();
    assert_data_eq!(
        k(&env, "config set build.jobs=9 build.jobs=10"),
        str![[r#"
--- stderr
error: `build.jobs` is named twice
hint: leave one of the two out
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config set build.jobs"),
        str![[r#"
--- stderr
error: `build.jobs` has no value
hint: give it one: `buildkeep config set build.jobs VALUE`
hint: several keys at once: `buildkeep config set KEY=VALUE KEY=VALUE`
--- exit 2

"#]]
    );
}

#[test]
fn what_is_taken_out_says_what_shows_through() {
    let env = keep();
    k(&env, "config set mirror.url=x=y build.flags=[]");
    assert_data_eq!(
        k(&env, "config unset build.jobs build.tests mirror.url"),
        str![[r#"
build.jobs: no longer set (was 4)
  now without a value
build.tests: no longer set (was "quick")
  now "none", the default in schemas/build.schema.json
mirror.url: no longer set (was "x=y")
  now without a value
  config/build.toml, version 4, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        k(&env, "config unset build.cflags --dry-run"),
        str![[r#"
build.cflags: no longer set (was "-O2")
  now without a value
  would change config/build.toml

config/build.toml (modified)
@@ -3,7 +3,6 @@
 schema = 1
 
 [build]
-cflags = '-O2'  # single quotes
 flags = []
 
 [mirror]

"#]]
    );
}

#[test]
fn other_layers_are_named_by_options() {
    let env = keep();
    env.write("k/config/hosts/other-1.toml", "");
    assert_data_eq!(
        k(&env, "config set build.jobs=8 --profile fast"),
        str![[r#"
build.jobs: set to 8
  config/profiles/fast.toml, version 3, committed [COMMIT]
--- stderr
hint: the profile fast is not in force; to have it so: `buildkeep config set profiles+=fast`

"#]]
    );
    assert_data_eq!(
        k(&env, "config set build.jobs=3 --host=other-1"),
        str![[r#"
build.jobs: set to 3
  config/hosts/other-1.toml, version 4, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        k(&env, "config set build.jobs=3 --host=other"),
        str![[r#"
--- stderr
error: no host `other` is known here
hint: did you mean `other-1`?
hint: for a host that does not exist yet: `--file config/hosts/other.toml`
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config set --host build.jobs 5"),
        str![[r#"
build.jobs: set to 5
  config/hosts/box-00z9.toml, version 5, committed [COMMIT]

"#]]
    );
}

#[test]
fn options_exclude_one_another_and_name_layers() {
    let env = keep();
    k(&env, "config set --host build.jobs 5");
    k(&env, "config set --profile fast build.jobs 8");
    assert_data_eq!(
        k(&env, "config set --shared build.jobs 6"),
        str![[r#"
build.jobs: 4 -> 6
  config/build.toml, version 5, committed [COMMIT]
--- stderr
warning: on this host `build.jobs` is something else: config/hosts/box-00z9.toml:2

"#]]
    );
    assert_data_eq!(
        k(&env, "config set --shared --host build.jobs 6"),
        str![[r#"
--- stderr
error: the argument '--shared' cannot be used with '--host[=<ID>]'

Usage: buildkeep config set [OPTIONS] KEY VALUE
       buildkeep config set [OPTIONS] KEY=VALUE...
       buildkeep config set [OPTIONS] KEY+=ITEM KEY-=ITEM...

For more information, try '--help'.
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config set --profile ../x build.jobs 6"),
        str![[r#"
--- stderr
error: config/profiles/../x.toml is not a configuration file
hint: name a file such as config/build.toml or config/hosts/HOST.toml
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config unset --profile fast build.jobs"),
        str![[r#"
build.jobs: no longer set (was 8)
  now 5, from config/hosts/box-00z9.toml:2
  config/profiles/fast.toml, version 6, committed [COMMIT]
--- stderr
hint: the profile fast is not in force; to have it so: `buildkeep config set profiles+=fast`

"#]]
    );
}

#[test]
fn a_key_for_hosts_goes_to_the_overlay_and_a_new_file_names_its_schema() {
    let env = keep();
    let schema = r#"{"properties": {"disk": {"properties": {
        "device": {"type": "string", "x-buildkeep-scope": "host"}, "size": {"type": "integer"}}}}}"#;
    env.write("k/schemas/disk.schema.json", schema);
    env.stdout(&["-C", "k", "commit"]);
    assert_data_eq!(
        k(&env, "config set disk.device=/dev/sdb disk.size=3"),
        str![[r#"
disk.device: set to "/dev/sdb"
disk.size: set to 3
  config/hosts/box-00z9.toml, config/disk.toml, version 3, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        file(&env, "config/disk.toml"),
        str![[r#"
#:schema ../schemas/disk.schema.json

[disk]
size = 3

"#]]
    );
    assert_data_eq!(
        k(&env, "config set --shared disk.device /dev/sda"),
        str![[r#"
--- stderr
error[K018]: `disk.device` differs from machine to machine: it belongs to a host
 --> config/disk.toml:5:1
  |
5 | device = "/dev/sda"
  | ^^^^^^
  |
  = help: move it to config/hosts/HOST.toml: `buildkeep config set --host disk.device …`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config unset disk.device"),
        str![[r#"
disk.device: no longer set (was "/dev/sdb")
  now without a value
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

"#]]
    );
}

#[test]
fn only_the_key_is_committed_and_other_work_stays() {
    let env = keep();
    let text = file(&env, "config/build.toml");
    let mine = text.replace("quick", "full") + "# mine\n";
    env.write("k/config/build.toml", &mine);
    assert_data_eq!(
        k(&env, "config set build.jobs=16 build.version=3"),
        str![[r#"
build.jobs: 4 -> 16
build.version: set to "3"
  config/build.toml, version 3, committed [COMMIT]
--- stderr
other changes of config/build.toml stay as they are, uncommitted

"#]]
    );
    assert_data_eq!(
        env.git(&["-C", "k", "show", "--format=", "-U0"]),
        str![[r#"
diff --git a/config/build.toml b/config/build.toml
index dc5ee0f..b4f79dd 100644
--- a/config/build.toml
+++ b/config/build.toml
@@ -6 +6 @@ schema = 1
-jobs   = 4      # as many as there are cores
+jobs   = 16      # as many as there are cores
@@ -8,0 +9 @@ tests = "quick"
+version = "3"

"#]]
    );
    assert_data_eq!(
        env.git(&["-C", "k", "diff", "-U0"]),
        str![[r#"
diff --git a/config/build.toml b/config/build.toml
index b4f79dd..a0093b8 100644
--- a/config/build.toml
+++ b/config/build.toml
@@ -8 +8 @@ cflags = '-O2'  # single quotes
-tests = "quick"
+tests = "full"
@@ -9,0 +10 @@ version = "3"
+# mine

"#]]
    );
}

#[test]
fn what_is_taken_out_beside_other_work() {
    let env = keep();
    k(&env, "config set build.version 3");
    let text = file(&env, "config/build.toml");
    env.write("k/config/build.toml", &(text + "# mine\n"));
    assert_data_eq!(
        k(&env, "config unset build.version"),
        str![[r#"
build.version: no longer set (was "3")
  now without a value
  config/build.toml, version 4, committed [COMMIT]
--- stderr
other changes of config/build.toml stay as they are, uncommitted

"#]]
    );
    assert_data_eq!(
        env.git(&["-C", "k", "show", "--format=", "-U0"]),
        str![[r#"
diff --git a/config/build.toml b/config/build.toml
index 57a78fe..dc5ee0f 100644
--- a/config/build.toml
+++ b/config/build.toml
@@ -9 +8,0 @@ tests = "quick"
-version = "3"

"#]]
    );
    env.stdout(&["-C", "k", "undo"]);
    assert!(file(&env, "config/build.toml").contains("# mine"));
    env.git(&["-C", "k", "fsck", "--strict"]);
}

#[test]
fn a_change_that_needs_uncommitted_ones_is_refused() {
    let env = keep();
    let schema = file(&env, "schemas/build.schema.json").replace("\"strip\"", "\"extra\"");
    env.write("k/schemas/build.schema.json", &schema);
    let before = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    assert_data_eq!(
        k(&env, "config set build.extra true"),
        str![[r#"
--- stderr
error[K002]: unknown key `extra` in `build`
 --> config/build.toml:9:1
  |
9 | extra = true
  | ^^^^^ nothing reads this
  |
  = help: known here: `jobs`, `cflags`, `tests`, `flags`, `strip`, `version`
hint: the work tree has changes that are not committed: without them this one is not valid
hint: commit them first: `buildkeep commit`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), before);
    assert!(!file(&env, "config/build.toml").contains("extra"));
    env.stdout(&["-C", "k", "commit"]);
    assert_data_eq!(
        k(&env, "config set build.extra true"),
        str![[r#"
build.extra: set to true
  config/build.toml, version 3, committed [COMMIT]

"#]]
    );
}

#[test]
fn what_was_never_committed_is_only_taken_out() {
    let env = keep();
    let text = file(&env, "config/build.toml");
    env.write(
        "k/config/build.toml",
        &text.replace("[build]\n", "[build]\nversion = \"9\"\n"),
    );
    let before = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    assert_data_eq!(
        k(&env, "config unset build.version"),
        str![[r#"
build.version: no longer set (was "9")
  now without a value
  config/build.toml: only in the work tree, nothing to commit

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), before);
    assert_eq!(file(&env, "config/build.toml"), text);
}
