//! `logs` and `events`: searched, followed, from a time on, for programs.
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::env::Env;
use super::run::{json, keep, run};
use super::site::until;

fn log() -> Env {
    let env = keep(&[(
        "01-a.sh",
        "#!/bin/sh\nprintf 'one\\nError: two\\r\\nthree \\033[31mred\\nsomething is hidden\\nlast'\n",
    )]);
    run(&env, &["run"]);
    env
}

fn texts(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value| line["text"].as_str().unwrap().to_owned();
    lines.iter().map(text).collect()
}

#[test]
fn lines_are_found_by_an_expression() {
    let env = log();
    assert_eq!(run(&env, &["logs", "a", "--grep", "^Err"]), "Error: two\n");
    assert_eq!(
        run(&env, &["logs", "a", "--grep", "(?i)error|ONE"]),
        "one\nError: two\n"
    );
    assert_eq!(
        run(&env, &["logs", "a", "--grep", "none of it"]),
        "--- exit 1\n"
    );
    let wrong = run(&env, &["logs", "a", "--grep", "a("]);
    assert!(
        wrong.contains("`a(` is no regular expression: unclosed group")
            && wrong.contains("--- exit 2"),
        "{wrong}"
    );
    assert_eq!(
        run(&env, &["logs", "a", "--grep", "red"]),
        "three ␛[31mred\n",
        "escapes are shown, not obeyed"
    );
}

#[test]
fn programs_get_each_line_with_its_place_and_time() {
    let env = log();
    let lines = json(&env, &["logs", "a"]);
    let offsets: Vec<_> = lines
        .iter()
        .map(|line| line["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, [0, 4, 16, 31, 51]);
    assert_eq!(texts(&lines)[4], "last");
    assert_eq!(texts(&lines)[1], "Error: two");
    assert_eq!(
        (&lines[0]["step"], &lines[0]["number"]),
        (&"a".into(), &1.into())
    );
    assert!(lines[0]["time"].as_str().unwrap().starts_with("20"));
    let found = json(&env, &["logs", "a", "--grep", "hidden"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["offset"], 31);
}

#[test]
fn from_a_time_on_there_is_what_was_written_since() {
    let env = log();
    let whole = run(&env, &["logs", "a"]);
    assert_eq!(run(&env, &["logs", "a", "--since", "2000-01-01"]), whole);
    assert_eq!(run(&env, &["logs", "a", "--since", "2999-01-01"]), "");
    let wrong = run(&env, &["logs", "a", "--since", "soon"]);
    assert!(
        wrong.contains("`soon` is no time") && wrong.contains("--- exit 2"),
        "{wrong}"
    );
}

/// The lines that a command in the background writes.
fn following(env: &Env, args: &[&str]) -> (Child, impl FnMut() -> Option<String> + use<>) {
    let mut command = env.buildkeep(&["-C", "k"]);
    let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, move || lines.next().map(Result::unwrap))
}

#[test]
fn a_log_is_followed_line_by_line_until_the_step_ends() {
    let env = keep(&[(
        "01-a.sh",
        "#!/bin/sh\necho first; touch ../running\n\
         until [ -e ../more ]; do sleep 0.02; done; echo second one\n\
         until [ -e ../go ]; do sleep 0.02; done; echo third one\n",
    )]);
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    let (mut child, mut next) =
        following(&env, &["logs", "a", "--follow", "--grep", "one", "--json"]);
    env.write("more", "");
    assert!(next().unwrap().contains("\"text\":\"second one\""));
    env.write("go", "");
    assert!(next().unwrap().contains("\"text\":\"third one\""));
    assert_eq!(next(), None);
    assert!(child.wait().unwrap().success());
}

#[test]
fn events_are_one_line_each_over_all_runs() {
    let env = keep(&[("01-a.sh", "#!/bin/sh\nexit $(cat ../code)\n")]);
    env.write("code", "3");
    run(&env, &["run"]);
    env.write("code", "0");
    run(&env, &["run"]);
    let shown = run(&env, &["events"]);
    let words: Vec<_> = shown.lines().map(|line| line.get(20..).unwrap()).collect();
    let begins = ["run begins", "a begins", "a ", "run ended"];
    for (at, word) in words.iter().enumerate() {
        assert!(word.starts_with(begins[at % 4]), "{at}: {shown}");
    }
    assert_eq!(words.len(), 8, "{shown}");
    assert!(
        words[2].starts_with("a failed after") && words[2].ends_with("exit code 3"),
        "{shown}"
    );
    assert!(words[6].starts_with("a done in"), "{shown}");

    let lines = json(&env, &["events", "a"]);
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["step-started", "step-ended", "step-started", "step-ended"]
    );
    assert_eq!(lines[1]["data"]["code"], 3);
    assert_ne!(lines[1]["run"], lines[3]["run"]);
    assert_eq!(run(&env, &["events", "--since", "2999-01-01"]), "");
    assert_eq!(run(&env, &["events", "--since", "2000-01-01"]), shown);
}

#[test]
fn events_are_followed_as_they_happen_also_of_runs_to_come() {
    let env = keep(&[("01-a.sh", "#!/bin/sh\n")]);
    let (mut child, mut next) = following(&env, &["events", "--follow", "--json"]);
    run(&env, &["run"]);
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "run-ended") {
        let event: Value = serde_json::from_str(&next().unwrap()).unwrap();
        kinds.push(event["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        kinds,
        ["run-started", "step-started", "step-ended", "run-ended"]
    );
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}
