//! Rules about several keys or forms: one problem each, at its place.
use snapbox::{assert_data_eq, str};

use super::{Document, Schema, render};

const SCHEMA: &str = r##"{
  "type": "object",
  "properties": {
    "source": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "disk": {"oneOf": [{"type": "string", "pattern": "^[0-9]+ GB$", "title": "a size, as 6 GB"}, {"type": "integer"}, {"const": false}]},
    "from": {"oneOf": [{"$ref": "#/$defs/git"}, {"$ref": "#/$defs/tar"}]},
    "build": {
      "properties": {"jobs": {"type": "integer"}, "serial": {"type": "boolean"}, "tests": {"type": "string"}, "level": {"type": ["integer", "string"]}},
      "not": {"required": ["jobs", "serial"]},
      "dependentRequired": {"tests": ["level"]},
      "if": {"properties": {"tests": {"const": "all"}}, "required": ["tests"]},
      "then": {"properties": {"level": {"enum": [3]}}}
    },
    "tool": {"patternProperties": {"^lib": {"type": "string"}, "^bin": {"type": "integer"}}, "additionalProperties": false}
  },
  "$defs": {
    "git": {"type": "object", "required": ["url"], "additionalProperties": false, "properties": {"url": {"type": "string"}, "tag": {"type": "string"}}},
    "tar": {"type": "object", "required": ["file"], "additionalProperties": false, "properties": {"file": {"type": "string"}}}
  }
}"##;

fn shown(text: &str) -> String {
    let schema = Schema::parse("s", SCHEMA).unwrap();
    let problems = Document::parse("f.toml", text).unwrap().validate(&schema);
    anstream::adapter::strip_str(&render(&problems)).to_string()
}

#[test]
fn a_value_of_no_form_is_told_once() {
    assert_data_eq!(
        shown("source = 4\n"),
        str![[r#"
error[K004]: `source` must be text or a list
 --> f.toml:1:10
  |
1 | source = 4
  |          ^
  |
  = help: add quotes: `source = "4"`
"#]]
    );
    assert_data_eq!(
        shown("source = [\"a\", 4]\n"),
        str![[r#"
error[K004]: `source[1]` must be text, not a number
 --> f.toml:1:16
  |
1 | source = ["a", 4]
  |                ^
  |
  = help: add quotes: `"4"`
"#]]
    );
    assert_data_eq!(
        shown("disk = true\n"),
        str![[r#"
error[K009]: `disk` has none of the allowed forms
 --> f.toml:1:8
  |
1 | disk = true
  |        ^^^^
  |
  = help: it may be a size, as 6 GB, or a whole number, or false
"#]]
    );
    assert_data_eq!(
        shown("disk = \"much\"\n"),
        str![[r#"
error[K007]: `disk` is "much", but must match the pattern ^[0-9]+ GB$
 --> f.toml:1:8
  |
1 | disk = "much"
  |        ^^^^^^
"#]]
    );
}

#[test]
fn a_table_is_taken_for_the_form_whose_keys_it_has() {
    assert_data_eq!(
        shown("[from]\nurl = 4\n"),
        str![[r#"
error[K004]: `from.url` must be text, not a number
 --> f.toml:2:7
  |
2 | url = 4
  |       ^
  |
  = help: add quotes: `url = "4"`
"#]]
    );
    assert_data_eq!(
        shown("from = {}\n"),
        str![[r#"
error[K009]: `from` has none of the allowed forms
 --> f.toml:1:8
  |
1 | from = {}
  |        ^^
  |
  = help: it may be a table with `url`, or a table with `file`
"#]]
    );
}

#[test]
fn keys_that_belong_together_or_do_not() {
    assert_data_eq!(
        shown("[build]\njobs = 2\nserial = true\n"),
        str![[r#"
error[K009]: `jobs` and `serial` in `build` exclude one another
 --> f.toml:1:1
  |
1 | [build]
  | ^^^^^^^
  |
  = help: take one of them out
"#]]
    );
    assert_data_eq!(
        shown("[build]\ntests = \"some\"\n"),
        str![[r#"
error[K003]: `build.level` is missing: `tests` needs it
 --> f.toml:1:2
  |
1 | [build]
  |  ^^^^^
  |
  = help: add `level = …`
"#]]
    );
    assert_data_eq!(
        shown("[build]\ntests = \"all\"\nlevel = 2.0\n"),
        str![[r#"
error[K004]: `build.level` must be a whole number, not a decimal one
 --> f.toml:3:9
  |
3 | level = 2.0
  |         ^^^
  |
  = help: write it without the point: `level = 2`
"#]]
    );
    assert_data_eq!(
        shown("[tool]\nlibx = 1\nbinx = 2\nother = 3\n"),
        str![[r#"
error[K004]: `tool.libx` must be text, not a number
 --> f.toml:2:8
  |
2 | libx = 1
  |        ^
  |
  = help: add quotes: `libx = "1"`

error[K002]: unknown key `other` in `tool`
 --> f.toml:4:1
  |
4 | other = 3
  | ^^^^^ nothing reads this
  |
  = help: remove it
"#]]
    );
}
