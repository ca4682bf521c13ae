//! `pause` and `resume`.
use std::time::Duration;

use super::background::{has, monitor, until_over};
use super::env::Env;
use super::run::{in_role, keep, patient, run};
use super::site::{kill, lines, until};

fn state(env: &Env) -> String {
    let status = env.json(&["-C", "k", "status"]);
    let state = status["running"][0]["state"].as_str();
    state.unwrap_or("nothing runs").to_owned()
}

/// Counts, itself and through a child, as long as there is no `go`.
const BUSY: &str = "#!/bin/bash\n( until [ -e ../go ]; do echo x >> ../child; sleep 0.01; done ) &\n\
    until [ -e ../go ]; do echo x >> ../parent; sleep 0.01; done\nwait\n";

#[test]
fn nothing_of_a_paused_step_moves_and_nothing_more_is_started() {
    let env = keep(&[
        ("01-busy.sh", BUSY),
        ("02-next.sh", "#!/bin/sh\ntouch ../next\n"),
    ]);
    run(&env, &["run", "--detach"]);
    until("both count", || {
        env.path("child").exists() && env.path("parent").exists()
    });
    let shown = run(&env, &["pause"]);
    assert_eq!(
        shown,
        "busy#1 paused\nnothing more is started until `buildkeep resume`\n"
    );
    let counted = || (lines(&env.path("child")), lines(&env.path("parent")));
    let before = counted();
    assert_eq!(state(&env), "paused");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(counted(), before);
    let status = run(&env, &["status"]);
    assert!(
        status.contains("paused busy#1") && status.contains("buildkeep resume"),
        "{status}"
    );
    let told = env.json(&["-C", "k", "status"]);
    assert_eq!(told["paused"], true, "{told}");
    // The step alone goes on; what comes after it does not begin.
    assert_eq!(run(&env, &["resume", "busy"]), "busy#1 goes on\n");
    until("it moves", || counted() > before);
    env.write("go", "");
    until("its end", || state(&env) == "nothing runs");
    until("the pause to be on record", || has(&env, "paused"));
    assert!(!env.path("next").exists());
    // Nothing runs, and nothing begins.
    let status = run(&env, &["status"]);
    assert!(
        status.contains("  paused  nothing more is started")
            && status.contains("\n  buildkeep resume\n")
            && !status.contains("buildkeep run"),
        "{status}"
    );
    assert_eq!(run(&env, &["resume"]), "the run goes on\n");
    until_over(&env);
    assert!(env.path("next").exists());
    let events = run(&env, &["events"]);
    let said = [
        "the run is paused",
        "paused busy",
        "busy goes on",
        "the run goes on",
        "run ended",
    ];
    let at = said.map(|words| {
        events
            .find(words)
            .unwrap_or_else(|| panic!("{words}\n{events}"))
    });
    assert!(at.is_sorted(), "{events}");
}

/// Of time spent halted, nothing counts: neither while it lasts nor afterwards.
#[test]
fn a_paused_step_grows_no_older() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    run(&env, &["pause"]);
    let elapsed = || {
        let status = env.json(&["-C", "k", "status"]);
        status["running"][0]["elapsed_s"].as_f64().unwrap()
    };
    let before = elapsed();
    std::thread::sleep(Duration::from_millis(1500));
    let after = elapsed();
    assert!((after - before).abs() < 0.001, "{before} {after}");
    run(&env, &["stop"]);
    until_over(&env);
}

#[test]
fn a_pause_outlives_the_monitor_and_ends_with_stop() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    run(&env, &["pause"]);
    let first = monitor(&env);
    kill(first);
    until("another", || !in_role(&env, &["monitor"]).is_empty());
    env.write("go", "");
    run(&env, &["resume", "slow"]);
    until("the end of the step", || state(&env) == "nothing runs");
    assert!(!env.path("next").exists());
    let shown = run(&env, &["stop"]);
    assert_eq!(shown, "the run is stopped; no step was running\n");
    until_over(&env);
    assert!(!env.path("next").exists());
    let shown = run(&env, &["pause"]);
    assert!(
        shown.contains("nothing runs") && shown.contains("--- exit 2"),
        "{shown}"
    );
}

#[test]
fn a_paused_step_is_stopped_like_any_other() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    run(&env, &["pause"]);
    assert_eq!(run(&env, &["stop"]), "slow#1 stopped\n");
    until_over(&env);
    // The next run is not paused.
    env.write("go", "");
    assert!(run(&env, &["run"]).contains("next done"));
}

#[test]
fn a_pause_counts_for_no_timeout() {
    let env = patient();
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write(
        "k/plan.toml",
        &format!("{plan}[[step]]\nid = \"slow\"\ntimeout = \"3s\"\n"),
    );
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    run(&env, &["pause"]);
    std::thread::sleep(Duration::from_millis(3500));
    assert_eq!(state(&env), "paused");
    env.write("go", "");
    run(&env, &["resume"]);
    until_over(&env);
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 2, "{status}");
}
