//! Whole outputs for the things people get wrong.
use snapbox::{assert_data_eq, str};

use super::{Document, KeyPath, Place, Problem, Schema, Value, code, render, set, unset};

const SCHEMA: &str = r##"{
  "type": "object", "additionalProperties": false, "required": ["schema"],
  "properties": {
    "schema": {"type": "integer", "const": 1, "description": "Version of this file's form."},
    "mode": {"enum": ["fast", "careful"]},
    "build": {"type": "object", "additionalProperties": false, "properties": {
      "jobs": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 4},
      "test_level": {"type": "integer"},
      "ratio": {"type": "number"},
      "strip": {"type": "boolean"},
      "flags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
      "target": {"type": "string", "pattern": "^[a-z0-9_-]+$", "description": "Triplet of the machine to build for."}
    }},
    "mirror": {"type": "object", "properties": {
      "token": {"type": "string", "minLength": 20, "x-buildkeep-secret": true},
      "since": {"type": "string", "format": "date-time"}
    }},
    "host": {"type": "array", "items": {"$ref": "#/$defs/host"}}
  },
  "$defs": {"host": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
    "name": {"type": "string"}, "port": {"type": "integer", "maximum": 65535}}}}
}"##;

fn schema() -> Schema {
    Schema::parse("build.schema.json", SCHEMA).unwrap()
}

fn problems(text: &str) -> Vec<Problem> {
    match Document::parse("config/build.toml", text) {
        Ok(document) => document.validate(&schema()),
        Err(problem) => vec![problem],
    }
}

fn shown(text: &str) -> String {
    anstream::adapter::strip_str(&render(&problems(text))).to_string()
}

#[test]
fn nothing_is_wrong_with_a_good_document() {
    let text = "schema = 1\nmode = \"fast\"\n[build]\njobs = 8\nflags = [\"-O2\"]\n\
        [mirror]\nsince = 2025-05-31T15:52:53Z\n[[host]]\nname = \"a\"\n";
    assert_data_eq!(shown(text), str![""]);
}

#[test]
fn all_problems_are_shown_in_order() {
    let text = "# build settings\nmode = \"fasst\"\n\n[build]\ntest-level = 1\n\
        target = \"X86 64\"\n\n[[host]]\nname = \"a\"\nport = 99999\n\n[[host]]\nport = 22\njobs = 3\n";
    assert_data_eq!(
        shown(text),
        str![[r#"
error[K003]: `schema` is missing
 --> config/build.toml:1:1
  |
1 | # build settings
  | ^
  |
  = help: add `schema = 1`: Version of this file's form

error[K005]: `mode` is "fasst", but must be one of "fast", "careful"
 --> config/build.toml:2:8
  |
2 | mode = "fasst"
  |        ^^^^^^^
  |
  = help: did you mean "fast"?

error[K002]: unknown key `test-level` in `build`
 --> config/build.toml:5:1
  |
5 | test-level = 1
  | ^^^^^^^^^^ nothing reads this
  |
  = help: did you mean `test_level`?

error[K007]: `build.target` is "X86 64", but must match the pattern ^[a-z0-9_-]+$
 --> config/build.toml:6:10
  |
6 | target = "X86 64"
  |          ^^^^^^^^
  |
  = help: `build.target`: Triplet of the machine to build for

error[K006]: `host[0].port` is 99999, but must be at most 65535
  --> config/build.toml:10:8
   |
10 | port = 99999
   |        ^^^^^

error[K003]: `host[1].name` is missing
  --> config/build.toml:12:1
   |
12 | [[host]]
   | ^^^^^^^^
   |
   = help: add `name = "…"`

error[K002]: unknown key `jobs` in `host[1]`
  --> config/build.toml:14:1
   |
14 | jobs = 3
   | ^^^^ nothing reads this
   |
   = help: `jobs` belongs in the table `[build]`
"#]]
    );
}

#[test]
fn a_wrong_type_comes_with_the_right_line() {
    let text = "schema = 1\n[build]\njobs = \"16\"        # as many as there are cores\n\
        strip = \"yes\"\nratio = []\nflags = \"-O2\"\ntarget = 64\n[build.test_level]\n";
    assert_data_eq!(
        shown(text),
        str![[r#"
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:3:8
  |
3 | jobs = "16"        # as many as there are cores
  |        ^^^^
  |
  = help: remove the quotes: `jobs = 16`

error[K004]: `build.strip` must be true or false, not text
 --> config/build.toml:4:9
  |
4 | strip = "yes"
  |         ^^^^^
  |
  = help: remove the quotes: `strip = true`

error[K004]: `build.ratio` must be a number, not a list
 --> config/build.toml:5:9
  |
5 | ratio = []
  |         ^^

error[K004]: `build.flags` must be a list, not text
 --> config/build.toml:6:9
  |
6 | flags = "-O2"
  |         ^^^^^
  |
  = help: put it in brackets: `flags = ["-O2"]`

error[K004]: `build.target` must be text, not a number
 --> config/build.toml:7:10
  |
7 | target = 64
  |          ^^
  |
  = help: add quotes: `target = "64"`

error[K004]: `build.test_level` must be a whole number, not a table
 --> config/build.toml:8:1
  |
8 | [build.test_level]
  | ^^^^^^^^^^^^^^^^^^
"#]]
    );
}

#[test]
fn ranges_and_twice_the_same() {
    let text = "schema = 2\n[build]\njobs = 0\nflags = [\"a\", \"b\", \"a\"]\ntest_level = 1.0\n[mirror]\nsince = \"now\"\n";
    assert_data_eq!(
        shown(text),
        str![[r#"
error[K005]: `schema` is 2, but must be 1
 --> config/build.toml:1:10
  |
1 | schema = 2
  |          ^
  |
  = help: write `schema = 1`

error[K006]: `build.jobs` is 0, but must be at least 1
 --> config/build.toml:3:8
  |
3 | jobs = 0
  |        ^
  |
  = help: `build.jobs` may be 1 to 1024

error[K008]: `build.flags` names the same thing twice
 --> config/build.toml:4:9
  |
4 | flags = ["a", "b", "a"]
  |         ^^^^^^^^^^^^^^^
  |
  = help: remove one of them

error[K004]: `build.test_level` must be a whole number, not a decimal one
 --> config/build.toml:5:14
  |
5 | test_level = 1.0
  |              ^^^
  |
  = help: write it without the point: `test_level = 1`

error[K007]: `mirror.since` is "now", but must be of the form `date-time`
 --> config/build.toml:7:9
  |
7 | since = "now"
  |         ^^^^^
  |
  = help: for example "2026-01-31T12:00:00Z"
"#]]
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "schema = 1\nmirror = { token = \"hunter2\", since = 4 }\n";
    assert_data_eq!(
        shown(text),
        str![[r#"
error[K006]: `mirror.token` must have at least 20 characters
 --> config/build.toml:2:20
  |
2 | mirror = { token = …, since = 4 }
  |                    ^

error[K004]: `mirror.since` must be text, not a number
 --> config/build.toml:2:31
  |
2 | mirror = { token = …, since = 4 }
  |                               ^
  |
  = help: add quotes: `since = "4"`
"#]]
    );
    let json = serde_json::to_string(&problems(text)).unwrap();
    assert!(!json.contains("hunter2"), "{json}");
}

#[test]
fn syntax_errors_have_a_place() {
    assert_data_eq!(
        shown("a = 1\nb = [1,\n"),
        str![[r#"
error[K001]: unclosed array
 --> config/build.toml:2:8
  |
2 | b = [1,
  |        ^
  |
  = help: expected `]`
"#]]
    );
    assert_data_eq!(
        shown("a = 1\na = 2\n"),
        str![[r#"
error[K008]: `a` is set a second time
 --> config/build.toml:2:1
  |
2 | a = 2
  | ^
  |
  = help: keep one of the two
"#]]
    );
    assert_data_eq!(
        shown("[build\njobs = 1\n"),
        str![[r#"
error[K001]: unclosed table
 --> config/build.toml:1:7
  |
1 | [build
  |       ^
  |
  = help: expected `]`
"#]]
    );
    assert_data_eq!(
        shown("jobs = fast\n"),
        str![[r#"
error[K001]: this is not a value
 --> config/build.toml:1:8
  |
1 | jobs = fast
  |        ^^^^
  |
  = help: text must be in quotes: `"like this"`; other values are numbers, `true`, `false`, dates, `[lists]`
"#]]
    );
}

#[test]
fn an_empty_document_may_lack_keys() {
    assert_data_eq!(
        shown(""),
        str![[r#"
error[K003]: `schema` is missing
 --> config/build.toml:1:1
  |
1 |
  | ^
  |
  = help: add `schema = 1`: Version of this file's form
"#]]
    );
}

#[test]
fn json_has_exactly_the_promised_fields() {
    let found = problems("schema = 1\n[build]\njobs = \"16\"\n");
    let json = serde_json::to_string(&found).unwrap();
    assert_data_eq!(
        json,
        str![[
            r#"[{"code":"K004","file":"config/build.toml","line":3,"column":8,"path":"build.jobs","message":"`build.jobs` must be a whole number, not text","help":"remove the quotes: `jobs = 16`"}]"#
        ]]
    );
}

#[test]
fn others_can_place_problems_too() {
    let text = "[[step]]\nid = \"a\"\n\n[[step]]\nid = \"b\"\nneeds = [\"a\", \"c\"]\n";
    let document = Document::parse("plan.toml", text).unwrap();
    let path = KeyPath::from(["step".into(), 1.into(), "needs".into(), 1.into()]);
    let value = document
        .problem(&path, "K101", "step `b` needs `c`, which does not exist")
        .label("no such step")
        .help("did you mean `a`?");
    let key = document.problem_at(
        Place::Key,
        &KeyPath::root().key("step").item(0).key("id"),
        code::OTHER_RULE,
        "here",
    );
    let gone = document.problem(
        &KeyPath::root().key("step").item(0).key("script"),
        code::MISSING_KEY,
        "gone",
    );
    let shown = render(&[value, key, gone]);
    assert_data_eq!(
        anstream::adapter::strip_str(&shown).to_string(),
        str![[r#"
error[K101]: step `b` needs `c`, which does not exist
 --> plan.toml:6:15
  |
6 | needs = ["a", "c"]
  |               ^^^ no such step
  |
  = help: did you mean `a`?

error[K009]: here
 --> plan.toml:2:1
  |
2 | id = "a"
  | ^^

error[K003]: gone
 --> plan.toml:1:1
  |
1 | [[step]]
  | ^^^^^^^^
"#]]
    );
}

#[test]
fn a_schema_that_is_none_is_refused() {
    let not_json = Schema::parse("a.schema.json", "{").unwrap_err();
    assert_data_eq!(
        not_json.to_string(),
        str!["schema a.schema.json is not JSON: EOF while parsing an object at line 1 column 1"]
    );
    let not_schema = Schema::parse("a.schema.json", r#"{"type": "strng"}"#).unwrap_err();
    assert_data_eq!(
        not_schema.to_string(),
        str![[
            r#"schema a.schema.json is not a JSON Schema: "strng" is not valid under any of the schemas listed in the 'anyOf' keyword (at `/type`)"#
        ]]
    );
    let remote = Schema::parse("a.schema.json", r#"{"$ref": "https://example.org/x"}"#);
    assert_data_eq!(
        remote.unwrap_err().to_string(),
        str![
            "schema a.schema.json is not a JSON Schema: `$ref` leads to https://example.org/x, and may only lead to what is in the same file, as `#/$defs/NAME`"
        ]
    );
    let nowhere = Schema::parse("a.schema.json", r##"{"$ref": "#/$defs/x"}"##);
    assert_data_eq!(
        nowhere.unwrap_err().to_string(),
        str![
            "schema a.schema.json is not a JSON Schema: `$ref` leads to `#/$defs/x`, which is not there"
        ]
    );
}

#[test]
fn defaults_are_read_from_the_schema() {
    assert_eq!(
        schema().defaults(),
        serde_json::json!({"build": {"jobs": 4}})
    );
}

#[test]
fn no_text_makes_it_panic() {
    let mut texts: Vec<Vec<u8>> = vec![
        b"[".to_vec(),
        b"[]".to_vec(),
        b"[[".to_vec(),
        b"[[]]".to_vec(),
        b"=".to_vec(),
        b"\xef\xbb\xbfa = 1".to_vec(),
        b"\xff\xfe".to_vec(),
        b"a = \"\\u".to_vec(),
        b"a.b = 1\n[a]\nb.c = 2".to_vec(),
        b"a = {b = 1, ".to_vec(),
        b"\r\r\n\0".to_vec(),
        b"jobs = 99999999999999999999".to_vec(),
        "a = "
            .bytes()
            .chain(std::iter::repeat_n(b'[', 10_000))
            .collect(),
    ];
    let seed =
        "schema=1\n[build]\njobs='ä'\nflags=[1,{a=2}]\n[mirror]\ntoken='x'\n[[host]]\nport=7e9\n";
    for at in 0..seed.len() {
        texts.push(seed.as_bytes()[..at].to_vec());
        for byte in [b'[', b'"', b'\n', b'=', 0, 0xc3, b'{', b'.', b','] {
            let mut text = seed.as_bytes().to_vec();
            text[at] = byte;
            texts.push(text);
        }
    }
    for text in texts {
        let found = match Document::parse_bytes("f", &text) {
            Ok(document) => document.validate(&schema()),
            Err(problem) => vec![problem],
        };
        render(&found);
        let Ok(text) = std::str::from_utf8(&text) else {
            continue;
        };
        for key in [
            "build.jobs",
            "mirror.token",
            "host[0].port",
            "new.a.b",
            "build.flags[1].a",
        ] {
            let key = KeyPath::parse(key).unwrap();
            // The result does not matter: that there is one does.
            let _ = set("f", text, &key, &Value::from(7));
            let _ = unset("f", text, &key);
        }
    }
}

#[test]
fn a_conflict_of_a_merge_is_called_one() {
    let text = "[a]\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> other\n";
    let problem = Document::parse("x.toml", text).unwrap_err();
    assert_eq!((problem.line, problem.column), (2, 1));
    assert!(problem.message.contains("a merge left two versions"));
    let plain = Document::parse("x.toml", "a = 1\n<<<<<<< HEAD\n").unwrap_err();
    assert!(!plain.message.contains("merge"), "half of one is none");
}
