//! Formats that other programs read.
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Machine, tool};

/// One result of each sort, with what formats stumble over.
fn machine() -> Machine {
    let checks = [
        tool("good", ""),
        tool(
            "old",
            "version = \">= 2\"\nwhat = \"Old <2> & \\\"newer\\\" # TODO\"\nfix.any = { say = \"mend it\" }",
        ),
        tool("advised", "version = \">= 4\"\nseverity = \"warning\""),
        tool("noted", "version = \">= 4\"\nseverity = \"note\""),
        tool("mumbles", "version = \">= 1\""),
        tool("elsewhere", "when = { arch = \"pdp11\" }"),
        tool("accepted", ""),
        tool("builds", "needs = \"old\""),
        "[[waive]]\ncheck = \"accepted\"\nreason = \"not # used\"\n".to_owned(),
    ];
    let machine = Machine::new(&checks.concat());
    machine
        .program("good", "echo good 1")
        .program("old", "echo old 1.9")
        .program("advised", "echo advised 3")
        .program("noted", "echo noted 3")
        .program("mumbles", "printf 'one \\033[31m<point>\\n'");
    machine
}

fn written(machine: &Machine, format: &str) -> String {
    let output = machine
        .command(&["check", "own", "--format", format])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a program of this machine is content with a text; nothing if it is not there.
fn read_by(machine: &Machine, program: &str, args: &[&str], text: &str) -> Option<String> {
    let file = machine.0.write("report", text);
    let output = Command::new(program)
        .args(args)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(told + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn json_is_that_of_the_option() {
    let machine = machine();
    let report: Value = serde_json::from_str(&written(&machine, "json")).unwrap();
    assert_eq!(report["format"], 1);
    let statuses: Vec<&str> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "ok", "fail", "warn", "note", "unknown", "skipped", "waived", "skipped"
        ]
    );
}

#[test]
fn tap_is_read_by_prove() {
    let machine = machine();
    let text = written(&machine, "tap");
    assert!(text.starts_with("TAP version 14\n1..8\nok 1 - good: good\nnot ok 2 - old: Old <2> & \"newer\" \\# TODO\n  ---\n"), "{text}");
    // Older ones know of no version later than 13, which differs in subtests only.
    let text = text.replace("TAP version 14", "TAP version 13");
    if let Some(told) = read_by(&machine, "prove", &["-v", "--exec", "cat"], &text) {
        assert!(told.contains("Failed 1/8 subtests"), "{told}");
        assert!(!told.contains("Parse errors"), "{told}");
    }
}

#[test]
fn junit_is_xml() {
    let machine = machine();
    let text = written(&machine, "junit");
    assert!(
        text.contains("tests=\"8\" failures=\"1\" errors=\"0\" skipped=\"4\""),
        "{text}"
    );
    assert!(
        text.contains("Old &lt;2&gt; &amp; &quot;newer&quot;"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    let schema = machine.0.write("junit.xsd", include_str!("junit.xsd"));
    let schema = schema.display().to_string();
    if let Some(told) = read_by(
        &machine,
        "xmllint",
        &["--noout", "--schema", &schema],
        &text,
    ) {
        assert!(told.contains("validates"), "{told}");
    }
}

/// Beside what is said here, the whole of it is compared with the standard's schema if
/// `SARIF_SCHEMA` names a copy: its licence does not let us keep one.
#[test]
fn sarif_says_what_viewers_need() {
    let machine = machine();
    let text = written(&machine, "sarif");
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    for (rule, result) in rules.iter().zip(results) {
        assert_eq!(rule["id"], result["ruleId"]);
        // The standard: what is no failure has no level.
        assert_eq!(
            result["kind"] != "fail",
            result["level"] == "none",
            "{result}"
        );
    }
    assert_eq!(results[1]["level"], "error");
    let justified = &results[6]["suppressions"][0];
    assert_eq!(
        justified,
        &json!({"kind": "external", "justification": "not # used"})
    );
    if let Some(path) = std::env::var_os("SARIF_SCHEMA") {
        let schema = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, [""; 0]);
    }
}
