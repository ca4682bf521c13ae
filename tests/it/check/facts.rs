//! What this machine is stands in the history, and what changed can be told.
use crate::env::Env;
use crate::run::{keep, run};

fn host(env: &Env) -> String {
    env.git(&["-C", "k", "show", "state/box-00z9:host.toml"])
}

/// A keep whose `m4` is a fake one, and a step that worked.
fn built() -> Env {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    tool(&env, "1.4.18");
    assert!(shown(&env, &["run"]).contains("1 step done"));
    env
}

fn tool(env: &Env, version: &str) {
    env.script(
        "bin/m4",
        &format!("#!/bin/sh\necho 'm4 (GNU M4) {version}'\n"),
    );
}

fn shown(env: &Env, args: &[&str]) -> String {
    let path = format!(
        "{}:{}",
        env.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = env.buildkeep(&[&["-C", "k"], args].concat());
    env.shown(&command.env("PATH", path).output().unwrap())
}

#[test]
fn a_run_notes_what_the_machine_is_and_what_changed_since_is_told() {
    let env = built();
    let noted = host(&env);
    for expected in [
        "kernel = ",
        "cpu = ",
        "[tools.m4]",
        "version = \"m4 (GNU M4) 1.4.18\"",
        "[mounts]",
    ] {
        assert!(noted.contains(expected), "{expected}\n{noted}");
    }
    let same = shown(&env, &["check", "--diff"]);
    assert!(
        same.starts_with("this machine is as it was at the last good build ("),
        "{same}"
    );
    tool(&env, "1.4.20");
    let path = env.path("bin/m4");
    let change = format!(
        "tool m4: m4 (GNU M4) 1.4.18 ({0}) -> m4 (GNU M4) 1.4.20 ({0})",
        path.display()
    );
    let change = change.replace(env.work().to_str().unwrap(), "[ROOT]");
    for args in [
        &["check", "--diff"][..],
        &["check", "--diff", "last-good"],
        &["why", "one"],
    ] {
        let told = shown(&env, args);
        assert!(told.contains(&change), "{args:?}\n{told}");
    }
    let nothing = shown(&env, &["check", "--diff", "v99"]);
    assert!(nothing.contains("--- exit"), "{nothing}");
}

#[test]
fn a_check_notes_a_machine_that_changed() {
    let env = built();
    let noted = host(&env);
    shown(&env, &["check", "--tier", "normal"]);
    assert_eq!(host(&env), noted);
    tool(&env, "1.4.20");
    shown(&env, &["check"]);
    assert_ne!(host(&env), noted);
    let log = run(&env, &["log", "--kind", "check"]);
    assert!(log.contains("check: this machine changed: m4"), "{log}");
}

#[test]
fn a_failed_step_is_compared_with_the_machine_that_it_failed_on() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntest ! -e ../stop\n")]);
    tool(&env, "1");
    shown(&env, &["run"]);
    tool(&env, "2");
    env.write("stop", "");
    env.write("k/stop", "");
    shown(&env, &["run", "--force"]);
    tool(&env, "3");
    let told = shown(&env, &["why", "one"]);
    assert!(told.contains("-> m4 (GNU M4) 2"), "{told}");
    assert!(!told.contains("M4) 3"), "{told}");
}

#[test]
fn without_a_build_there_is_nothing_to_compare_with() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    let told = shown(&env, &["check", "--diff"]);
    assert!(
        told.contains("nothing was built on this machine yet"),
        "{told}"
    );
}
