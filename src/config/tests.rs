//! Layers, whole.
use serde_json::json;
use snapbox::{assert_data_eq, str};

use super::edit::{Change, Edit, Target, Wish};
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
    assert_eq!(other.affected_steps(&key("build.jobs")), Some(Vec::new()));
    assert_eq!(other.affected_steps(&key("build.CC")), None);
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

/// A plan to set one key.
fn set(files: &Files, name: &str, value: &str, target: &Target) -> Result<Edit, super::Error> {
    let wish = Wish {
        key: key(name),
        change: Change::Set(value.to_owned()),
    };
    Edit::plan((files, files), &[wish], target)
}

#[test]
fn a_key_goes_where_it_belongs() {
    let more = [("config/free.toml", "[mine]\na = 1\n")];
    let home = |name: &str| {
        let edit = set(&files(&more), name, "1", &Target::Shared);
        edit.map(|edit| edit.keys[0].file.clone())
            .unwrap_or_default()
    };
    assert_eq!(home("build.jobs"), "config/build.toml");
    assert_eq!(home("mine.b"), "config/free.toml");
    assert_eq!(home("new.b"), "config/new.toml");
}

#[test]
fn what_was_broken_elsewhere_does_not_stop_an_edit() {
    let more = [("config/hosts/x.toml", "[build]\njobs = \"2\"\n")];
    let files = files(&more);
    let edit = set(&files, "build.jobs", "5", &Target::Shared).unwrap();
    assert_eq!(edit.keys[0].after, Some(json!(5)));
    let host = Target::Host("x".to_owned());
    let same = set(&files, "build.jobs", "5", &host);
    assert!(same.is_ok(), "an edit may mend what is broken");
    let other = set(&files, "build.CC", "x", &host);
    assert!(other.is_err(), "but not leave it broken in the same file");
}

#[test]
fn built_in_schemas_are_schemas() {
    for (name, text) in super::BUILTIN {
        crate::document::Schema::parse(name, text).unwrap();
    }
}

/// The problems of files, one a line.
fn told(all: &[(&str, &str)]) -> String {
    let files: Files = all
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let sources = Sources::read(&files).unwrap();
    let line = |p: &crate::document::Problem| {
        format!(
            "{} {}:{}:{} {}\n",
            p.code, p.file, p.line, p.column, p.message
        )
    };
    let problems = sources.problems().iter().chain(sources.warnings());
    problems.map(line).collect()
}

const TOGETHER: (&str, &str) = (
    "schemas/build.schema.json",
    r#"{"type": "object", "additionalProperties": false, "required": ["schema", "build"], "properties": {
      "schema": {"const": 1},
      "build": {"type": "object", "additionalProperties": false, "required": ["target", "disk"], "properties": {
        "target": {"type": "string"},
        "disk": {"type": "string", "x-buildkeep-scope": "host"},
        "book": {"type": "string", "x-buildkeep-scope": "shared"},
        "jobs": {"type": "integer"}, "serial": {"type": "boolean"},
        "cores": {"type": "integer", "deprecated": true, "x-buildkeep-replaced-by": "build.jobs"},
        "mode": {"enum": ["fast", "safe"]}, "check": {"type": "boolean"},
        "flags": {"type": "array", "items": {"enum": ["-O2", "-g"]}, "maxItems": 2, "x-buildkeep-merge": "append"}},
        "not": {"required": ["jobs", "serial"]},
        "if": {"required": ["mode"], "properties": {"mode": {"const": "safe"}}}, "then": {"required": ["check"]}}},
      "if": {"properties": {"build": {"properties": {"mode": {"const": "fast"}}, "required": ["mode"]}}},
      "then": {"properties": {"build": {"properties": {"target": {"const": "x"}}}}}}"#,
);

#[test]
fn what_no_layer_gives_is_missing_and_what_one_gives_is_not() {
    let base = ("config/build.toml", "schema = 1\n[build]\njobs = 2\n");
    assert_data_eq!(
        told(&[TOGETHER, base]),
        str![[r#"
K003 config/build.toml:2:2 `build.target` is missing

"#]]
    );
    let profile = [
        ("buildkeep.toml", "profiles = [\"p\"]\n"),
        ("config/profiles/p.toml", "[build]\ntarget = \"x\"\n"),
    ];
    assert_data_eq!(told(&[TOGETHER, base, profile[0], profile[1]]), str![]);
    let host = ("config/hosts/h.toml", "[build]\ntarget = \"x\"\n");
    assert_data_eq!(
        told(&[TOGETHER, base, host]),
        str![[r#"
K003 config/build.toml:2:2 `build.target` is missing
K003 config/hosts/h.toml:1:2 `build.disk` is missing (on the host `h`)

"#]]
    );
    assert_data_eq!(
        told(&[TOGETHER]),
        str![[r#"
K003 config/build.toml:0:0 `build` is missing

"#]]
    );
}

#[test]
fn rules_hold_across_layers() {
    let base = (
        "config/build.toml",
        "schema = 1\n[build]\ntarget = \"x\"\njobs = 2\nflags = [\"-O2\"]\nmode = \"fast\"\n",
    );
    let with = |overlay| told(&[TOGETHER, base, ("config/hosts/h.toml", overlay)]);
    assert_data_eq!(with("[build]\ndisk = \"/dev/sda\"\n"), str![]);
    assert_data_eq!(
        with("[build]\ndisk = \"/dev/sda\"\nserial = true\n"),
        str![[r#"
K009 config/hosts/h.toml:1:1 `jobs` and `serial` in `build` exclude one another (on the host `h`)

"#]]
    );
    assert_data_eq!(
        with("[build]\ndisk = \"/dev/sda\"\nmode = \"safe\"\n"),
        str![[r#"
K003 config/hosts/h.toml:1:2 `build.check` is missing (on the host `h`)

"#]]
    );
    assert_data_eq!(
        with("[build]\ndisk = \"/dev/sda\"\ntarget = \"y\"\n"),
        str![[r#"
K005 config/hosts/h.toml:3:10 `build.target` is "y", but must be "x" (on the host `h`)

"#]]
    );
    assert_data_eq!(
        with("[build]\ndisk = \"/dev/sda\"\nflags = [\"-g\", \"-g\"]\n"),
        str![[r#"
K006 config/hosts/h.toml:3:9 `build.flags` must have at most 2 items (on the host `h`)

"#]]
    );
    assert_data_eq!(
        with("[build]\nbook = \"13\"\n[other]\n"),
        str![[r#"
K003 config/hosts/h.toml:1:2 `build.disk` is missing (on the host `h`)
K018 config/hosts/h.toml:2:1 `build.book` must be the same on every machine
K002 config/hosts/h.toml:3:2 unknown key `other`

"#]]
    );
}

#[test]
fn keys_stand_where_they_belong_and_may_go_away() {
    let text = "[build]\ntarget = \"x\"\ndisk = \"/dev/sda\"\ncores = 3\n";
    assert_data_eq!(
        told(&[TOGETHER, ("config/build.toml", text)]),
        str![[r#"
K003 config/build.toml:1:1 `schema` is missing
K018 config/build.toml:3:1 `build.disk` differs from machine to machine: it belongs to a host
K019 config/build.toml:4:1 `build.cores` goes away

"#]]
    );
}

#[test]
fn annotations_that_mean_nothing_are_told() {
    let schema = r#"{"properties": {"a": {"properties": {
        "b": {"x-buildkeep-secrt": true, "x-buildkeep-merge": "add", "default": {"x-buildkeep-scope": 1}},
        "c": {"x-buildkeep-affects": ["x", 1], "x-buildkeep-scope": "host", "x-other": 1}}}}}"#;
    assert_data_eq!(
        told(&[("schemas/a.schema.json", schema)]),
        str![[r#"
K013 schemas/a.schema.json:0:0 there is no annotation `x-buildkeep-secrt`, at /properties/a/properties/b/x-buildkeep-secrt
K013 schemas/a.schema.json:0:0 `x-buildkeep-merge` cannot be "add", at /properties/a/properties/b/x-buildkeep-merge
K013 schemas/a.schema.json:0:0 `x-buildkeep-affects` cannot be ["x",1], at /properties/a/properties/c/x-buildkeep-affects

"#]]
    );
}

#[test]
fn lists_merge_as_the_schema_says() {
    let schema = r#"{"properties": {"a": {"properties": {
        "append": {"x-buildkeep-merge": "append"}, "prepend": {"x-buildkeep-merge": "prepend"},
        "unique": {"x-buildkeep-merge": "unique"}, "plain": {},
        "table": {"x-buildkeep-merge": "replace"}, "deep": {}}}}}"#;
    let text = |name: &str| {
        let keys = ["append", "prepend", "unique", "plain"];
        let lists = keys
            .map(|key| format!("{key} = [\"{name}\", \"x\"]\n"))
            .concat();
        format!("[a]\n{lists}table.{name} = 1\ndeep.{name} = 1\n")
    };
    let files: Files = [
        ("schemas/a.schema.json", schema.to_owned()),
        ("config/a.toml", text("one")),
        ("config/hosts/h.toml", text("two")),
    ]
    .map(|(path, text)| (path.to_owned(), text.into_bytes()))
    .into_iter()
    .collect();
    let sources = Sources::read(&files).unwrap();
    let effective = Effective::of(&sources, &Scope::of_host("h")).unwrap();
    assert_eq!(
        effective.get(&key("a")),
        Some(&json!({
            "append": ["one", "x", "two", "x"], "prepend": ["two", "x", "one", "x"],
            "unique": ["one", "x", "two"], "plain": ["two", "x"],
            "table": {"two": 1}, "deep": {"one": 1, "two": 1}
        }))
    );
}

/// The names of all keys that a schema describes.
fn property_names(schema: &serde_json::Value, found: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            for (keyword, value) in fields {
                if let ("properties", Some(names)) = (keyword.as_str(), value.as_object()) {
                    found.extend(names.keys().cloned());
                }
                property_names(value, found);
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                property_names(item, found);
            }
        }
        _ => {}
    }
}

fn code_in(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code_in(&path, text);
        } else if !path.ends_with("tests.rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The reverse is true by itself: what the schema does not know cannot be written.
#[test]
fn every_setting_of_buildkeep_toml_is_read_by_something() {
    let mut code = String::new();
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in ["config", "commands"] {
        code_in(&src.join(folder), &mut code);
    }
    let schema = super::schemas::builtin("buildkeep.schema.json").unwrap();
    let mut names = Vec::new();
    property_names(schema.json(), &mut names);
    assert!(names.len() > 10, "{names:?}");
    // The form of a file is read with its migrations.
    names.retain(|name| name != "schema");
    for name in names {
        let forms = [
            format!("get(\"{name}\")"),
            format!("key(\"{name}\")"),
            format!("/{name}\""),
            format!("    {name}: "),
            format!("    pub {name}: "),
            format!("\"{name}\" =>"),
            format!("(\"{name}\")"),
        ];
        let is_read = forms.iter().any(|form| code.contains(form));
        assert!(is_read, "nothing reads `{name}` of buildkeep.toml");
    }
}
