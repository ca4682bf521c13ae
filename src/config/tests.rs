//! Layers, whole.
use serde_json::json;

use super::edit::{Edit, Wish};
use super::{Effective, Files, Layer, Override, Scope, Sources};
use crate::document::KeyPath;

const BASE: &[(&str, &str)] = &[
    (
        "schemas/build.schema.json",
        r##"{"type": "object", "additionalProperties": false, "properties": {
          "build": {"$ref": "#/$defs/build"}}, "$defs": {"build": {
          "type": "object", "additionalProperties": false, "properties": {
            "jobs": {"type": "integer", "default": 2, "x-buildkeep-affects": "nothing"},
            "flags": {"type": "array", "items": {"type": "string"}, "x-buildkeep-merge": "append"},
            "tools": {"type": "array", "items": {"type": "string"}},
            "CC": {"type": "string"}
          }}}}"##,
    ),
    (
        "config/build.toml",
        "[build]\nflags = [\"-O2\"]\ntools = [\"gcc\"]\n",
    ),
    (
        "config/hosts/h.toml",
        "[build]\nflags = [\"-g\"]\ntools = [\"clang\"]\n",
    ),
];

fn files(more: &[(&str, &str)]) -> Files {
    let all = BASE.iter().chain(more);
    all.map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

fn key(text: &str) -> KeyPath {
    KeyPath::parse(text).unwrap()
}

fn override_of(layer: Layer, name: &str, value: &str) -> Override {
    Override {
        layer,
        source: name.to_owned(),
        key: name.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn arrays_replace_unless_the_schema_appends() {
    let sources = Sources::read(&files(&[])).unwrap();
    assert_eq!(sources.problems(), []);
    let effective = Effective::of(&sources, &Scope::of_host("h")).unwrap();
    assert_eq!(
        effective.get(&key("build.flags")),
        Some(&json!(["-O2", "-g"]))
    );
    assert_eq!(effective.get(&key("build.tools")), Some(&json!(["clang"])));
    assert_eq!(
        effective.origin(&key("build.tools")).unwrap().layer,
        Layer::Host
    );
    let other = Effective::of(&sources, &Scope::of_host("other")).unwrap();
    assert_eq!(other.get(&key("build.tools")), Some(&json!(["gcc"])));
    assert_eq!(
        other.origin(&key("build.jobs")).unwrap().layer,
        Layer::Default
    );
    assert!(!other.affects_steps(&key("build.jobs")) && other.affects_steps(&key("build.CC")));
}

#[test]
fn overrides_are_typed_by_the_schema_and_found_in_any_case() {
    let sources = Sources::read(&files(&[])).unwrap();
    let scope = Scope {
        host: String::new(),
        overrides: vec![
            override_of(Layer::Environment, "BUILD.CC", "12"),
            override_of(Layer::Environment, "BUILD.JOBS", "8"),
            override_of(Layer::CommandLine, "build.jobs", "9"),
        ],
    };
    let effective = Effective::of(&sources, &scope).unwrap();
    assert_eq!(effective.get(&key("build.CC")), Some(&json!("12")));
    assert_eq!(effective.get(&key("build.jobs")), Some(&json!(9)));
    assert_eq!(
        effective.origin(&key("build.jobs")).unwrap().layer,
        Layer::CommandLine
    );
}

#[test]
fn overlays_are_checked_by_the_schema_of_the_file_they_overlay() {
    let wrong = files(&[("config/hosts/x.toml", "[build]\njobs = \"2\"\nCCC = 1\n")]);
    let sources = Sources::read(&wrong).unwrap();
    let found: Vec<_> = sources
        .problems()
        .iter()
        .map(|p| (p.code, p.line))
        .collect();
    assert_eq!(found, [("K004", 2), ("K002", 3)]);
}

#[test]
fn a_table_that_no_schema_knows_is_allowed_where_a_file_has_none() {
    let free = files(&[
        ("config/free.toml", "[mine]\na = 1\n"),
        ("config/hosts/y.toml", "[mine]\na = 2\n"),
    ]);
    assert_eq!(Sources::read(&free).unwrap().problems(), []);
}

#[test]
fn a_broken_schema_is_a_problem_and_no_more() {
    let broken = files(&[
        ("schemas/x.schema.json", "{"),
        ("config/x.toml", "[x]\na = 1\n"),
    ]);
    let sources = Sources::read(&broken).unwrap();
    let codes: Vec<_> = sources.problems().iter().map(|p| p.code).collect();
    assert_eq!(codes, ["K013"]);
}

#[test]
fn a_key_goes_where_it_belongs() {
    let more = [("config/free.toml", "[mine]\na = 1\n")];
    let home = |name: &str| {
        let edit = Edit::plan(&files(&more), &key(name), Wish::Set("1"), None);
        edit.map(|edit| edit.file).unwrap_or_default()
    };
    assert_eq!(home("build.jobs"), "config/build.toml");
    assert_eq!(home("mine.b"), "config/free.toml");
    assert_eq!(home("new.b"), "config/new.toml");
}

#[test]
fn what_was_broken_elsewhere_does_not_stop_an_edit() {
    let more = [("config/hosts/x.toml", "[build]\njobs = \"2\"\n")];
    let edit = Edit::plan(&files(&more), &key("build.jobs"), Wish::Set("5"), None).unwrap();
    assert_eq!(edit.after, Some(json!(5)));
    let same = Edit::plan(
        &files(&more),
        &key("build.jobs"),
        Wish::Set("5"),
        Some("config/hosts/x.toml"),
    );
    assert!(same.is_ok(), "an edit may mend what is broken");
    let other = Edit::plan(
        &files(&more),
        &key("build.CC"),
        Wish::Set("x"),
        Some("config/hosts/x.toml"),
    );
    assert!(other.is_err(), "but not leave it broken in the same file");
}

#[test]
fn built_in_schemas_are_schemas() {
    for (name, text) in super::BUILTIN {
        crate::document::Schema::parse(name, text).unwrap();
    }
}
