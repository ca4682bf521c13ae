//! `run`, `stop` and `logs`, as people use them.
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::env::Env;
use super::site::{is_alive, kill, lines, pids, until};

/// A keep in `k` with these scripts.
pub(crate) fn keep(scripts: &[(&str, &str)]) -> Env {
    let env = Env::new();
    for (name, body) in scripts {
        env.script(&format!("s/{name}"), body);
    }
    env.stdout(&[
        "init",
        "k",
        "--template",
        "generic",
        "--scripts",
        "s",
        "--yes",
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\n[env]\nTESTS = \"${build.tests}\"\n";
    env.write("k/plan.toml", plan);
    env
}

pub(crate) fn run(env: &Env, args: &[&str]) -> String {
    let mut all = vec!["-C", "k"];
    all.extend(args);
    env.run(&all)
}

/// All JSON lines of a command.
pub(crate) fn json(env: &Env, args: &[&str]) -> Vec<Value> {
    let output = env
        .buildkeep(&["-C", "k", "--json"])
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn steps(lines: &[Value], event: &str) -> Vec<String> {
    let with = lines.iter().filter(|line| line["event"] == event);
    with.map(|line| line["step"].as_str().unwrap().to_owned())
        .collect()
}

fn manifest(env: &Env, step: &str) -> String {
    let host = std::fs::read_to_string(env.path("k/.buildkeep/host")).unwrap();
    let path = format!("refs/heads/state/{}:steps/{step}.toml", host.trim());
    env.git(&["-C", "k", "show", &path])
}

#[test]
fn a_plan_runs_once_and_only_what_changed_runs_again() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho x >> ../one\n"),
        ("02-two.sh", "#!/bin/sh\necho $TESTS >> ../two\n"),
        ("03-three.sh", "#!/bin/sh\necho x >> ../three\n"),
    ]);
    let first = json(&env, &["run"]);
    assert_eq!(steps(&first, "step-ended"), ["one", "two", "three"]);
    let last = first.last().unwrap();
    assert_eq!(
        (&last["succeeded"], &last["failed"], &last["exit"]),
        (&3.into(), &0.into(), &0.into())
    );
    assert_eq!(
        run(&env, &["run"]),
        "nothing to run: all 3 steps are done\n"
    );

    let config = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write(
        "k/config/build.toml",
        &config.replace("\"none\"", "\"full\""),
    );
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(
        dry.contains("two  `build.tests` changed from none to full\n1 to run, 2 done"),
        "{dry}"
    );
    let second = json(&env, &["run"]);
    assert_eq!(steps(&second, "step-ended"), ["two"]);
    assert_eq!(
        std::fs::read_to_string(env.path("two")).unwrap(),
        "none\nfull\n"
    );
    let once = ["one", "three"].map(|name| lines(&env.path(name)));
    assert_eq!(
        once,
        [1, 1],
        "what reads nothing that changed is not built again"
    );
}

#[test]
fn a_failure_is_explained_and_run_goes_on_once_it_is_mended() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho x >> ../one\n"),
        (
            "02-two.sh",
            "#!/bin/bash\nset -e\necho going\n  not-there --now\n",
        ),
        ("03-three.sh", "#!/bin/sh\necho x >> ../three\n"),
    ]);
    let shown = run(&env, &["run"]);
    for expected in [
        "two failed after",
        "exit code 127: a command was not found",
        "scripts/02-two.sh:4  not-there --now",
        "not-there: command not found",
        "│ going",
        "buildkeep logs two",
        "1 step done, 1 failed, 1 not run",
        "--- exit 1",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!env.path("three").exists());
    let manifest = manifest(&env, "two");
    assert!(
        manifest.contains("state = \"failed\"") && manifest.contains("code = 127"),
        "{manifest}"
    );
    env.script("k/scripts/02-two.sh", "#!/bin/bash\necho mended\n");
    let second = json(&env, &["run"]);
    assert_eq!(steps(&second, "step-ended"), ["two", "three"]);
    assert_eq!(lines(&env.path("one")), 1);
    assert_eq!(run(&env, &["logs", "two"]), "mended\n");
    let first = run(&env, &["logs", "two", "--attempt", "1"]);
    assert!(first.starts_with("going\n"), "{first}");
    assert_eq!(run(&env, &["logs", "two#1"]), first);
}

#[test]
fn keep_going_spares_only_what_needs_the_failed_step() {
    let env = keep(&[
        ("a.sh", "#!/bin/sh\nexit 1\n"),
        ("b.sh", "#!/bin/sh\n"),
        ("c.sh", "#!/bin/sh\n"),
    ]);
    let plan = "schema = 1\n[[step]]\nscript = \"scripts/a.sh\"\n[[step]]\nscript = \"scripts/b.sh\"\n\
        [[step]]\nscript = \"scripts/c.sh\"\nneeds = [\"a\"]\n";
    env.write("k/plan.toml", plan);
    let lines = json(&env, &["run", "--keep-going"]);
    assert_eq!(steps(&lines, "step-ended"), ["a", "b"]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["failed"], &last["left"], &last["exit"]),
        (&1.into(), &1.into(), &1.into())
    );
    let lines = json(&env, &["run", "c"]);
    assert_eq!(steps(&lines, "step-ended"), ["a"], "with what it needs");
    let lines = json(&env, &["run", "b", "--force"]);
    assert_eq!(steps(&lines, "step-ended"), ["b"]);
}

#[test]
fn scripts_see_what_they_should() {
    let env = keep(&[("01-env.sh", "#!/bin/sh\nenv | sort\n")]);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write(
        "k/plan.toml",
        &plan.replace(
            "[env]",
            &format!("root = \"{}\"\n[env]", env.path("built").display()),
        ),
    );
    let output = env
        .buildkeep(&["-C", "k", "run"])
        .env("MINE", "1")
        .env("GIT_DIR", "x")
        .output();
    let shown = env.shown(&output.unwrap());
    assert!(!shown.contains("exit"), "{shown}");
    let text = run(&env, &["logs", "env"]);
    let has = |name: &str| {
        text.lines()
            .any(|line| line.starts_with(&format!("{name}=")))
    };
    for name in [
        "MINE",
        "TESTS",
        "BUILDKEEP_KEEP",
        "BUILDKEEP_ROOT",
        "BUILDKEEP_STEP",
        "BUILDKEEP_RUN",
        "BUILDKEEP_EVENTS",
        "PATH",
    ] {
        assert!(has(name), "{name}\n{text}");
    }
    for name in [
        "GIT_DIR",
        "GIT_AUTHOR_NAME",
        "BUILDKEEP_TEST_CLOCK",
        "BUILDKEEP_TEST_SEED",
    ] {
        assert!(!has(name), "{name}\n{text}");
    }
}

#[test]
fn a_command_runs_under_the_same_supervision() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\n")]);
    let shown = run(&env, &["run", "--", "sh", "-c", "printf 'a\\033b'; exit 3"]);
    assert!(
        shown.contains("sh failed") && shown.contains("exit code 3"),
        "{shown}"
    );
    assert!(
        shown.contains("a␛b") && shown.contains("--- exit 1"),
        "{shown}"
    );
    let logs = env.buildkeep(&["-C", "k", "logs", "sh"]).output().unwrap();
    assert_eq!(logs.stdout, b"a\x1bb", "to a pipe, byte for byte");
    assert!(!run(&env, &["run", "--", "true"]).contains("exit"));
    let shown = run(&env, &["run", "--", "no-such-command"]);
    assert!(
        shown.contains("could not be started") && shown.contains("--- exit 1"),
        "{shown}"
    );
}

/// Waits for the test between its two words.
const PATIENT: &str = "#!/bin/sh\necho x >> ../starts\necho before\ntouch ../running\n\
    i=0; until [ -e ../go ] || [ $((i=i+1)) -gt 6000 ]; do sleep 0.01; done\necho after\nexit $(cat ../code)\n";

pub(crate) fn patient() -> Env {
    let env = keep(&[
        ("01-slow.sh", PATIENT),
        ("02-next.sh", "#!/bin/sh\necho x >> ../next\n"),
    ]);
    env.write("code", "0");
    env
}

/// Starts `run` in the background, and waits until its script runs.
pub(crate) fn start(env: &Env) -> Child {
    let child = env
        .buildkeep(&["-C", "k", "run"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("running", || env.path("running").exists());
    child
}

/// Our processes in the background that have one of these roles.
pub(crate) fn in_role(env: &Env, roles: &[&str]) -> Vec<i32> {
    let mark = env.path("k/.buildkeep/runs").to_str().unwrap().to_owned();
    let is_ours = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let words: Vec<&str> = words.split('\0').collect();
        matches!(words.as_slice(), [_, "helper", dir, role, ..] if dir.starts_with(&mark) && roles.contains(role))
            && is_alive(*pid)
    };
    pids().into_iter().filter(is_ours).collect()
}

/// Keepers and shims.
pub(crate) fn helpers(env: &Env) -> Vec<i32> {
    in_role(env, &["keeper", "shim", "adopt", "launch"])
}

/// Kills the monitor in the foreground and its standby, so that nobody goes on with the run.
pub(crate) fn kill_monitor(env: &Env, foreground: &mut Child) {
    // Stopped first, or each would call for the other.
    kill_process(Pid::from_child(foreground), Signal::STOP).unwrap();
    in_role(env, &["standby"]).into_iter().for_each(kill);
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    in_role(env, &["standby", "monitor"])
        .into_iter()
        .for_each(kill);
}

#[test]
fn the_foreground_dies_and_the_next_run_goes_on_where_it_was() {
    let env = patient();
    let mut foreground = start(&env);
    kill_monitor(&env, &mut foreground);
    assert_eq!(helpers(&env).len(), 2, "keeper and shim");
    env.write("go", "");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("[2/2] next done"), "{shown}");
    assert!(
        !shown.contains("[1/2]"),
        "what was done is not done again\n{shown}"
    );
    assert_eq!(
        (lines(&env.path("starts")), lines(&env.path("next"))),
        (1, 1)
    );
    assert_eq!(run(&env, &["logs", "slow"]), "before\nafter\n");
    assert!(manifest(&env, "slow").contains("state = \"succeeded\""));
    until("helpers to leave", || helpers(&env).is_empty());
}

#[test]
fn all_of_ours_die_and_the_next_run_adopts_the_script() {
    let env = patient();
    let mut foreground = start(&env);
    helpers(&env).into_iter().for_each(kill);
    // The foreground may have sent a new keeper meanwhile.
    kill_monitor(&env, &mut foreground);
    helpers(&env).into_iter().for_each(kill);
    let next = env
        .buildkeep(&["-C", "k", "run"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("adoption", || !helpers(&env).is_empty());
    env.write("go", "");
    let output = next.wait_with_output().unwrap();
    let shown = env.shown(&output);
    assert_eq!(lines(&env.path("starts")), 1, "{shown}");
    assert_eq!(lines(&env.path("next")), 1, "{shown}");
    assert!(manifest(&env, "slow").contains("state = \"succeeded\""));
}

#[test]
fn each_of_ours_dies_in_turn_and_the_run_ends_well() {
    let env = patient();
    let foreground = start(&env);
    for _ in 0..4 {
        let first = helpers(&env).first().copied();
        first.into_iter().for_each(kill);
        until("somebody in charge", || !helpers(&env).is_empty());
    }
    env.write("go", "");
    let output = foreground.wait_with_output().unwrap();
    let shown = env.shown(&output);
    assert!(output.status.success(), "{shown}");
    assert_eq!(
        (lines(&env.path("starts")), lines(&env.path("next"))),
        (1, 1)
    );
    assert_eq!(run(&env, &["logs", "slow"]), "before\nafter\n");
}

#[test]
fn a_second_run_is_refused_and_names_the_first() {
    let env = patient();
    let foreground = start(&env);
    let shown = run(&env, &["run"]);
    assert!(
        shown.contains("a run is going on: `buildkeep -C k run`, process"),
        "{shown}"
    );
    assert!(
        shown.contains(&foreground.id().to_string()) && shown.contains("--- exit 3"),
        "{shown}"
    );
    env.write("go", "");
    assert!(foreground.wait_with_output().unwrap().status.success());
}

#[test]
fn an_interrupt_stops_the_step_and_run_goes_on_with_it() {
    for signal in [Signal::INT, Signal::TERM] {
        let env = patient();
        let foreground = start(&env);
        kill_process(Pid::from_child(&foreground), signal).unwrap();
        let output = foreground.wait_with_output().unwrap();
        let shown = env.shown(&output);
        assert!(
            shown.contains("slow stopped") && shown.contains("--- exit 130"),
            "{shown}"
        );
        assert!(manifest(&env, "slow").contains("state = \"cancelled\""));
        assert!(helpers(&env).is_empty() && !env.path("next").exists());
        env.write("go", "");
        let shown = run(&env, &["run"]);
        assert!(
            shown.contains("slow done") && shown.contains("next done"),
            "{shown}"
        );
    }
}

#[test]
fn stop_ends_what_runs_and_says_what_it_was() {
    let env = patient();
    let foreground = start(&env);
    assert_eq!(run(&env, &["stop", "slow"]), "slow#1 stopped\n");
    let output = foreground.wait_with_output().unwrap();
    assert!(env.shown(&output).contains("slow stopped"));
    assert!(manifest(&env, "slow").contains("state = \"cancelled\""));
    let shown = run(&env, &["stop"]);
    assert!(
        shown.contains("error: nothing runs") && shown.contains("--- exit 2"),
        "{shown}"
    );
}

#[test]
fn stop_works_without_a_foreground_and_publishes() {
    let env = patient();
    let mut foreground = start(&env);
    kill_monitor(&env, &mut foreground);
    assert_eq!(run(&env, &["stop"]), "slow#1 stopped\n");
    assert!(manifest(&env, "slow").contains("state = \"cancelled\""));
}

#[test]
fn logs_follow_to_the_end() {
    let env = patient();
    let foreground = start(&env);
    let follower = env
        .buildkeep(&["-C", "k", "logs", "--follow", "slow"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    env.write("go", "");
    assert_eq!(
        follower.wait_with_output().unwrap().stdout,
        b"before\nafter\n"
    );
    foreground.wait_with_output().unwrap();
}

#[test]
fn after_a_reboot_the_step_is_interrupted_and_built_again() {
    let env = patient();
    let mut foreground = start(&env);
    helpers(&env).into_iter().for_each(kill);
    kill_monitor(&env, &mut foreground);
    helpers(&env).into_iter().for_each(kill);
    // What the machine was before: other files say the old boot.
    let boot = buildkeep::run::boot_id().unwrap();
    let find = env
        .command("find")
        .args(["k/.buildkeep/runs", "-name", "*.json"])
        .output()
        .unwrap();
    for path in String::from_utf8(find.stdout).unwrap().lines() {
        let text = std::fs::read_to_string(env.path(path)).unwrap();
        std::fs::write(env.path(path), text.replace(&boot, "an-earlier-boot")).unwrap();
    }
    env.write("go", "");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("`slow` interrupted"), "{shown}");
    assert!(
        shown.contains("slow done") && shown.contains("next done"),
        "{shown}"
    );
    assert_eq!(lines(&env.path("starts")), 2, "once per boot");
}

#[test]
fn bad_names_change_nothing() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\n")]);
    let shown = run(&env, &["run", "onne"]);
    assert!(
        shown.contains("did you mean `one`?") && shown.contains("--- exit 2"),
        "{shown}"
    );
    let shown = run(&env, &["logs", "one"]);
    assert!(
        shown.contains("`one` has not run on this machine"),
        "{shown}"
    );
    assert!(!env.path("k/.buildkeep/runs").exists());
}

#[test]
fn logs_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = keep(&[("01-one.sh", "#!/bin/sh\necho a word of ours\n")]);
    let lines = json(&env, &["run"]);
    let run = lines.last().unwrap()["run"].as_str().unwrap();
    let ended = lines
        .iter()
        .find(|line| line["event"] == "step-ended")
        .unwrap();
    let attempt = ended["attempt"].as_str().unwrap();
    let log = env.path(format!("k/.buildkeep/runs/{run}/{attempt}/log"));
    let mode = std::fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(
        std::fs::read_to_string(log.join("0001.log"))
            .unwrap()
            .contains("a word")
    );
}
