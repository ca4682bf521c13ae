//! Programs that print secrets, and do not behave.
use crate::env::Env;

/// What `secret list --check` says of a script that should print a secret.
fn check(env: &Env, script: &str, more: &str) -> String {
    env.script("k/print", &format!("#!/bin/sh\n{script}\n"));
    let source = format!("[secrets]\nmirror = {{ command = [\"./print\"]{more} }}\n");
    env.write("k/buildkeep.toml", &source);
    env.run_in("k", &["secret", "list", "--check"])
}

fn keep() -> Env {
    let env = Env::new();
    env.stdout(&["init", "k", "--yes"]);
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:mirror\"\n");
    env
}

fn revealed(env: &Env) -> String {
    env.run_in("k", &["config", "get", "net.token", "--reveal"])
}

#[test]
fn what_a_program_left_behind_does_not_hold_its_secret_back() {
    let env = keep();
    let left = check(&env, "sleep 60 &\necho $! >left\necho hush", "");
    assert!(left.contains("has a value"), "{left}");
    assert_eq!(revealed(&env), "hush\n");
    // The last of those that were left.
    let left = std::fs::read_to_string(env.path("k/left")).unwrap();
    env.command("kill").arg(left.trim()).output().unwrap();
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let env = keep();
    let script = "sh -c 'echo $$ >inner; sleep 60; :' \n:";
    let told = check(&env, script, ", timeout = \"1s\"");
    assert!(told.contains("it took longer than 1 s"), "{told}");
    let inner = std::fs::read_to_string(env.path("k/inner")).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", inner.trim()));
    let is_gone = state.map_or(true, |stat| stat.contains(") Z"));
    assert!(is_gone, "{inner} lives on");
}

#[test]
fn a_program_that_prints_without_end_has_no_secret() {
    let env = keep();
    for script in [
        "yes",
        "yes >&2",
        "trap '' PIPE; head -c 3000000 /dev/zero; exit 0",
    ] {
        let told = check(&env, script, "");
        assert!(told.contains("it printed more than 1 MiB"), "{told}");
    }
    let most = check(&env, "head -c 1000000 /dev/zero | tr '\\0' a", "");
    assert!(most.contains("has a value"), "{most}");
    assert_eq!(revealed(&env).trim_end().len(), 1_000_000);
}
