//! Runs that go on without a terminal: `--detach`, `attach`, and what happens when their monitor dies.
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::env::Env;
use super::run::{helpers, in_role, json, keep, kill_monitor, patient, run, start};
use super::site::{kill, lines, pids, until};

/// The events of the only run.
fn events(env: &Env) -> Vec<Value> {
    let runs = std::fs::read_dir(env.path("k/.buildkeep/runs")).unwrap();
    let dirs = runs.map(|entry| entry.unwrap().path());
    let dir = dirs.filter(|dir| dir.is_dir()).max().unwrap();
    let text = std::fs::read_to_string(dir.join("events.jsonl")).unwrap_or_default();
    let line = |line: &str| serde_json::from_str::<Value>(line).ok();
    let lines = text.lines().filter_map(line);
    lines.map(|line| line["event"].clone()).collect()
}

pub(crate) fn has(env: &Env, kind: &str) -> bool {
    events(env).iter().any(|event| event["kind"] == kind)
}

/// Waits until the run is over and everybody has left.
pub(crate) fn until_over(env: &Env) {
    until("the end of the run", || has(env, "run-ended"));
    let all = ["keeper", "shim", "adopt", "monitor", "standby"];
    until("everybody to leave", || in_role(env, &all).is_empty());
}

pub(crate) fn monitor(env: &Env) -> i32 {
    let mut found = Vec::new();
    until("a monitor", || {
        found = in_role(env, &["monitor"]);
        !found.is_empty()
    });
    found[0]
}

fn standby(env: &Env) -> i32 {
    let mut found = Vec::new();
    until("a standby", || {
        found = in_role(env, &["standby"]);
        !found.is_empty()
    });
    found[0]
}

/// Attaches, and waits until it watches; what it says goes to a file.
fn attach(env: &Env) -> Child {
    attach_as(env, &["-C", "k", "attach"])
}

fn attach_as(env: &Env, args: &[&str]) -> Child {
    let said = std::fs::File::create(env.path("said")).unwrap();
    let mut attach = env.buildkeep(args);
    let child = attach.stdout(Stdio::piped()).stderr(said).spawn().unwrap();
    until("it watches", || said_to(env).contains("watching run"));
    child
}

fn said_to(env: &Env) -> String {
    std::fs::read_to_string(env.path("said")).unwrap()
}

/// What both steps led to: each was started once, and both are published.
fn assert_whole(env: &Env) {
    assert_eq!(lines(&env.path("starts")), 1, "slow was started once");
    assert_eq!(lines(&env.path("next")), 1, "next was started once");
    assert_eq!(run(env, &["logs", "slow"]), "before\nafter\n");
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 2, "{status}");
    let ended = events(env)
        .iter()
        .filter(|event| event["kind"] == "step-ended")
        .count();
    assert_eq!(ended, 2, "each end is told once");
}

#[test]
fn a_run_in_the_background_is_watched_and_ends_like_any_other() {
    let env = patient();
    let shown = run(&env, &["run", "--detach"]);
    assert!(
        shown.contains("goes on in the background") && shown.contains("buildkeep attach"),
        "{shown}"
    );
    until("running", || env.path("running").exists());
    let refused = run(&env, &["run"]);
    assert!(
        refused.contains("a run is going on: `buildkeep -C k run --detach (in the background)`")
            && refused.contains("buildkeep attach")
            && refused.contains("--- exit 3"),
        "{refused}"
    );
    let attached = attach(&env);
    env.write("go", "");
    let output = attached.wait_with_output().unwrap();
    let shown = env.shown(&output);
    assert!(
        shown.contains("[2/2] next done in") && shown.contains("2 steps done in"),
        "{shown}"
    );
    assert_eq!(output.status.code(), Some(0), "{shown}");
    until_over(&env);
    assert_whole(&env);
    let none = run(&env, &["attach"]);
    assert!(
        none.contains("no run goes on") && none.contains("--- exit 2"),
        "{none}"
    );
}

#[test]
fn attach_has_the_exit_code_of_the_run_and_speaks_json() {
    let env = patient();
    env.write("code", "3");
    let begun = json(&env, &["run", "--detach"]);
    assert_eq!(begun[0]["event"], "detached");
    until("running", || env.path("running").exists());
    let attached = attach_as(&env, &["-C", "k", "--json", "attach"]);
    env.write("go", "");
    let output = attached.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(
        events,
        ["step-ended".into(), "step-failed".into(), Value::Null]
    );
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["run"], &last["failed"], &last["left"], &last["exit"]),
        (&begun[0]["run"], &1.into(), &1.into(), &1.into())
    );
}

#[test]
fn whoever_attached_detaches_and_the_run_goes_on() {
    for signal in [Signal::INT, Signal::HUP, Signal::TERM] {
        let env = patient();
        run(&env, &["run", "--detach"]);
        until("running", || env.path("running").exists());
        let attached = attach(&env);
        kill_process(Pid::from_child(&attached), signal).unwrap();
        let output = attached.wait_with_output().unwrap();
        let shown = env.shown(&output);
        assert!(
            said_to(&env).contains("detached; the run goes on"),
            "{shown}"
        );
        assert_eq!(output.status.code(), Some(0), "{shown}");
        env.write("go", "");
        until_over(&env);
        assert_whole(&env);
    }
}

#[test]
fn a_run_outlives_its_terminal() {
    let env = patient();
    let foreground = start(&env);
    kill_process(Pid::from_child(&foreground), Signal::HUP).unwrap();
    let output = foreground.wait_with_output().unwrap();
    let shown = env.shown(&output);
    assert!(
        shown.contains("the run goes on in the background") && !output.status.success(),
        "{shown}"
    );
    monitor(&env);
    env.write("go", "");
    until_over(&env);
    assert_whole(&env);
    assert!(!has(&env, "monitor-restarted"), "nobody died");
}

#[test]
fn the_foreground_is_killed_and_another_process_goes_on() {
    let env = patient();
    let mut foreground = start(&env);
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    monitor(&env);
    env.write("go", "");
    until_over(&env);
    assert_whole(&env);
    assert!(has(&env, "monitor-restarted"));
}

#[test]
fn whichever_of_them_is_killed_the_run_goes_on() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    // Not so often that nobody would try any more.
    for round in 0..4 {
        let victim = if round % 2 == 0 {
            monitor(&env)
        } else {
            standby(&env)
        };
        kill(victim);
        until("both again", || {
            in_role(&env, &["monitor"]).len() == 1 && in_role(&env, &["standby"]).len() == 1
        });
    }
    env.write("go", "");
    until_over(&env);
    assert_whole(&env);
}

#[test]
fn a_monitor_that_dies_again_and_again_is_given_up_and_the_next_run_goes_on() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    let mut deaths = 0;
    until("nobody tries any more", || {
        let monitors = in_role(&env, &["monitor"]);
        deaths += monitors.len();
        monitors.iter().copied().for_each(kill);
        monitors.is_empty() && in_role(&env, &["standby"]).is_empty()
    });
    assert!(deaths >= 2, "{deaths} deaths");
    assert_eq!(helpers(&env).len(), 2, "the script goes on");
    env.write("go", "");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("next done"), "{shown}");
    assert_eq!(
        (lines(&env.path("starts")), lines(&env.path("next"))),
        (1, 1)
    );
}

#[test]
fn stop_ends_a_run_in_the_background() {
    let env = patient();
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    let attached = attach(&env);
    assert_eq!(run(&env, &["stop"]), "slow#1 stopped\n");
    let output = attached.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", env.shown(&output));
    until_over(&env);
    assert!(!env.path("next").exists());
    let shown = run(&env, &["status"]);
    assert!(
        shown.contains("stopped slow: somebody stopped it"),
        "{shown}"
    );
}

#[test]
fn options_hold_for_whoever_goes_on() {
    let env = keep(&[
        (
            "01-a.sh",
            "#!/bin/sh\necho $TESTS > ../a; touch ../running; until [ -e ../go ]; do sleep 0.02; done; exit 1\n",
        ),
        (
            "02-b.sh",
            "#!/bin/sh\necho \"$TESTS $MINE ${BUILDKEEP_HANDED_OVERRIDES-none}\" >> ../b\n",
        ),
        ("03-c.sh", "#!/bin/sh\ntouch ../c\n"),
    ]);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write(
        "k/plan.toml",
        &format!("{plan}[[step]]\nid = \"b\"\nneeds = []\n"),
    );
    let mut run = env.buildkeep(&["-C", "k", "-c", "build.tests=full", "run", "--keep-going"]);
    run.args(["--until", "b"]).env("MINE", "mine");
    let mut foreground = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("running", || env.path("running").exists());
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    monitor(&env);
    env.write("go", "");
    until_over(&env);
    let read = |name: &str| std::fs::read_to_string(env.path(name)).unwrap();
    assert_eq!(read("a"), "full\n");
    assert_eq!(read("b"), "full mine none\n");
    assert!(!env.path("c").exists());
}

#[test]
fn what_cannot_be_understood_any_more_ends_the_run_but_not_the_step() {
    let env = patient();
    let mut foreground = start(&env);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write("k/plan.toml", "schema = \"one\"\n");
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    until("the failure", || has(&env, "run-failed"));
    env.write("go", "");
    until_over(&env);
    assert!(!env.path("next").exists());
    env.write("k/plan.toml", &plan);
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 1, "{status}");
}

#[test]
fn all_who_look_after_a_run_die_and_the_next_run_goes_on() {
    let env = patient();
    let mut foreground = start(&env);
    kill_monitor(&env, &mut foreground);
    assert_eq!(helpers(&env).len(), 2);
    env.write("go", "");
    assert!(run(&env, &["run"]).contains("next done"));
    assert_eq!(lines(&env.path("starts")), 1);
}

#[test]
fn nobody_is_left_behind_by_steps_that_ended() {
    let env = keep(&[
        ("01-a.sh", "#!/bin/sh\n"),
        ("02-b.sh", "#!/bin/sh\n"),
        (
            "03-c.sh",
            "#!/bin/sh\ntouch ../running; until [ -e ../go ]; do sleep 0.02; done\n",
        ),
    ]);
    run(&env, &["run", "--detach"]);
    until("the last step", || env.path("running").exists());
    let monitor = monitor(&env);
    let is_zombie_of_it = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.starts_with(&format!("Z {monitor} "))
    };
    until("ended keepers to be reaped", || {
        !pids().iter().any(is_zombie_of_it)
    });
    env.write("go", "");
    until_over(&env);
}
