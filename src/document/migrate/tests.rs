use serde_json::{Value as Json, json};
use snapbox::{assert_data_eq, str};

use super::*;
use crate::document::{Schema, code, render};

fn migrations() -> Migrations {
    let schema = json!({
        "x-buildkeep-version": 3,
        "x-buildkeep-migrations": [
            {"from": 1, "description": "cores became jobs", "steps": [
                {"rename": {"from": "build.cores", "to": "build.jobs"}},
                {"rename": {"from": "mirror", "to": "sources.mirror"}},
                {"convert": {"key": "build.jobs", "to": "integer"}},
                {"map": {"key": "build.tests", "values": {"quick": "critical", "true": "all"}}}
            ]},
            {"from": 2, "steps": [
                {"convert": {"key": "build.cflags", "to": "list"}},
                {"rename": {"from": "build.url", "to": "sources.url"}},
                {"remove": {"key": "old"}},
                {"add": {"key": "build.strip", "value": true}},
                {"rename": {"from": "step[*].time", "to": "step[*].timeout"}}
            ]}
        ]
    });
    Migrations::of(&schema).unwrap().unwrap()
}

fn migrated(text: &str) -> Document {
    let migrations = migrations();
    let document = Document::parse("config/build.toml", text).unwrap();
    current(document, &Forms::One(&migrations)).unwrap_or_else(|p| panic!("{}", render(&[p])))
}

const OLD: &str = "\
#:schema ../schemas/build.schema.json
# Settings of the build.

[build]
# How many at once.
cores  = \"4\"    # one per core
cflags = '-O2 -g'
# Where sources come from.
url    = 'https://example.org'   # the first
tests  = \"quick\"

[mirror]  # of our own
host = 'm'
[mirror.port]
https = 0x1bb

[old]
a = 1 # gone
b = 2

[[step]]
id = 'a'
time = 3
[[step]]
id = 'b'
";

#[test]
fn comments_order_and_spacing_survive_a_migration() {
    let new = migrated(OLD);
    assert_data_eq!(
        new.text(),
        str![[r##"
#:schema ../schemas/build.schema.json
# Settings of the build.

schema = 3

[build]
# How many at once.
jobs  = 4    # one per core
cflags = ["-O2", "-g"]
tests  = "critical"
strip = true

[sources.mirror]  # of our own
host = 'm'
[sources.mirror.port]
https = 0x1bb

[sources]
# Where sources come from.
url = 'https://example.org'  # the first

[[step]]
id = 'a'
timeout = 3
[[step]]
id = 'b'

"##]]
    );
    assert_eq!(new.old_form(), Some((1, 3)));
    let again = Document::parse("config/build.toml", new.text()).unwrap();
    let migrations = migrations();
    let again = current(again, &Forms::One(&migrations)).unwrap();
    assert_eq!(again.old_form(), None, "once is enough");
}

#[test]
fn places_and_problems_are_those_of_the_old_text() {
    let schema = json!({"properties": {"build": {"additionalProperties": false, "properties": {
        "jobs": {"type": "integer", "maximum": 2}, "cflags": {}, "tests": {}, "strip": {}
    }}}});
    let schema = Schema::from_json("s", schema).unwrap();
    let new = migrated(OLD);
    let key = KeyPath::parse("build.jobs").unwrap();
    assert_eq!(new.line_of(&key), Some((6, 1)));
    let key = KeyPath::parse("sources.mirror.port.https").unwrap();
    assert_eq!(new.line_of(&key), Some((15, 1)));
    let shown = anstream::adapter::strip_str(&render(&new.validate(&schema))).to_string();
    assert_data_eq!(
        shown,
        str![[r#"
error[K006]: `build.cores` is 4, but must be at most 2
 --> config/build.toml:6:10
  |
6 | cores  = "4"    # one per core
  |          ^^^
"#]]
    );
}

#[test]
fn tables_move_however_they_are_written() {
    for old in [
        "mirror.host = 'm'\nmirror.port.https = 1\n",
        "mirror = { host = 'm', port = { https = 1 } }\n",
        "[mirror]\nhost = 'm'\nport.https = 1\n",
        "[mirror.port]\nhttps = 1\n[mirror]\nhost = 'm'\n",
        "[sources]\nx = 1\n[mirror]\nhost = 'm'\n[mirror.port]\nhttps = 1\n",
    ] {
        let json = migrated(old).to_json();
        let wanted = json!({"host": "m", "port": {"https": 1}});
        assert_eq!(json["sources"]["mirror"], wanted, "{old}");
        assert_eq!(json.get("mirror"), None, "{old}");
    }
}

#[test]
fn what_cannot_be_migrated_is_shown_where_it_stands() {
    let migrations = migrations();
    let refused = |text: &str| {
        let document = Document::parse("f.toml", text).unwrap();
        let problem = current(document, &Forms::One(&migrations)).unwrap_err();
        anstream::adapter::strip_str(&render(&[problem])).to_string()
    };
    let shown = [
        refused("[build]\ncores = \"many\"\n"),
        refused("[build]\ncores = 1\njobs = 2\n"),
        refused("schema = 4\n"),
        refused("schema = \"one\"\n"),
    ];
    assert_data_eq!(
        shown.join("\n\n"),
        str![[r#"
error[K403]: cannot be read as form 3: `build.cores` cannot become a whole number
 --> f.toml:2:9
  |
2 | cores = …
  |         ^
  |
  = help: mend it as form 1 has it, or rewrite the file by hand

error[K403]: cannot be read as form 3: both `build.cores` and its new name `build.jobs` are set
 --> f.toml:2:9
  |
2 | cores = …
  |         ^
  |
  = help: mend it as form 1 has it, or rewrite the file by hand

error[K402]: made for form 4, but this keep's schema knows 3
 --> f.toml:1:10
  |
1 | schema = 4
  |          ^
  |
  = help: pull the newer schema, or upgrade buildkeep; forms are never migrated back

error[K401]: `schema` is the version of the file's form: a whole number from 1 on
 --> f.toml:1:10
  |
1 | schema = "one"
  |          ^^^^^
"#]]
    );
}

#[test]
fn overlays_say_the_form_of_each_schema() {
    let (build, other) = (migrations(), other());
    let forms = || {
        let tables = vec!["build", "mirror", "old", "sources", "step"];
        Forms::Several(vec![
            ("build", tables, &build),
            ("other", vec!["net"], &other),
        ])
    };
    let read = |text: &str| {
        let document = Document::parse("config/hosts/h.toml", text).unwrap();
        current(document, &forms())
    };
    let one = read("[build]\ncores = 2\n").unwrap();
    assert_eq!(
        one.text(),
        "schema = { build = 3 }\n\n[build]\njobs = 2\n",
        "nothing is added"
    );
    let both = read("[build]\ncores = 2\n[net]\nport = 1\n").unwrap();
    assert!(
        both.text()
            .starts_with("schema = { build = 3, other = 2 }\n"),
        "{}",
        both.text()
    );
    assert_eq!(both.to_json()["net"], json!({"ports": 1}));
    let late = read("schema = { build = 3 }\n[build]\njobs = 2\n[net]\nport = 1\n").unwrap();
    assert!(late.text().contains("build = 3") && late.text().contains("other = 2"));
    let foreign = read("[unknown]\na = 1\n").unwrap();
    assert_eq!(foreign.old_form(), None);
    let unclear = read("schema = 3\n[build]\njobs = 1\n[net]\nport = 1\n").unwrap_err();
    assert_eq!(unclear.code, code::UNCLEAR_FORM);
    let alone = read("schema = 2\n[build]\njobs = 1\n").unwrap();
    assert_eq!(alone.old_form(), Some((2, 3)));
}

fn other() -> Migrations {
    let schema = json!({"x-buildkeep-version": 2, "x-buildkeep-migrations": [
        {"from": 1, "steps": [{"rename": {"from": "net.port", "to": "net.ports"}}]}
    ]});
    Migrations::of(&schema).unwrap().unwrap()
}

#[test]
fn new_files_and_tables_are_stamped() {
    let (build, other) = (migrations(), other());
    let whole = |text: &str| stamped("f", text, &Forms::One(&build), "build").unwrap();
    assert_eq!(whole(""), "schema = 3\n");
    assert_eq!(whole("[build]\ncores = 1\n"), "[build]\ncores = 1\n");
    let several = Forms::Several(vec![
        ("build", vec!["build"], &build),
        ("other", vec!["net"], &other),
    ]);
    let part = |text: &str, table| stamped("f", text, &several, table).unwrap();
    assert_eq!(part("", "build"), "schema = { build = 3 }\n");
    let added = part("schema = { build = 3 }\n[build]\njobs = 1\n", "net");
    assert!(
        added.starts_with("schema = { build = 3, other = 2 }\n"),
        "{added}"
    );
    assert_eq!(part("[net]\nport = 1\n", "net"), "[net]\nport = 1\n");
    assert_eq!(part("", "elsewhere"), "");
}

#[test]
fn migrations_that_make_no_sense_are_refused() {
    let refused = |schema: Json| Migrations::of(&schema).unwrap_err();
    let shown = [
        refused(json!({"x-buildkeep-version": 0})),
        refused(json!({"x-buildkeep-version": 2})),
        refused(json!({"x-buildkeep-migrations": []})),
        refused(json!({"x-buildkeep-version": 2, "x-buildkeep-migrations": [{"from": 2}]})),
        refused(
            json!({"x-buildkeep-version": 2, "x-buildkeep-migrations": [{"from": 1, "steps": [{"drop": {}}]}]}),
        ),
        refused(
            json!({"x-buildkeep-version": 2, "x-buildkeep-migrations": [{"from": 1, "steps": [{"remove": {"key": "a..b"}}]}]}),
        ),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
`x-buildkeep-version` must be a whole number from 1 on
`x-buildkeep-migrations` has no steps from form 1 to 2
`x-buildkeep-migrations` needs `x-buildkeep-version` beside it
`x-buildkeep-migrations` has steps from form 2, but the schema describes form 2
`x-buildkeep-migrations`: unknown variant `drop`, expected one of `rename`, `remove`, `add`, `map`, `convert`
`x-buildkeep-migrations`: `a..b` is not a key: a name is missing
"#]]
    );
    assert!(Migrations::of(&json!({})).unwrap().is_none());
}
