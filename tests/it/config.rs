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
    env.stdout(&["-C", "k", "commit", "-m", "config: settings of the build"]);
    env
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
        env.run_in("k", &["config", "list"]),
        env.run_in("k", &["config", "get", "build.jobs"]),
        env.run_in("k", &["config", "get", "build.jobs", "--show-origin"]),
        env.run_in("k", &["config", "get", "build.jobs", "--json"]),
        env.run_in("k", &["config", "get", "build.strip", "--show-origin"]),
        env.run_in("k", &["config", "get", "build"]),
        env.run_in(
            "k",
            &[
                "-c",
                "build.jobs=7",
                "config",
                "get",
                "build.jobs",
                "--json",
            ],
        ),
        env.run_in("k", &["config", "list", "build.tests", "--json"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.cflags = "-O2"  config/build.toml:7
build.jobs = 4        config/build.toml:6
build.strip = true    default in schemas/build.schema.json
build.tests = "full"  config/hosts/box-0001.toml:2

4

4	config/build.toml:6

{"format":1,"key":"build.jobs","value":4,"origin":{"layer":"config","file":"config/build.toml","line":6}}

true	default in schemas/build.schema.json

build.cflags = "-O2"
build.jobs = 4
build.strip = true
build.tests = "full"

{"format":1,"key":"build.jobs","value":7,"origin":{"layer":"command_line","file":"-c build.jobs","line":null}}

{"format":1,"entries":[{"key":"build.tests","value":"full","origin":{"layer":"host","file":"config/hosts/box-0001.toml","line":2}}]}

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
        env.run_in("k", &["-c", "build.tests=all", "config", "list"]),
        env.run_in("k", &["-c", "build", "config", "list"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
9	environment BUILDKEEP_SET_BUILD__JOBS

--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> BUILDKEEP_SET_BUILD__JOBS:2:8
  |
2 | jobs = "many"
  |        ^^^^^^
  |
  = help: `build.jobs`: Parallel jobs (1 to 64)
--- exit 2

--- stderr
error[K002]: unknown key `jbos` in `build`
 --> BUILDKEEP_SET_BUILD__JBOS:2:1
  |
2 | jbos = 9
  | ^^^^ nothing reads this
  |
  = help: did you mean `jobs`?
--- exit 2

--- stderr
error[K005]: `build.tests` is "all", but must be one of "none", "quick", "full"
 --> -c build.tests:2:9
  |
2 | tests = "all"
  |         ^^^^^
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
        env.run_in("k", &["config", "get", "build.job"]),
        env.run_in("k", &["config", "get", "jobs"]),
        env.run_in("k", &["config", "get", "zzz"]),
        env.run_in("k", &["config", "get", "build..jobs"]),
        env.run_in("k", &["config", "get", "build.version"]),
        env.run_in("k", &["config", "get", "build.jobs", "--at", "v9"]),
        env.run_in("k", &["config", "get", "build.jobs", "--at", "1999-01-01"]),
        env.run_in("k", &["config", "get", "build.jobs", "--at", "v2"]),
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
fn set_changes_one_value_and_nothing_else() {
    let env = keep();
    let shown = [
        env.run_in("k", &["config", "set", "build.jobs", "16"]),
        env.run_in("k", &["config", "set", "build.jobs", "16"]),
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
        env.run_in("k", &["config", "set", "build.version", "12"]),
        env.run_in(
            "k",
            &[
                "config",
                "set",
                "build.flags",
                "[\"a\", \"b\"]",
                "--dry-run",
            ],
        ),
        env.run_in(
            "k",
            &["config", "set", "mirror.url", "https://example.org/x"],
        ),
        env.run_in("k", &["config", "unset", "build.tests", "--json"]),
        std::fs::read_to_string(env.path("k/config/build.toml")).unwrap(),
        env.git(&[
            "-C",
            "k",
            "log",
            "--format=%s|%(trailers:key=Buildkeep-Key,key=Buildkeep-Version,separator=%x20)",
        ]),
        env.git(&["-C", "k", "status", "--porcelain"]),
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

mirror.url: set to "https://example.org/x"
  config/build.toml, version 6, committed [COMMIT]

{"format":1,"key":"build.tests","before":"quick","value":null,"file":"config/build.toml","changed":true,"commit":"[COMMIT]","version":7}

#:schema ../schemas/build.schema.json
# Settings of the build.
schema = 1

[build]
jobs   = 16      # as many as there are cores
cflags = '-O3 -g'  # single quotes
version = "12"

[mirror]
url = "https://example.org/x"

config: unset build.tests|Buildkeep-Key: build.tests Buildkeep-Version: 7
config: set mirror.url to "https://example.org/x"|Buildkeep-Key: mirror.url Buildkeep-Version: 6
config: set build.version to "12"|Buildkeep-Key: build.version Buildkeep-Version: 5
config: faster|Buildkeep-Key: build.cflags Buildkeep-Version: 4
config: set build.jobs to 16|Buildkeep-Key: build.jobs Buildkeep-Version: 3
config: settings of the build|Buildkeep-Version: 2
keep: begin with the template generic|Buildkeep-Version: 1


"#]]
    );
}

#[test]
fn a_wrong_set_changes_nothing() {
    let env = keep();
    let before = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    let shown = [
        env.run_in("k", &["config", "set", "build.jobs", "many"]),
        env.run_in("k", &["config", "set", "build.jobs", "0"]),
        env.run_in("k", &["config", "set", "build.tests", "fulll"]),
        env.run_in("k", &["config", "set", "build.cflag", "-O2"]),
        env.run_in("k", &["config", "set", "build.strip", "yes"]),
        env.run_in("k", &["config", "set", "build.flags", "-O2"]),
        env.run_in("k", &["config", "set", "build", "1"]),
        env.run_in(
            "k",
            &["config", "set", "build.jobs", "1", "--file", "scripts/x"],
        ),
        env.run_in("k", &["config", "unset", "build.flags"]),
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
error[K004]: `build.strip` must be true or false, not text
 --> config/build.toml:9:9
  |
9 | strip = "yes"
  |         ^^^^^
  |
  = help: remove the quotes: `strip = true`
hint: nothing was changed
--- exit 2

--- stderr
error[K004]: `build.flags` must be a list, not text
 --> config/build.toml:9:9
  |
9 | flags = "-O2"
  |         ^^^^^
  |
  = help: put it in brackets: `flags = ["-O2"]`
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
error: scripts/x is not a configuration file
hint: name a file such as config/build.toml or config/hosts/HOST.toml
hint: nothing was changed
--- exit 2

--- stderr
error: `build.flags` is not set in a file: there is nothing to take out
hint: see where its value comes from: `buildkeep config get build.flags --show-origin`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), before);
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn secrets_stay_out_of_sight() {
    let env = keep();
    let shown = [
        env.run_in("k", &["config", "set", "mirror.token", "hunter2"]),
        env.run_in("k", &["config", "list", "mirror"]),
        env.run_in("k", &["config", "diff", "HEAD~1", "HEAD"]),
        env.git(&["-C", "k", "log", "-1", "--format=%s"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
mirror.token: set to "(secret)"
  config/build.toml, version 3, committed [COMMIT]

mirror.token = "(secret)"  config/build.toml:11

mirror.token: set to "(secret)"

config: set mirror.token

"#]]
    );
    env.write("k/config/build.toml", "[mirror]\ntoken = hunter2\n");
    assert_data_eq!(
        env.run_in("k", &["config", "validate"]),
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
    assert_eq!(
        env.run_in("k", &["config", "get", "mirror.token", "--at", "HEAD"]),
        "hunter2\n"
    );
}

#[test]
fn validate_shows_everything_that_is_wrong() {
    let env = keep();
    assert_data_eq!(
        env.run_in("k", &["config", "validate"]),
        str![[r#"
valid: 3 files checked

"#]]
    );
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
    assert_data_eq!(
        env.run_in("k", &["config", "validate"]),
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
    assert_data_eq!(
        env.run_in("k", &["config", "validate", "--at", "HEAD"]),
        str![[r#"
valid: 3 files checked

"#]]
    );
    let json = env.json(&["-C", "k", "config", "validate"]);
    assert_data_eq!(
        json["errors"][1].to_string(),
        str![[
            r#"{"code":"K015","file":"buildkeep.toml","line":3,"column":13,"path":"profiles[0]","message":"there is no profile `fst`","help":"did you mean /"fast/"?"}"#
        ]]
    );
    assert_data_eq!(
        env.run_in("k", &["commit", "-m", "x"]),
        str![[r#"
--- stderr
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
hint: nothing was committed
--- exit 2

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
        env.run_in("k", &["config", "list"]),
        str![[r#"
build.cflags = "-O2"   config/build.toml:7
build.jobs = 4         config/build.toml:6
build.strip = true     default in schemas/build.schema.json
build.tests = "quick"  config/build.toml:8
build.version = "d"    config/profiles/debug.toml:2

"#]]
    );
    assert_data_eq!(
        env.run_in("k", &["config", "diff"]),
        str![[r#"
build.version: set to "d"

"#]]
    );
}

#[test]
fn the_schemas_are_shown() {
    let env = keep();
    let shown = [
        env.run_in("k", &["config", "schema"]),
        env.run_in("k", &["config", "schema", "build.job"]),
    ];
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
hint: did you mean `build`?
--- exit 2

"#]]
    );
}
