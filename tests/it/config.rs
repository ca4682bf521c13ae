//! config get, set, unset, list, validate, diff, schema: with every line of output.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep `k` whose build.toml has comments to lose.
pub(crate) fn keep() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    env.write("k/schemas/build.schema.json", SCHEMA);
    env.write("k/config/build.toml", BUILD);
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let secrets = "[secrets]\nmirror = { env = \"MIRROR_TOKEN\" }\n";
    env.write("k/buildkeep.toml", &format!("{settings}\n{secrets}"));
    env.stdout(&["-C", "k", "commit", "-m", "config: settings of the build"]);
    env
}

/// Runs us in the keep with these words.
pub(crate) fn k(env: &Env, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    env.run_in("k", &words)
}

const BUILD: &str = "\
#:schema ../schemas/build.schema.json
# Settings of the build.
schema = 1

[build]
jobs   = 4      # as many as there are cores
cflags = '-O2'  # single quotes
tests = \"quick\"
";

const SCHEMA: &str = r#"{
  "type": "object", "additionalProperties": false, "required": ["build"],
  "properties": {
    "schema": {"const": 1},
    "build": {"type": "object", "additionalProperties": false, "properties": {
      "jobs": {"type": "integer", "minimum": 1, "maximum": 64, "description": "Parallel jobs"},
      "cflags": {"type": "string", "description": "Options of the C compiler"},
      "tests": {"enum": ["none", "quick", "full"], "default": "none"},
      "flags": {"type": "array", "items": {"type": "string"}},
      "strip": {"type": "boolean", "default": true},
      "version": {"type": "string"}
    }},
    "mirror": {"type": "object", "additionalProperties": false, "properties": {
      "url": {"type": "string"}, "token": {"type": "string", "x-buildkeep-secret": true}
    }}
  }
}"#;

#[test]
fn values_are_read_with_their_origin() {
    let env = keep();
    let host = std::fs::read_to_string(env.path("k/.buildkeep/host")).unwrap();
    let overlay = format!("k/config/hosts/{}.toml", host.trim());
    env.write(&overlay, "[build]\ntests = \"full\"\n");
    let shown = [
        k(&env, "config list"),
        k(&env, "config get build.jobs"),
        k(&env, "config get build.jobs --show-origin"),
        k(&env, "config get build.jobs --json"),
        k(&env, "config get build.strip --show-origin"),
        k(&env, "config get build"),
        k(&env, "-c build.jobs=7 config get build.jobs --json"),
        k(&env, "config list build.tests --json"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.cflags = "-O2"  config/build.toml:7
build.jobs = 4        config/build.toml:6
build.strip = true    default in schemas/build.schema.json
build.tests = "full"  config/hosts/box-00z9.toml:2

4

4	config/build.toml:6

{"format":1,"key":"build.jobs","value":4,"origin":{"layer":"config","file":"config/build.toml","line":6}}

true	default in schemas/build.schema.json

build.cflags = "-O2"
build.jobs = 4
build.strip = true
build.tests = "full"

{"format":1,"key":"build.jobs","value":7,"origin":{"layer":"command_line","file":"-c build.jobs","line":null}}

{"format":1,"entries":[{"key":"build.tests","value":"full","origin":{"layer":"host","file":"config/hosts/box-00z9.toml","line":2}}]}

"#]]
    );
}

#[test]
fn the_environment_is_a_layer() {
    let env = keep();
    let with = |name: &str, value: &str, args: &[&str]| {
        let mut command = env.buildkeep(args);
        let output = command.current_dir(env.path("k")).env(name, value).output();
        env.shown(&output.unwrap())
    };
    let get = ["config", "get", "build.jobs", "--show-origin"];
    let shown = [
        with("BUILDKEEP_SET_BUILD__JOBS", "9", &get),
        with("BUILDKEEP_SET_BUILD__JOBS", "many", &get),
        with("BUILDKEEP_SET_BUILD__JBOS", "9", &get),
        k(&env, "-c build.tests=all config list"),
        k(&env, "-c build config list"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
9	environment BUILDKEEP_SET_BUILD__JOBS

--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> environment BUILDKEEP_SET_BUILD__JOBS:1:14
  |
1 | build.jobs = "many"
  |              ^^^^^^
  |
  = help: `build.jobs`: Parallel jobs (1 to 64)
--- exit 2

--- stderr
error[K002]: unknown key `jbos` in `build`
 --> environment BUILDKEEP_SET_BUILD__JBOS:1:7
  |
1 | build.jbos = 9
  |       ^^^^ nothing reads this
  |
  = help: did you mean `jobs`?
--- exit 2

--- stderr
error[K005]: `build.tests` is "all", but must be one of "none", "quick", "full"
 --> command line -c build.tests:1:15
  |
1 | build.tests = "all"
  |               ^^^^^
--- exit 2

--- stderr
error: `-c build` has no value
hint: write it as `-c build.jobs=8`
--- exit 2

"#]]
    );
}

#[test]
fn what_is_not_there_is_said() {
    let env = keep();
    let shown = [
        k(&env, "config get build.job"),
        k(&env, "config get jobs"),
        k(&env, "config get zzz"),
        k(&env, "config get build..jobs"),
        k(&env, "config get build.version"),
        k(&env, "config get build.jobs --at v9"),
        k(&env, "config get build.jobs --at 1999-01-01"),
        k(&env, "config get build.jobs --at v2"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: there is no key `build.job`
hint: did you mean `build.jobs`?
--- exit 2

--- stderr
error: there is no key `jobs`
hint: did you mean `build.jobs`?
--- exit 2

--- stderr
error: there is no key `zzz`
hint: list all keys: `buildkeep config list`
--- exit 2

--- stderr
error: `build..jobs` is not a key: a name is missing
hint: a key looks like this: `build.jobs`
--- exit 2

--- stderr
`build.version` has no value
hint: give it one: `buildkeep config set build.version VALUE`
--- exit 1

--- stderr
error: there is no version 9: the newest is 2
hint: list versions: `buildkeep log`
--- exit 2

--- stderr
error: the history begins after 1999-01-01
hint: list versions: `buildkeep log`
--- exit 2

4

"#]]
    );
}

#[test]
fn profiles_lie_below_the_files() {
    let env = keep();
    env.write(
        "k/buildkeep.toml",
        "schema = 1\nprofiles = [\"fast\", \"debug\"]\n",
    );
    env.write(
        "k/config/profiles/fast.toml",
        "[build]\njobs = 8\ncflags = \"-Ofast\"\nversion = \"f\"\n",
    );
    env.write("k/config/profiles/debug.toml", "[build]\nversion = \"d\"\n");
    assert_data_eq!(
        k(&env, "config list"),
        str![[r#"
build.cflags = "-O2"   config/build.toml:7
build.jobs = 4         config/build.toml:6
build.strip = true     default in schemas/build.schema.json
build.tests = "quick"  config/build.toml:8
build.version = "d"    config/profiles/debug.toml:2

"#]]
    );
    assert_data_eq!(
        k(&env, "config diff"),
        str![[r#"
build.version: set to "d"

"#]]
    );
}

#[test]
fn the_schemas_are_shown() {
    let env = keep();
    let shown = [k(&env, "config schema"), k(&env, "config schema build.job")];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs (integer)
    Parallel jobs
build.cflags (string)
    Options of the C compiler
build.tests, default "none", one of "none", "quick", "full"
build.flags (array)
build.strip (boolean), default true
build.version (string)
mirror.url (string)
mirror.token (string), secret

--- stderr
error: there is no key `build.job`
hint: did you mean `build.jobs`?
--- exit 2

"#]]
    );
}

/// Makes the keep wrong in five places.
fn break_everything(env: &Env) {
    env.write(
        "k/buildkeep.toml",
        "schema = 1\nprofile = [\"fast\"]\nprofiles = [\"fst\"]\n",
    );
    env.write("k/config/profiles/fast.toml", "[build]\njobs = \"8\"\n");
    env.write("k/config/extra.toml", "[build]\njobs = 3\n");
    env.write(
        "k/plan.toml",
        "scripts = \"scripts\"\n\n[[step]]\nid = \"a\"\nneeds = \"b\"\n",
    );
}

#[test]
fn validate_shows_everything_that_is_wrong() {
    let env = keep();
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
valid: 3 files checked

"#]]
    );
    break_everything(&env);
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
error[K002]: unknown key `profile`
 --> buildkeep.toml:2:1
  |
2 | profile = ["fast"]
  | ^^^^^^^ nothing reads this
  |
  = help: did you mean `profiles`?

error[K015]: there is no profile `fst`
 --> buildkeep.toml:3:13
  |
3 | profiles = ["fst"]
  |             ^^^^^
  |
  = help: did you mean "fast"?

error[K014]: `build.jobs` is set in config/build.toml too
 --> config/extra.toml:2:1
  |
2 | jobs = 3
  | ^^^^
  |
  = help: keep one of the two; to make an exception for one machine use config/hosts/HOST.toml

error[K004]: `build.jobs` must be a whole number, not text
 --> config/profiles/fast.toml:2:8
  |
2 | jobs = "8"
  |        ^^^
  |
  = help: remove the quotes: `jobs = 8`

error[K004]: `step[0].needs` must be a list, not text
 --> plan.toml:5:9
  |
5 | needs = "b"
  |         ^^^
  |
  = help: put it in brackets: `needs = ["b"]`

5 errors in 5 files
--- exit 1

"#]]
    );
}

#[test]
fn validate_looks_at_other_versions_and_speaks_json() {
    let env = keep();
    break_everything(&env);
    assert_data_eq!(
        k(&env, "config validate --at HEAD"),
        str![[r#"
valid: 3 files checked

"#]]
    );
    assert_data_eq!(
        k(&env, "config validate --staged"),
        str![[r#"
valid: 3 files checked

"#]]
    );
    let json = env.json(&["-C", "k", "config", "validate"]);
    assert_eq!(json["errors"].as_array().unwrap().len(), 5);
    assert_data_eq!(
        json["errors"][1].to_string(),
        str![[
            r#"{"code":"K015","file":"buildkeep.toml","line":3,"column":13,"path":"profiles[0]","message":"there is no profile `fst`","help":"did you mean /"fast/"?"}"#
        ]]
    );
}

#[test]
fn files_that_are_no_text_or_no_files_are_said_to_be() {
    let env = keep();
    std::fs::write(
        env.path("k/config/old.toml"),
        b"[old]\nname = \"M\xfcller\"\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("/etc/passwd", env.path("k/config/far.toml")).unwrap();
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
error[K017]: this is a symlink: configuration must be plain files, which have a history
--> config/far.toml
 = help: replace it by what it points at: `cp --remove-destination "$(realpath config/far.toml)" config/far.toml`

error[K011]: the file is not UTF-8 text from here on
 --> config/old.toml:2:10
  |
2 | name = "M
  |          ^
  |
  = help: save it as UTF-8; `iconv -f latin1 -t utf-8` converts old files

2 errors in 4 files
--- exit 1

"#]]
    );
    assert_data_eq!(
        k(&env, "config set old.age 3"),
        str![[r#"
--- stderr
error[K011]: the file is not UTF-8 text from here on
 --> config/old.toml:2:10
  |
2 | name = "M
  |          ^
  |
  = help: save it as UTF-8; `iconv -f latin1 -t utf-8` converts old files
hint: nothing was changed
--- exit 2

"#]]
    );
}

#[test]
fn validate_reads_the_plan_too() {
    let env = keep();
    env.write(
        "k/plan.toml",
        "scripts = \"scripts\"\n[env]\nJOBS = \"${build.jbos}\"\n",
    );
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
error[K107]: `build.jbos` is no configuration key that has a value
 --> plan.toml:3:8
  |
3 | JOBS = "${build.jbos}"
  |        ^^^^^^^^^^^^^^^
  |
  = help: did you mean `build.jobs`?

1 error in 3 files
--- exit 1

"#]]
    );
}

#[test]
fn a_value_that_was_written_but_not_committed_is_committed_by_the_same_command() {
    let env = Env::new();
    env.stdout(&["init", "k", "--yes"]);
    let path = env.path("k/config/build.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.starts_with("jobs")).unwrap();
    let changed = line.replacen("= 2", "= 9", 1);
    std::fs::write(&path, text.replace(line, &changed)).unwrap();
    let shown = env.run_in("k", &["config", "set", "build.jobs", "9"]);
    assert!(
        shown.starts_with("build.jobs is 9 already; committed "),
        "{shown}"
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    let again = env.run_in("k", &["config", "set", "build.jobs", "9"]);
    assert_eq!(again, "build.jobs is 9 already\n");
}
