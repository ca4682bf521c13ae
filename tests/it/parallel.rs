//! Steps that run at the same time.
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::env::Env;
use super::run::{json, keep, kill_monitor, run};
use super::site::until;

/// Two steps that end only if both run at once, and one that needs both.
const MEET: &[(&str, &str)] = &[
    (
        "01-a.sh",
        "#!/bin/sh\ntouch ../a; until [ -e ../b ]; do sleep 0.02; done\n",
    ),
    (
        "02-b.sh",
        "#!/bin/sh\ntouch ../b; until [ -e ../a ]; do sleep 0.02; done\n",
    ),
    (
        "03-c.sh",
        "#!/bin/sh\n[ -e ../a ] && [ -e ../b ] && touch ../c\n",
    ),
];
/// `c` needs `a` and `b`, which are free.
const NEEDS: &str = "\n[[step]]\nid = \"a\"\nneeds = []\n[[step]]\nid = \"b\"\nneeds = []\n\
    [[step]]\nid = \"c\"\nneeds = [\"a\", \"b\"]\n";

fn with_plan(scripts: &[(&str, &str)], more: &str) -> Env {
    let env = keep(scripts);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    let plan = plan.replacen("[env]", "jobs = 1\nthrottle = false\n[env]", 1);
    env.write("k/plan.toml", &format!("{plan}{more}"));
    env
}

fn ended(lines: &[Value]) -> Vec<String> {
    let ended = lines.iter().filter(|line| line["event"] == "step-ended");
    ended
        .map(|line| {
            format!(
                "{} {}",
                line["step"].as_str().unwrap(),
                line["state"].as_str().unwrap()
            )
        })
        .collect()
}

fn in_background(env: &Env, args: &[&str]) -> Child {
    let mut run = env.buildkeep(&["-C", "k", "--json", "run"]);
    run.args(args).stdout(Stdio::piped()).stderr(Stdio::null());
    run.spawn().unwrap()
}

#[test]
fn steps_that_need_nothing_of_each_other_run_at_once() {
    let env = with_plan(MEET, NEEDS);
    let lines = json(&env, &["run", "-j", "2"]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["succeeded"], &last["exit"]),
        (&3.into(), &0.into()),
        "{lines:?}"
    );
    assert_eq!(ended(&lines)[2], "c succeeded");
    assert!(env.path("c").exists());
    // The plan may say how many, too.
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write("k/plan.toml", &plan.replace("jobs = 1", "jobs = 2"));
    for file in ["a", "b", "c"] {
        std::fs::remove_file(env.path(file)).unwrap();
    }
    assert_eq!(
        json(&env, &["run", "--force"]).last().unwrap()["succeeded"],
        3
    );
}

#[test]
fn a_failure_waits_for_what_runs_and_starts_nothing_more() {
    let env = with_plan(
        &[
            (
                "01-a.sh",
                "#!/bin/sh\nuntil [ -e ../b ]; do sleep 0.02; done; touch ../failing; exit 3\n",
            ),
            (
                "02-b.sh",
                "#!/bin/sh\ntouch ../b; until [ -e ../go ]; do sleep 0.02; done\n",
            ),
            ("03-c.sh", "#!/bin/sh\ntouch ../c\n"),
            ("04-d.sh", "#!/bin/sh\ntouch ../d\n"),
        ],
        &format!("{NEEDS}[[step]]\nid = \"d\"\nneeds = []\n"),
    );
    let child = in_background(&env, &["-j2"]);
    until("one fails", || env.path("failing").exists());
    until("the failure is told", || {
        env.json(&["-C", "k", "status"])["steps"]["failed"] == 1
    });
    env.write("go", "");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(ended(&lines), ["a failed", "b succeeded"]);
    let last = lines.last().unwrap();
    assert_eq!((&last["failed"], &last["left"]), (&1.into(), &2.into()));
    assert!(
        !env.path("d").exists(),
        "d was free, and not started after the failure"
    );
    // What does not need the failed step is built if that is wanted.
    let again = json(&env, &["run", "-j2", "--keep-going"]);
    assert!(env.path("d").exists() && !env.path("c").exists());
    assert_eq!(again.last().unwrap()["exit"], 1);
}

#[test]
fn an_interrupt_stops_all_that_runs() {
    let forever =
        |name: &str| format!("#!/bin/sh\ntouch ../{name}; while :; do sleep 0.05; done\n");
    let (a, b) = (forever("a"), forever("b"));
    let env = with_plan(
        &[("01-a.sh", &a), ("02-b.sh", &b), ("03-c.sh", "#!/bin/sh\n")],
        NEEDS,
    );
    let child = in_background(&env, &["-j", "4"]);
    until("both run", || {
        env.path("a").exists() && env.path("b").exists()
    });
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let status = env.json(&["-C", "k", "status"]);
    let states: Vec<_> = status["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["state"])
        .collect();
    assert_eq!(states, ["cancelled", "cancelled"]);
}

#[test]
fn what_a_killed_command_left_running_is_waited_for() {
    let waits = |name: &str| {
        format!("#!/bin/sh\necho x >> ../{name}; until [ -e ../go ]; do sleep 0.02; done\n")
    };
    let (a, b) = (waits("a"), waits("b"));
    let env = with_plan(
        &[("01-a.sh", &a), ("02-b.sh", &b), ("03-c.sh", "#!/bin/sh\n")],
        NEEDS,
    );
    let mut child = in_background(&env, &["-j2"]);
    until("both run", || {
        env.path("a").exists() && env.path("b").exists()
    });
    kill_monitor(&env, &mut child);
    env.write("go", "");
    let lines = json(&env, &["run", "-j2"]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["succeeded"], &last["done"]),
        (&1.into(), &2.into()),
        "{lines:?}"
    );
    for name in ["a", "b"] {
        let ran = std::fs::read_to_string(env.path(name)).unwrap();
        assert_eq!(ran, "x\n", "{name} was started once");
    }
}

#[test]
fn only_what_is_named_runs_and_chance_keeps_to_the_needs() {
    let body = |name: &str| format!("#!/bin/sh\necho {name} >> ../order\n");
    let names = ["a", "b", "c", "d", "e", "f"];
    let bodies = names.map(body);
    let files = [
        "01-a.sh", "02-b.sh", "03-c.sh", "04-d.sh", "05-e.sh", "06-f.sh",
    ];
    let scripts: Vec<_> = files
        .iter()
        .copied()
        .zip(bodies.iter().map(String::as_str))
        .collect();
    let free: String = ["d", "e", "f"]
        .map(|id| format!("[[step]]\nid = \"{id}\"\nneeds = []\n"))
        .concat();
    let env = with_plan(&scripts, &format!("{NEEDS}{free}"));
    let order = || std::fs::read_to_string(env.path("order")).unwrap();
    assert!(run(&env, &["run", "--only", "c"]).contains("c done"));
    assert_eq!(order(), "c\n", "not what it needs");
    let mut orders = std::collections::BTreeSet::new();
    for seed in ["1", "2", "1", "3", "4"] {
        std::fs::remove_file(env.path("order")).unwrap();
        run(&env, &["run", "--force", &format!("--shuffle={seed}")]);
        let order = order();
        let at = |name: &str| order.lines().position(|line| line == name).unwrap();
        assert!(at("a") < at("c") && at("b") < at("c"), "{order}");
        orders.insert((seed, order));
    }
    assert_eq!(orders.len(), 4, "a seed means an order: {orders:?}");
    let different: std::collections::BTreeSet<_> = orders.iter().map(|(_, order)| order).collect();
    assert!(different.len() > 1, "{orders:?}");
}

#[test]
fn a_snapshot_waits_until_nothing_runs() {
    let env = with_plan(MEET, NEEDS);
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    let plan = plan.replacen(
        "[env]",
        "root = \"../root\"\nworkdir = \".\"\ncheckpoint = \"after\"\n[env]",
        1,
    );
    // Scripts run in the keep, as before.
    env.write(
        "k/plan.toml",
        &plan.replace("workdir = \".\"", "workdir = \"scripts\""),
    );
    let lines = json(&env, &["run", "-j2"]);
    let taken: Vec<_> = lines
        .iter()
        .filter(|line| line["event"] == "checkpoint")
        .collect();
    assert_eq!(taken.len(), 2, "one after both, one after c: {lines:?}");
    assert_eq!(taken[1]["step"], "c");
    // The one after both is that of either.
    let list = env.json(&["-C", "k", "checkpoint", "list"]);
    let first = &list["snapshots"][0];
    let last = first["step"].as_str().unwrap();
    let other = if last == "a" { "b" } else { "a" };
    assert_eq!(first["with"], serde_json::json!([other]), "{list}");
    for step in ["a", "b"] {
        let diff = env.run(&["-C", "k", "diff", step]);
        assert!(
            diff.contains("ran together") && !diff.contains("error"),
            "{diff}"
        );
    }
}
