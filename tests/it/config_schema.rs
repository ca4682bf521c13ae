//! config schema: what is known of a key, and schemas for editors.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

const SCHEMA: &str = r#"{
  "type": "object", "additionalProperties": false, "required": ["net"],
  "properties": {
    "net": {"type": "object", "required": ["device"], "additionalProperties": false, "properties": {
      "device": {"type": "string", "pattern": "^/dev/", "x-buildkeep-scope": "host", "description": "The card"},
      "tries": {"type": ["integer", "string"], "minimum": 1, "maximum": 9, "default": 3, "x-buildkeep-affects": ["fetch", "chapter03/*"]},
      "mirrors": {"type": "array", "uniqueItems": true, "minItems": 1, "x-buildkeep-merge": "append"},
      "retries": {"type": "integer", "deprecated": true, "x-buildkeep-replaced-by": "net.tries", "x-buildkeep-affects": "nothing"}
    }}
  }
}"#;

fn with_net() -> Env {
    let env = keep();
    env.write("k/schemas/net.schema.json", SCHEMA);
    env.write(
        "k/config/net.toml",
        "[net]\nmirrors = [\"a\"]\nretries = 2\n",
    );
    env.stdout(&["-C", "k", "commit", "-m", "config: net"]);
    env
}

#[test]
fn all_that_is_known_of_a_key() {
    let env = with_net();
    k(&env, "config set net.device /dev/eth0");
    for (key, shown) in [
        (
            "net.device",
            str![[r#"
net.device (string)
    The card
  form       ^/dev/
  required   yes
  scope      host
  schema     schemas/net.schema.json
  now        "/dev/eth0", config/hosts/box-00z9.toml:2

"#]],
        ),
        (
            "net.tries",
            str![[r#"
net.tries (integer or string), default 3
  limits     at least 1, at most 9
  affects    fetch, chapter03/*
  schema     schemas/net.schema.json
  now        3, default in schemas/net.schema.json

"#]],
        ),
        (
            "net.mirrors",
            str![[r#"
net.mirrors (array)
  limits     items: at least 1, each item once
  merge      append
  schema     schemas/net.schema.json
  now        ["a"], config/net.toml:2

"#]],
        ),
        (
            "net.retries",
            str![[r#"
net.retries (integer), goes away: use net.tries
  affects    no step
  schema     schemas/net.schema.json
  now        2, config/net.toml:3

"#]],
        ),
        (
            "build.tests",
            str![[r#"
build.tests, default "none", one of "none", "quick", "full"
  schema     schemas/build.schema.json
  now        "quick", config/build.toml:8

"#]],
        ),
    ] {
        assert_data_eq!(env.run_in("k", &["config", "schema", key]), shown);
    }
    assert_data_eq!(
        k(&env, "config schema net"),
        str![[r#"
net.device (string)
    The card
net.tries (integer or string), default 3
net.mirrors (array)
net.retries (integer), goes away: use net.tries

"#]]
    );
}

#[test]
fn what_goes_away_is_warned_of_and_what_a_host_lacks_is_told() {
    let env = with_net();
    assert_data_eq!(
        k(&env, "config validate"),
        str![[r#"
warning[K019]: `net.retries` goes away
 --> config/net.toml:3:1
  |
3 | retries = 2
  | ^^^^^^^
  |
  = help: use `net.tries` in its place

error[K003]: `net.device` is missing
 --> config/net.toml:1:2
  |
1 | [net]
  |  ^^^
  |
  = help: give it: `buildkeep config set --host net.device VALUE`

1 error in 4 files
--- exit 1

"#]]
    );
    assert_data_eq!(
        k(&env, "config get net.tries"),
        str![[r#"
--- stderr
error[K003]: `net.device` is missing
 --> config/net.toml:1:2
  |
1 | [net]
  |  ^^^
  |
  = help: give it: `buildkeep config set --host net.device VALUE`
--- exit 2

"#]]
    );
}

#[test]
fn schemas_are_exported_for_editors() {
    let env = keep();
    let whole = env.stdout(&["-C", "k", "config", "schema", "--export"]);
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["required"], serde_json::json!(["build"]));
    assert_eq!(
        whole["properties"]["build"]["$ref"],
        "#/$defs/build/properties/build"
    );
    let validator = jsonschema::validator_for(&whole).unwrap();
    assert!(validator.is_valid(&serde_json::json!({"build": {"jobs": 3}})));
    assert!(!validator.is_valid(&serde_json::json!({"build": {"jobs": "3"}})));
    assert!(!validator.is_valid(&serde_json::json!({"mirror": {}})));
    let overlay = env.stdout(&["-C", "k", "config", "schema", "--export", "overlay"]);
    let overlay = serde_json::from_str(&overlay).unwrap();
    assert!(jsonschema::is_valid(
        &overlay,
        &serde_json::json!({"mirror": {}})
    ));
    for name in ["plan", "buildkeep", "check"] {
        let text = env.stdout(&["config", "schema", "--export", name]);
        let written = env.path(format!("k/schemas/{name}.schema.json"));
        assert_eq!(text, std::fs::read_to_string(written).unwrap(), "{name}");
    }
    assert_data_eq!(
        k(&env, "config schema --export biuld"),
        str![[r#"
--- stderr
error: there is no schema `biuld`
hint: did you mean `build`?
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "config schema --export nothing"),
        str![[r#"
--- stderr
error: there is no schema `nothing`
hint: there are build, buildkeep, check, overlay, plan; without a name all are put together
--- exit 2

"#]]
    );
}

#[test]
fn names_that_are_not_allowed_are_pointed_at_and_an_empty_choice_is_told() {
    let env = keep();
    let schema = r#"{"properties": {
        "m": {"propertyNames": {"pattern": "^[a-z]+$"}},
        "n": {"propertyNames": {"enum": ["gcc", "make"]}},
        "o": {"enum": []}
    }}"#;
    env.write("k/schemas/net.schema.json", schema);
    env.write("k/config/net.toml", "o = 1\n[m]\nABC = 1\n[n]\nmke = 2\n");
    assert_data_eq!(
        env.run(&["-C", "k", "config", "validate"]),
        str![[r#"
error[K005]: `o` allows no value: its `enum` is empty
 --> config/net.toml:1:5
  |
1 | o = 1
  |     ^
  |
  = help: name the values in the schema, or take the key out

error[K009]: `ABC` is not allowed as the name of a key in `m`
 --> config/net.toml:3:1
  |
3 | ABC = 1
  | ^^^
  |
  = help: names here match `^[a-z]+$`

error[K009]: `mke` is not allowed as the name of a key in `n`
 --> config/net.toml:5:1
  |
5 | mke = 2
  | ^^^
  |
  = help: did you mean `make`?

3 errors in 4 files
--- exit 1

"#]]
    );
}
