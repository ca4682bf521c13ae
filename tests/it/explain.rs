//! `explain`: every code, its example, and the guide made from both.
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value as Json;
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// The schema that the examples of K001 to K010 are about.
const SCHEMA: &str = r#"{
  "type": "object", "additionalProperties": false, "required": ["build"],
  "properties": {
    "build": {
      "type": "object", "additionalProperties": false, "required": ["target"],
      "properties": {
        "target": {"type": "string", "pattern": "^[a-z0-9_]+(-[a-z0-9_]+)+$"},
        "jobs": {"type": "integer", "minimum": 1, "maximum": 64},
        "tests": {"enum": ["none", "quick", "full"]},
        "load": {"type": "number"},
        "serial": {"type": "boolean"}
      },
      "not": {"required": ["jobs", "serial"]}
    }
  }
}
"#;

fn codes(env: &Env) -> Vec<Json> {
    env.json(&["explain"])["codes"].as_array().unwrap().clone()
}

fn text<'a>(json: &'a Json, field: &str) -> &'a str {
    json[field].as_str().unwrap()
}

/// Writes the files of an example; scripts get their run bit.
fn put(env: &Env, files: &Json) {
    for file in files.as_array().unwrap() {
        let (path, content) = (text(file, "file"), text(file, "text"));
        if path.starts_with("scripts/") {
            env.script(path, content);
        } else {
            env.write(path, content);
        }
    }
}

/// The codes of errors and warnings that `config validate` finds.
fn found(env: &Env) -> Vec<String> {
    let answer = env.json(&["config", "validate"]);
    let of = |list: &str| answer[list].as_array().cloned().unwrap_or_default();
    let both = of("errors").into_iter().chain(of("warnings"));
    both.map(|problem| text(&problem, "code").to_owned())
        .collect()
}

#[test]
fn every_example_has_its_problem_and_is_mended_as_shown() {
    let listed = codes(&Env::new());
    assert!(listed.len() > 25);
    for one in listed {
        let code = text(&one, "code");
        if one["wrong"].as_array().unwrap().is_empty() {
            continue;
        }
        let env = Env::new();
        env.git(&["init", "--quiet", "."]);
        env.write("buildkeep.toml", "");
        if code <= "K010" {
            env.write("schemas/build.schema.json", SCHEMA);
        }
        put(&env, &one["wrong"]);
        let wrong = found(&env);
        assert!(wrong.iter().all(|found| found == code), "{code}: {wrong:?}");
        assert_eq!(wrong.len(), 1, "{code}");
        put(&env, &one["right"]);
        assert_eq!(found(&env), [""; 0], "{code}, mended");
    }
}

#[test]
fn a_code_is_explained() {
    let env = Env::new();
    assert_data_eq!(
        env.run(&["explain", "k004"]),
        str![[r#"
K004: The value has the wrong type

In TOML `16` is a number and `"16"` is text; `true` is not `"true"`; a list has
brackets even if it has one item. Whole numbers have no point: `2`, not `2.0`.

Wrong
  config/build.toml
      [build]
      target = "x86_64-linux"
      jobs = "16"

Mended
  config/build.toml
      [build]
      target = "x86_64-linux"
      jobs = 16
      tests = "quick"

To mend it: remove or add quotes or brackets, as shown.

"#]]
    );
    assert_data_eq!(
        env.run(&["explain", "K01"]),
        str![[r#"
--- stderr
error: there is no code `K01`
hint: did you mean K001?
--- exit 2

"#]]
    );
    assert_data_eq!(
        env.run(&["explain", "Q"]),
        str![[r#"
--- stderr
error: there is no code `Q`
hint: list all codes: `buildkeep explain`
--- exit 2

"#]]
    );
}

/// One section of the guide for each code.
fn sections(codes: &[Json]) -> String {
    let mut shown = "| code | means | usual remedy |\n|---|---|---|\n".to_owned();
    for one in codes {
        let field = |name| text(one, name).replace('|', "\\|");
        let cells = [field("code"), field("means"), field("remedy")];
        writeln!(shown, "| {} |", cells.join(" | ")).unwrap();
    }
    for one in codes {
        let (code, means) = (text(one, "code"), text(one, "means"));
        write!(shown, "\n### {code}: {means}\n\n{}\n", text(one, "text")).unwrap();
        for (title, side) in [("Wrong", "wrong"), ("Mended", "right")] {
            for file in one[side].as_array().unwrap() {
                let (path, content) = (text(file, "file"), text(file, "text"));
                let name = Path::new(path);
                let language = match name.extension().and_then(|ending| ending.to_str()) {
                    Some("sh") => "sh",
                    Some("json") => "json",
                    _ => "toml",
                };
                write!(
                    shown,
                    "\n{title}, `{path}`:\n\n```{language}\n{content}```\n"
                )
                .unwrap();
            }
        }
    }
    shown
}

#[test]
fn the_guide_is_what_explain_says() {
    const TITLE: &str = "## The codes\n\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/errors.md");
    let guide = std::fs::read_to_string(&file).unwrap();
    let (before, _) = guide.split_once(TITLE).unwrap();
    let made = format!("{before}{TITLE}{}", sections(&codes(&Env::new())));
    assert_data_eq!(made, snapbox::Data::read_from(&file, None).raw());
}
