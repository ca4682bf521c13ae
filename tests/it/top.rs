//! `top` and `status --watch`: on a real terminal, in a pipe, for programs.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::process::{Pid, Signal, kill_process};

use super::env::Env;
use super::run::{json, keep, run};
use super::site::until;
use super::terminal::Terminal;

/// A step that prints, computes, and waits; and one that needs it.
fn busy() -> Env {
    let slow = "#!/bin/bash\nfor i in $(seq 40); do echo \"line $i\"; done; echo -e 'a needle \\e[31m here'\n\
        for i in $(seq 41 80); do echo \"line $i\"; done\n\
        touch ../running; until [ -e ../go ]; do :; done; echo the last line\n";
    keep(&[("01-slow.sh", slow), ("02-next.sh", "#!/bin/sh\n")])
}

fn begin(env: &Env) {
    run(env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
}

fn end(env: &Env) {
    env.write("go", "");
    until("the end", || {
        run(env, &["status"]).contains("2 of 2 steps done")
    });
}

fn top(env: &Env, args: &[&str]) -> Terminal {
    let all: Vec<&str> = ["-C", "k", "top", "-i", "1"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    Terminal::run(env, &all, |_| {})
}

#[test]
fn the_screen_shows_the_build_and_q_gives_the_terminal_back() {
    let env = busy();
    begin(&env);
    let mut terminal = top(&env, &[]);
    for expected in [
        "0 of 2 steps done",
        "slow#1",
        "▶ slow",
        "· next",
        "who waits for what",
        "line 80",
        "slow begins",
        "q end",
    ] {
        terminal.until_shown(expected);
    }
    assert!(!terminal.is_as_before(), "keys come one by one");
    terminal.type_in("/needle\r");
    terminal.until_shown("a needle ␛[31m here");
    assert!(
        !terminal.shown().contains("line 80"),
        "{}",
        terminal.shown()
    );
    terminal.resize(110, 40);
    terminal.until_shown("a needle");
    until("the footer in the last line", || {
        terminal
            .shown()
            .lines()
            .nth(39)
            .is_some_and(|line| line.contains("q end"))
    });
    terminal.type_in("G");
    terminal.until_shown("line 80");
    end(&env);
    terminal.until_shown("nothing runs");
    terminal.until_shown("2 of 2 steps done");
    terminal.type_in("q");
    assert!(terminal.end().success());
    assert!(terminal.is_as_before());
    until("the screen of before", || {
        let written = terminal.written();
        let last = written.rfind("\u{1b}[?1049").unwrap();
        written[last..].starts_with("\u{1b}[?1049l")
    });
}

#[test]
fn a_signal_gives_the_terminal_back_and_the_run_goes_on() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let env = busy();
        begin(&env);
        let mut terminal = top(&env, &[]);
        terminal.until_shown("line 80");
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        assert!(terminal.end().success());
        assert!(terminal.is_as_before(), "{signal:?}");
        assert!(run(&env, &["status"]).contains("running slow#1"));
        end(&env);
    }
}

#[test]
fn ctrl_c_ends_it_and_status_watch_is_the_same_screen() {
    let env = busy();
    begin(&env);
    let mut terminal = Terminal::run(&env, &["-C", "k", "status", "--watch"], |_| {});
    terminal.until_shown("line 80");
    terminal.type_in("\u{3}");
    assert!(terminal.end().success());
    assert!(terminal.is_as_before());
    end(&env);
}

#[test]
fn simple_terminals_get_lines() {
    let env = busy();
    begin(&env);
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let args = ["-C", "k", "top", "-i", "1", "-n", "2"];
        let mut terminal = Terminal::run(&env, &args, |command| {
            command.env(name, value);
        });
        assert!(terminal.end().success());
        until("both lines", || terminal.written().lines().count() == 2);
        let written = terminal.written();
        assert!(!written.contains('\u{1b}'), "{written}");
        assert!(
            written.contains("0 of 2 steps done") && written.contains("slow#1"),
            "{written}"
        );
    }
    end(&env);
}

#[test]
fn in_a_pipe_it_is_a_line_each_time_and_an_object_for_programs() {
    let env = busy();
    let before = run(&env, &["top", "-n", "1"]);
    assert!(
        before.contains("0 of 2 steps done") && before.contains("nothing runs"),
        "{before}"
    );
    begin(&env);
    let lines = json(&env, &["top", "-i", "1", "-n", "3"]);
    assert_eq!(lines.len(), 3);
    let last = &lines[2]["running"][0];
    assert_eq!(
        (&last["step"], &last["attempt"]),
        (&"slow".into(), &"slow#1".into())
    );
    assert!(last["cpus"].as_f64().unwrap() > 0.0, "{last}");
    assert!(last["rss_bytes"].as_u64().unwrap() > 1000, "{last}");
    assert_eq!(lines[2]["steps"]["total"], 2);
    assert_eq!(lines[2]["events"][1]["event"], "step-started");
    end(&env);
    let after = run(&env, &["top", "-n", "1"]);
    assert!(after.contains("2 of 2 steps done"), "{after}");
}

/// All files below a folder with what tells whether somebody wrote them.
fn files(dir: &Path, found: &mut BTreeMap<PathBuf, (u64, SystemTime)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = std::fs::symlink_metadata(&path).unwrap();
        found.insert(path.clone(), (meta.len(), meta.modified().unwrap()));
        if meta.is_dir() {
            files(&path, found);
        }
    }
}

#[test]
fn it_only_reads() {
    let env = busy();
    env.write("go", "");
    run(&env, &["run"]);
    run(&env, &["status"]);
    let look = || {
        let mut found = BTreeMap::new();
        files(&env.path("k"), &mut found);
        found.retain(|path, _| !path.starts_with(env.path("k/.buildkeep/cache")));
        found
    };
    let before = look();
    run(&env, &["top", "-n", "1"]);
    assert_eq!(look(), before);
}

#[test]
fn what_cannot_be_understood_is_said_and_what_runs_is_shown() {
    let env = busy();
    begin(&env);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write("k/plan.toml", "schema = \"one\"\n");
    let shown = run(&env, &["top", "-n", "1"]);
    assert!(
        shown.contains("nothing is known of steps: `schema` is") && shown.contains("slow#1"),
        "{shown}"
    );
    env.write("k/plan.toml", &plan);
    end(&env);
}
