//! `--fix` and `--undo`: consent, exact words, what is noted, what is taken back.
use std::fs;

use snapbox::{assert_data_eq, str};

use super::Machine;

/// A keep that can write, with a link that leads to the wrong program.
fn machine(fix: &str) -> Machine {
    let check = "[[check]]\nid = \"link\"\nkind = \"alias\"\nprogram = \"link\"\ntarget = \"right\"\n\
        says = \"right\"\nwhat = \"link is right\"\nwhy = \"It is needed.\"\n";
    let machine = Machine::new(&format!("{check}{fix}\n"));
    machine
        .program("right", "echo right 1")
        .program("wrong", "echo wrong 1");
    std::os::unix::fs::symlink("wrong", machine.0.path("bin/link")).unwrap();
    machine.0.write("config/x.toml", "x = 1\n");
    let commit = machine
        .0
        .buildkeep(&["commit", "-m", "first"])
        .output()
        .unwrap();
    assert!(commit.status.success(), "{}", machine.0.shown(&commit));
    machine
}

fn linking(machine: &Machine) -> String {
    let link = machine.0.path("bin/link").display().to_string();
    format!(
        "fix.any = {{ run = [\"/bin/ln\", \"-sfn\", \"right\", \"{link}\"], \
        undo = [\"/bin/ln\", \"-sfn\", \"${{found}}\", \"{link}\"], rights = \"user\" }}\n"
    )
}

fn with_link() -> Machine {
    let machine = machine("");
    let checks = fs::read_to_string(machine.0.path("checks/own.toml")).unwrap();
    machine
        .0
        .write("checks/own.toml", &(checks + &linking(&machine)));
    machine
}

fn leads_to(machine: &Machine) -> String {
    let target = fs::read_link(machine.0.path("bin/link")).unwrap();
    target.display().to_string()
}

#[test]
fn a_fix_takes_consent_and_can_be_taken_back() {
    let machine = with_link();
    assert_data_eq!(
        machine.shown(&["check", "own", "--fix"]),
        str![[r#"
--- stderr
error: a fix changes this machine, and nobody is there to ask
hint: look at it first: add `--dry-run`
hint: do it without a question: add `--yes`
--- exit 2

"#]]
    );
    assert_eq!(leads_to(&machine), "wrong");
    let plan = machine.shown(&["check", "own", "--fix", "--dry-run"]);
    assert!(plan.contains("to mend link link is right"), "{plan}");
    assert!(plan.contains("not ready: 0 of 1 checks"), "{plan}");
    // What is to be mended is not told a second time as a finding.
    assert!(!plan.contains("fail link"), "{plan}");
    assert_eq!(leads_to(&machine), "wrong");
    let shown = machine.shown(&["check", "own", "--fix", "--yes"]);
    assert!(shown.contains("mended link link is right"), "{shown}");
    assert!(shown.contains("ok all 1 checks of own passed"), "{shown}");
    assert_eq!(leads_to(&machine), "right");
    assert!(
        machine
            .shown(&["check", "--undo"])
            .contains("nobody is there to ask")
    );
    assert_eq!(leads_to(&machine), "right");
    // What was done last is what `undo` takes back.
    let shown = machine.shown(&["undo"]);
    assert!(shown.contains("took back the fix of link"), "{shown}");
    assert_eq!(leads_to(&machine), "wrong");
    let again = machine.shown(&["check", "--undo", "link", "--yes"]);
    assert!(
        again.contains("there is no fix of `link` to take back"),
        "{again}"
    );
    machine.shown(&["check", "own", "--fix", "--yes"]);
    assert_eq!(leads_to(&machine), "right");
    machine.shown(&["check", "--undo", "link", "--yes"]);
    assert_eq!(leads_to(&machine), "wrong");
    let list = machine.shown(&["undo", "--list"]);
    assert!(list.contains("check: a fix of link"), "{list}");
}

#[test]
fn a_fix_that_does_not_help_says_so() {
    let machine = machine(
        "fix.any = { run = [[\"/bin/false\"], [\"/bin/touch\", \"never\"]], rights = \"user\" }",
    );
    let shown = machine.shown(&["check", "own", "--fix", "--yes"]);
    assert!(shown.contains("not mended link"), "{shown}");
    assert!(
        shown.contains("`/bin/false` ended with exit status: 1"),
        "{shown}"
    );
    assert!(shown.ends_with("--- exit 1\n"), "{shown}");
    assert!(!machine.0.path("never").exists());
}

#[test]
fn a_file_that_is_no_link_is_not_overwritten() {
    let machine = with_link();
    fs::remove_file(machine.0.path("bin/link")).unwrap();
    machine.program("link", "echo another 1");
    let shown = machine.shown(&["check", "own", "--fix", "--yes"]);
    assert!(shown.contains("is no link: move it away first"), "{shown}");
    let text = fs::read_to_string(machine.0.path("bin/link")).unwrap();
    assert!(text.contains("another"), "{text}");
}

#[test]
fn failures_and_their_end_are_in_the_history() {
    let machine = with_link();
    let commits = || {
        let log = machine.0.shown(
            &machine
                .0
                .buildkeep(&["log", "--kind", "check"])
                .output()
                .unwrap(),
        );
        log.matches("check: ").count()
    };
    machine.shown(&["check", "own"]);
    machine.shown(&["check", "own"]);
    assert_eq!(commits(), 1);
    machine.shown(&["check", "own", "--fix", "--yes"]);
    machine.shown(&["check", "own"]);
    assert_eq!(commits(), 2);
}
