//! `mark`: what a person knows better than any record.
use super::background::until_over;
use super::run::{keep, patient, run, start};
use super::site::lines;

#[test]
fn what_was_built_by_hand_counts_as_done_until_it_changes() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\nexit 1\n"),
        ("02-two.sh", "#!/bin/sh\necho x >> ../two\n"),
    ]);
    assert!(run(&env, &["run"]).contains("one failed"));
    let shown = run(&env, &["mark", "one", "--done", "-m", "built by hand"]);
    assert_eq!(shown, "one marked as done: built by hand\n");
    let shown = run(&env, &["mark", "one", "--done", "-m", "again"]);
    assert_eq!(shown, "one is done already\n");
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(
        (&status["steps"]["done"], &status["steps"]["failed"]),
        (&1.into(), &0.into())
    );
    let why = run(&env, &["why", "one"]);
    assert!(
        why.contains("one was marked as done by Test Er (2026-01-02 03:04): built by hand"),
        "{why}"
    );
    let log = run(&env, &["log", "--kind", "mark"]);
    assert!(log.contains("mark: one done"), "{log}");
    assert!(run(&env, &["run"]).contains("[2/2] two done"));
    // It is done from what was there then, and no longer.
    env.script("k/scripts/01-one.sh", "#!/bin/sh\necho x >> ../one\n");
    let again = run(&env, &["run"]);
    assert!(
        again.contains("one done") && lines(&env.path("one")) == 1,
        "{again}"
    );
    assert!(
        !run(&env, &["why", "one"]).contains("marked"),
        "an attempt counts for more"
    );
}

#[test]
fn what_is_not_done_after_all_is_built_again() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho x >> ../one\n"),
        ("02-two.sh", "#!/bin/sh\necho x >> ../two\n"),
    ]);
    run(&env, &["run"]);
    let dry = run(
        &env,
        &[
            "mark",
            "one",
            "--undone",
            "-m",
            "its files are gone",
            "--dry-run",
        ],
    );
    assert!(dry.contains("one marked as not done"), "{dry}");
    assert!(run(&env, &["run"]).contains("nothing to run"));
    run(
        &env,
        &["mark", "one", "--undone", "-m", "its files are gone"],
    );
    let status = run(&env, &["status"]);
    assert!(
        status.contains("stale   one: marked as not done: its files are gone"),
        "{status}"
    );
    let again = run(&env, &["run"]);
    assert!(
        again.contains("one again: marked as not done: its files are gone"),
        "{again}"
    );
    assert_eq!((lines(&env.path("one")), lines(&env.path("two"))), (2, 1));
    let undo = run(&env, &["undo"]);
    assert!(undo.contains("mark"), "{undo}");
}

#[test]
fn a_mark_names_a_reason_and_known_steps_and_waits_for_the_run() {
    let env = patient();
    let shown = run(&env, &["mark", "slow", "--done"]);
    assert!(
        shown.contains("--message <REASON>") && shown.contains("--- exit 2"),
        "{shown}"
    );
    let shown = run(&env, &["mark", "slow", "-m", "x"]);
    assert!(
        shown.contains("--done") && shown.contains("--- exit 2"),
        "{shown}"
    );
    let shown = run(&env, &["mark", "slow", "sloow", "--done", "-m", "x"]);
    assert!(shown.contains("did you mean `slow`?"), "{shown}");
    assert_eq!(env.json(&["-C", "k", "status"])["steps"]["done"], 0);
}

/// A step that runs cannot be marked; one that is to come can, and the run goes by that.
#[test]
fn marks_made_during_a_run_hold_for_it() {
    let env = patient();
    let mut foreground = start(&env);
    let shown = run(&env, &["mark", "slow", "--done", "-m", "x"]);
    assert!(
        shown.contains("slow#1 is running")
            && shown.contains("buildkeep stop slow")
            && shown.contains("--- exit 3"),
        "{shown}"
    );
    let shown = run(&env, &["mark", "next", "--done", "-m", "built by hand"]);
    assert!(
        shown.contains("next marked as done: built by hand"),
        "{shown}"
    );
    env.write("go", "");
    assert!(foreground.wait().unwrap().success());
    until_over(&env);
    assert!(!env.path("next").exists(), "it was done already");
    let events = run(&env, &["events"]);
    assert!(
        events.contains("next marked as done: built by hand"),
        "{events}"
    );
    let shown = run(&env, &["mark", "slow", "--undone", "-m", "x"]);
    assert!(shown.contains("slow marked as not done"), "{shown}");
}
