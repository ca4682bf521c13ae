//! Scripts that tell how far they are.
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::background::{monitor, until_over};
use super::env::Env;
use super::run::{json, keep, run};
use super::site::{kill, until};

/// Our program, for scripts.
const US: &str = env!("CARGO_BIN_EXE_buildkeep");

/// A step of three parts; it waits in the second one.
fn telling() -> Env {
    let script = format!(
        "#!/bin/bash\nset -eu\n{US} step unpack --of 3\n{US} step compile\ntouch ../running\n\
         until [ -e ../go ]; do sleep 0.05; done\necho 'install it' >> \"$BUILDKEEP_EVENTS\"\n"
    );
    keep(&[("01-slow.sh", &script)])
}

fn begin(env: &Env) {
    run(env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
}

fn parts_told(env: &Env) -> Vec<String> {
    let events = json(env, &["events"]);
    let parts = events.iter().filter(|event| event["event"] == "substep");
    let name = |event: &Value| event["data"]["name"].as_str().unwrap().to_owned();
    parts.map(name).collect()
}

fn manifest(env: &Env, step: &str) -> String {
    let host = std::fs::read_to_string(env.path("k/.buildkeep/host")).unwrap();
    let path = format!("refs/heads/state/{}:steps/{step}.toml", host.trim());
    env.git(&["-C", "k", "show", &path])
}

#[test]
fn parts_of_a_step_are_shown_while_it_runs_and_kept_when_it_ends() {
    let env = telling();
    begin(&env);
    let status = run(&env, &["status"]);
    assert!(status.contains("          compile (2 of 3), "), "{status}");
    let line = run(&env, &["top", "-n", "1"]);
    assert!(line.contains(", compile (2 of 3)"), "{line}");
    until("the events", || parts_told(&env) == ["unpack", "compile"]);
    env.write("go", "");
    until_over(&env);
    assert_eq!(parts_told(&env), ["unpack", "compile", "install it"]);
    let told = run(&env, &["events"]);
    assert!(told.contains(" slow: compile (2 of 3)\n"), "{told}");
    let kept = manifest(&env, "slow");
    for part in ["unpack", "compile", "install it"] {
        assert!(kept.contains(&format!("name = \"{part}\"")), "{kept}");
    }
    assert!(kept.matches("[[substeps]]").count() == 3, "{kept}");
    let timed = kept
        .lines()
        .filter(|line| line.starts_with("duration_s = "));
    assert_eq!(
        timed.count(),
        1 + 3 + 1 + 3,
        "with those of the last success: {kept}"
    );
}

#[test]
fn the_next_time_parts_tell_how_much_is_left() {
    let env = telling();
    env.write("go", "");
    run(&env, &["run"]);
    for name in ["go", "running"] {
        std::fs::remove_file(env.path(name)).unwrap();
    }
    run(&env, &["run", "--detach", "--force"]);
    until("running", || env.path("running").exists());
    let status = env.json(&["-C", "k", "status"]);
    let part = &status["running"][0]["substep"];
    assert_eq!(
        (&part["name"], &part["number"]),
        (&"compile".into(), &2.into())
    );
    assert!(
        part["expected_s"].is_f64() && part["step_left_s"].is_f64(),
        "{status}"
    );
    env.write("go", "");
    until_over(&env);
}

#[test]
fn where_nobody_listens_it_does_nothing_and_never_fails() {
    let env = Env::new();
    env.write("file", "");
    let file = env.path("file");
    let silent = |args: &[&str], events: Option<&str>| {
        let mut command = env.buildkeep(&["step"]);
        command.args(args);
        events.map(|events| command.env("BUILDKEEP_EVENTS", events));
        let output = command.output().unwrap();
        let shown = env.shown(&output);
        assert!(output.status.success(), "{args:?} {events:?} {shown}");
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{shown}"
        );
    };
    silent(&["unpack"], None);
    silent(&[], None);
    let places = [
        "",
        "/",
        "/dev/full",
        "/dev/null",
        "/gone/substeps",
        "/etc/passwd/x",
        "relative",
    ];
    for place in places {
        silent(&["unpack", "--of", "3"], Some(place));
    }
    let file = file.to_str().unwrap();
    let odd: [&[&str]; 7] = [
        &[""],
        &["-O2 -pipe"],
        &["-x"],
        &["a", "--of", "many"],
        &["a", "--of", "-1"],
        &["\u{1b}]0;x\u{7}\n\t"],
        &["--done"],
    ];
    for args in odd {
        silent(args, Some(file));
    }
    let written = std::fs::read_to_string(file).unwrap();
    assert!(
        !written.contains('\u{1b}') && written.contains("-O2 -pipe\tat="),
        "{written}"
    );
    let wrong = env.run(&["step", "a", "--what"]);
    assert!(
        wrong.contains("unexpected argument") && !wrong.contains("exit"),
        "{wrong}"
    );
    let gone = env.path("gone");
    std::fs::create_dir(&gone).unwrap();
    let mut away = env.command("sh");
    away.args(["-c", &format!("rmdir {gone:?}; {US} step x")])
        .current_dir(&gone);
    assert_eq!(env.shown(&away.output().unwrap()), "", "its folder is gone");
}

#[test]
fn what_a_script_writes_there_harms_neither_screen_nor_run() {
    let env = keep(&[(
        "01-hostile.sh",
        "#!/bin/bash\nprintf '\\033]0;owned\\007\\033[31mred\\n' >> $BUILDKEEP_EVENTS\n\
         head -c 3000000 /dev/urandom >> $BUILDKEEP_EVENTS\nyes x | head -c 1000000 >> $BUILDKEEP_EVENTS\n",
    )]);
    let shown = run(&env, &["run"]);
    assert!(shown.contains("1 step done"), "{shown}");
    for command in ["status", "events", "why", "accuracy"] {
        let args = if command == "why" {
            vec!["why", "hostile"]
        } else {
            vec![command]
        };
        assert!(!run(&env, &args).contains('\u{1b}'), "{command}");
    }
    let size = manifest(&env, "hostile").len();
    assert!(size < 200_000, "the record stays small: {size}");
}

#[test]
fn another_monitor_goes_on_where_the_first_was() {
    let env = telling();
    begin(&env);
    until("the events", || parts_told(&env).len() == 2);
    kill(monitor(&env));
    env.write("go", "");
    until_over(&env);
    assert_eq!(parts_told(&env), ["unpack", "compile", "install it"]);
}

#[test]
fn a_script_of_another_user_tells_as_well() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let env = keep(&[(
        "01-who.sh",
        "#!/bin/bash\nset -eu\necho built by $(id -un) >> $BUILDKEEP_EVENTS\n",
    )]);
    for path in [env.work().parent().unwrap(), &env.work(), &env.path("k")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let plan = format!(
        "schema = 1\nscripts = \"scripts\"\nuser = \"nobody\"\nworkdir = {:?}\n",
        env.path("k/scripts")
    );
    env.write("k/plan.toml", &plan);
    let shown = run(&env, &["run"]);
    assert_eq!(parts_told(&env), ["built by nobody"], "{shown}");
}

#[test]
fn one_command_under_supervision_tells_as_well() {
    let env = keep(&[("01-a.sh", "#!/bin/sh\n")]);
    run(
        &env,
        &["run", "--", "sh", "-c", "echo first >> $BUILDKEEP_EVENTS"],
    );
    assert_eq!(parts_told(&env), ["first"]);
}
