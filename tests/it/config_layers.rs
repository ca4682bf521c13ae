//! Layers of configuration: what each says, what holds, and what is wrong with all together.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

/// The keep with two profiles and overlays of this host and of another.
fn layered() -> Env {
    let env = keep();
    let profiles = "schema = 1\nprofiles = [\"fast\", \"debug\"]\n\n[secrets]\nmirror = { env = \"MIRROR_TOKEN\" }\n";
    env.write("k/buildkeep.toml", profiles);
    let fast = "[build]\njobs = 8\ncflags = \"-Ofast\"\nversion = \"f\"\n";
    env.write("k/config/profiles/fast.toml", fast);
    env.write("k/config/profiles/debug.toml", "[build]\nversion = \"d\"\n");
    let host = "[build]\njobs = 2\n\n[mirror]\ntoken = \"secret:mirror\"\n";
    env.write("k/config/hosts/box-00z9.toml", host);
    env.stdout(&["-C", "k", "commit", "-m", "config: layers"]);
    env
}

#[test]
fn every_layer_is_shown_and_the_losers_are_marked() {
    let env = layered();
    assert_data_eq!(
        k(&env, "-c build.jobs=9 config list --all-layers"),
        str![[r#"
x build.cflags = "-Ofast"    config/profiles/fast.toml:3
  build.cflags = "-O2"       config/build.toml:7
x build.jobs = 8             config/profiles/fast.toml:2
x build.jobs = 4             config/build.toml:6
x build.jobs = 2             config/hosts/box-00z9.toml:2
  build.jobs = 9             command line -c build.jobs
  build.strip = true         default in schemas/build.schema.json
x build.tests = "none"       default in schemas/build.schema.json
  build.tests = "quick"      config/build.toml:8
x build.version = "f"        config/profiles/fast.toml:4
  build.version = "d"        config/profiles/debug.toml:2
  mirror.token = "(secret)"  config/hosts/box-00z9.toml:5
--- stderr
hint: values marked with x do not hold: a stronger layer has another

"#]]
    );
    assert_data_eq!(
        k(&env, "config list build.jobs --all-layers --json"),
        str![[r#"
{"format":1,"entries":[{"key":"build.jobs","value":8,"origin":{"layer":"profile","file":"config/profiles/fast.toml","line":2},"holds":false},{"key":"build.jobs","value":4,"origin":{"layer":"config","file":"config/build.toml","line":6},"holds":false},{"key":"build.jobs","value":2,"origin":{"layer":"host","file":"config/hosts/box-00z9.toml","line":2},"holds":true}]}
--- stderr
hint: values marked with x do not hold: a stronger layer has another

"#]]
    );
}

#[test]
fn one_key_or_table_is_shown_with_its_layers() {
    let env = layered();
    assert_data_eq!(
        k(&env, "config get build.jobs --all-layers"),
        str![[r#"
x build.jobs = 8  config/profiles/fast.toml:2
x build.jobs = 4  config/build.toml:6
  build.jobs = 2  config/hosts/box-00z9.toml:2

"#]]
    );
    assert_data_eq!(
        k(&env, "config get build --show-origin"),
        str![[r#"
build.cflags = "-O2"   config/build.toml:7
build.jobs = 2         config/hosts/box-00z9.toml:2
build.strip = true     default in schemas/build.schema.json
build.tests = "quick"  config/build.toml:8
build.version = "d"    config/profiles/debug.toml:2

"#]]
    );
    assert_data_eq!(
        k(&env, "config list build.jobs --all-layers --at v2"),
        str![[r#"
  build.jobs = 4  config/build.toml:6

"#]]
    );
    assert_data_eq!(
        k(&env, "config get build.jbos --all-layers"),
        str![[r#"
--- stderr
error: there is no key `build.jbos`
hint: did you mean `build.jobs`?
--- exit 2

"#]]
    );
}

/// The layered keep, where more follows from `build.tests = "full"`.
fn with_rule() -> Env {
    let env = layered();
    let schema = std::fs::read_to_string(env.path("k/schemas/build.schema.json")).unwrap();
    let rule = "\"if\": {\"properties\": {\"build\": {\"properties\": {\"tests\": {\"const\": \"full\"}}}}}, \
                \"then\": {\"properties\": {\"build\": {\"required\": [\"flags\"], \"properties\": {\"jobs\": {\"maximum\": 4}}}}}, \
                \"required\": [\"build\"],";
    let schema = schema.replace("\"required\": [\"build\"],", rule);
    env.write("k/schemas/build.schema.json", &schema);
    env
}

#[test]
fn what_holds_for_one_command_is_checked_as_a_whole() {
    let env = with_rule();
    let with = |name: &str, value: &str, args: &[&str]| {
        let mut command = env.buildkeep(args);
        let output = command.current_dir(env.path("k")).env(name, value).output();
        env.shown(&output.unwrap())
    };
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
valid: 6 files checked

"#]]
    );
    assert_data_eq!(
        k(&env, "-c build.tests=full config get build.jobs"),
        str![[r#"
--- stderr
error[K003]: `build.flags` is missing
 --> command line -c build.tests:1:1
  |
1 | build.tests = "full"
  | ^^^^^
  |
  = help: add `flags = […]`
--- exit 2

"#]]
    );
    let get = ["-c", "build.tests=full", "config", "get", "build.jobs"];
    assert_data_eq!(
        with("BUILDKEEP_SET_BUILD__JOBS", "5", &get),
        str![[r#"
--- stderr
error[K003]: `build.flags` is missing
 --> command line -c build.tests:1:1
  |
1 | build.tests = "full"
  | ^^^^^
  |
  = help: add `flags = […]`

error[K006]: `build.jobs` is 5, but must be at most 4
 --> environment BUILDKEEP_SET_BUILD__JOBS:1:14
  |
1 | build.jobs = 5
  |              ^
  |
  = help: `build.jobs` may be 1 to 64
--- exit 2

"#]]
    );
}

#[test]
fn what_holds_on_other_hosts_is_checked_as_a_whole() {
    let env = with_rule();
    env.write(
        "k/config/hosts/other.toml",
        "[build]\ntests = \"full\"\njobs = 5\n",
    );
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
error[K003]: `build.flags` is missing (on the host `other`)
 --> config/hosts/other.toml:1:2
  |
1 | [build]
  |  ^^^^^
  |
  = help: add `flags = […]`

error[K006]: `build.jobs` is 5, but must be at most 4 (on the host `other`)
 --> config/hosts/other.toml:3:8
  |
3 | jobs = 5
  |        ^
  |
  = help: `build.jobs` may be 1 to 64

2 errors in 7 files
--- exit 1

"#]]
    );
    assert_data_eq!(
        k(&env, "commit"),
        str![[r#"
--- stderr
error[K003]: `build.flags` is missing (on the host `other`)
 --> config/hosts/other.toml:1:2
  |
1 | [build]
  |  ^^^^^
  |
  = help: add `flags = […]`

error[K006]: `build.jobs` is 5, but must be at most 4 (on the host `other`)
 --> config/hosts/other.toml:3:8
  |
3 | jobs = 5
  |        ^
  |
  = help: `build.jobs` may be 1 to 64
hint: nothing was committed
--- exit 2

"#]]
    );
}
