//! What people and scripts read.
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use super::{Machine, lines, tool};
use crate::env::Env;

#[test]
fn people_read_what_is_wrong_and_little_else() {
    let checks = [
        tool("good", "version = \">= 1\""),
        tool(
            "old",
            "version = \">= 2\"\nwhat = \"Old 2 or newer\"\nfix.any = { run = [\"mend\", \"it\"], undo = [\"break\", \"it\"] }",
        ),
        tool("slow", "timeout = 0.1"),
    ];
    let machine = Machine::new(&checks.concat());
    machine
        .program("good", "echo good 1.0")
        .program("old", "echo old 1.9")
        .program("slow", "exec /bin/sleep 1000");
    assert_data_eq!(
        machine.shown(&["check", "own"]),
        str![[r#"
fail old Old 2 or newer
    found    1.9
    required old >= 2
    why      It is needed.
    fix      mend it
    undo     break it

unknown slow slow
    found    no answer within 100ms
    why      It is needed.

not ready: 1 of 3 checks of own passed, 1 failed, 1 unknown
--- exit 1

"#]]
    );
    machine
        .program("old", "echo old 2.0")
        .program("slow", "echo slow");
    assert_data_eq!(
        machine.shown(&["check", "own"]),
        str![[r#"
ok all 3 checks of own passed

"#]]
    );
}

#[test]
fn scripts_read_the_promised_fields() {
    let machine = Machine::new(&tool("gone", "package = \"gone\""));
    let report = machine.report(machine.command(&["check", "own"]));
    assert_eq!(report["format"], 1);
    let summary =
        json!({"ok": 0, "fail": 1, "warn": 0, "unknown": 0, "skipped": 0, "waived": 0, "note": 0});
    assert_eq!(report["summary"], summary);
    let result = &report["results"][0];
    for (field, value) in [
        ("id", json!("gone")),
        ("status", json!("fail")),
        ("found", Value::Null),
        ("required", json!("gone")),
        ("why", json!("It is needed.")),
    ] {
        assert_eq!(result[field], value, "{field}");
    }
    assert!(result["fix"].as_str().unwrap().contains("gone"));
}

#[test]
fn a_finding_can_be_waived_until_a_day() {
    let waive = |until: &str| {
        let waiver = "[[waive]]\ncheck = \"gone\"\nreason = \"not used\"\nuntil = ";
        Machine::new(&(tool("gone", "") + waiver + &format!("\"{until}\"\n")))
    };
    // The clock stands at 2026-01-02.
    let today = waive("2026-01-02");
    assert_eq!(today.result(), "gone waived nothing");
    assert_data_eq!(
        today.shown(&["check", "own"]),
        str![[r#"
waived gone until 2026-01-02: not used
ready: 0 of 1 checks of own passed, 1 waived

"#]]
    );
    assert_eq!(waive("2026-01-01").result(), "gone fail nothing");
}

#[test]
fn a_keep_says_which_sets_are_its_own() {
    let machine = Machine::new(&tool("mine", ""));
    machine.program("mine", "echo mine");
    let report = machine.report(machine.command(&["check"]));
    assert_eq!(report["sets"], json!(["generic", "keep", "own"]));
    machine
        .0
        .write("buildkeep.toml", "checks = [\"lfs-12.3\"]\n");
    let report = machine.report(machine.command(&["check"]));
    assert_eq!(report["sets"], json!(["lfs-12.3", "keep", "own"]));
    machine.0.write(
        "checks/lfs.toml",
        &("extends = [\"own\"]\n".to_owned() + &tool("more", "")),
    );
    let report = machine.report(machine.command(&["check", "lfs"]));
    assert_eq!(lines(&report), ["mine ok mine", "more fail nothing"]);
}

#[test]
fn it_works_without_a_keep() {
    let env = Env::new();
    assert_eq!(env.json(&["check"])["sets"], json!(["generic"]));
    assert_data_eq!(
        env.run(&["check", "lfs-12.4"]),
        str![[r#"
--- stderr
error: there is no set of checks `lfs-12.4`
hint: did you mean `lfs-12.3`?
--- exit 2

"#]]
    );
    assert!(
        env.run(&["-C", ".", "check"]).contains("--- exit 2"),
        "a named keep must be one"
    );
    let listed = env.stdout(&["check", "--list"]);
    assert!(
        listed
            .contains("lfs-12.3  Linux From Scratch 12.3, the host system, with all of generic\n")
    );
}

#[test]
fn wrong_files_of_checks_are_shown_where_they_are_wrong() {
    let checks = "[[check]]\nid = \"a\"\nkind = \"tool\"\nwhy = \"Needed.\"\nversion = \"2.5\"\n\
        [[check]]\nid = \"b\"\nkind = \"alias\"\nwhy = \"Needed.\"\n";
    assert_data_eq!(
        Machine::new(checks).shown(&["check"]),
        str![[r#"
--- stderr
error[K503]: "2.5" does not limit a version
 --> checks/own.toml:5:11
  |
5 | version = "2.5"
  |           ^^^^^
  |
  = help: write `>= 2.5.1a`, say; limits are divided by commas

error[K502]: a check of this kind needs `target`
 --> checks/own.toml:6:1
  |
6 | [[check]]
  | ^^^^^^^^^
  |
  = help: docs/guide/checks.md lists the keys of each kind
--- exit 2

"#]]
    );
    let checks =
        "[[check]]\nid = \"a\"\nkind = \"tol\"\nwhy = \"Needed.\"\nfix.debain.run = [\"x\"]\n";
    assert_data_eq!(
        Machine::new(checks).shown(&["check"]),
        str![[r#"
--- stderr
error[K005]: `check[0].kind` is "tol", but must be one of "tool", "alias", "compile", "file", "mount", "filesystem", "resource", "kernel", "env", "security", "checksum", "module", "command", "signature", "keep"
 --> checks/own.toml:3:8
  |
3 | kind = "tol"
  |        ^^^^^
  |
  = help: did you mean "tool"?

error[K002]: unknown key `debain` in `check[0].fix`
 --> checks/own.toml:5:5
  |
5 | fix.debain.run = ["x"]
  |     ^^^^^^ nothing reads this
  |
  = help: did you mean `debian`?
--- exit 2

"#]]
    );
}

#[test]
fn places_are_told_as_they_are_and_never_as_their_variables() {
    let env = Env::new();
    env.git(&["init", "--quiet", "."]);
    env.write("buildkeep.toml", "");
    let listed = env.stdout(&["check", "--list"]);
    assert!(!listed.contains('$'), "{listed}");
    assert!(listed.contains("place-writable     the folder of the build"));
    let unknown = env.stdout(&["check", "--explain", "place-writable"]);
    assert!(!unknown.contains("${workdir}"), "{unknown}");
    env.write("plan.toml", "root = \"/srv/new system\"\n");
    let explained = env.stdout(&["check", "--explain", "sources-sums"]);
    assert!(explained.contains("/srv/new system/sources"), "{explained}");
    assert!(!explained.contains("${root}"), "{explained}");
}
