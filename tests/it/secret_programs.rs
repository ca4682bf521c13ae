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

#[test]
fn what_could_not_be_given_to_a_step_is_not_encrypted() {
    use std::io::Write as _;
    use std::process::Stdio;
    let env = keep();
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    env.write(
        "k/buildkeep.toml",
        &format!("[secrets]\nrecipients = [\"{recipient}\"]\n"),
    );
    let set = |name: &str, value: &[u8]| {
        let mut command = env.buildkeep(&["secret", "set", name]);
        let pipes = command.current_dir(env.path("k")).stdin(Stdio::piped());
        let mut child = pipes
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may refuse before it reads.
        let _ = child.stdin.take().unwrap().write_all(value);
        env.shown(&child.wait_with_output().unwrap())
    };
    for value in [b"a\0b".as_slice(), b"\xff", b"\n"] {
        let told = set("mirror", value);
        assert!(told.contains("error: the value"), "{told}");
    }
    for name in ["identity", "recipients", "allow"] {
        assert!(set(name, b"x").contains("means something else by it"));
    }
    assert!(!env.path("k/secrets").exists());
}

#[test]
fn a_message_tells_no_secret() {
    let env = keep();
    let token = format!("ghp_{}", "aB3dE6gH9jK2".repeat(3));
    let why = format!("for {token}");
    env.write("k/config/net.toml", "");
    let commands: &[&[&str]] = &[
        &["config", "set", "build.jobs", "3"],
        &["config", "unset", "build.jobs"],
        &["config", "migrate"],
        &["commit"],
        &["tag", "x"],
        &["rollback", "--to", "v1", "--yes"],
        &["undo"],
        &["secret", "set", "x"],
    ];
    for words in commands {
        let told = env.run_in("k", &[*words, &["-m", &why]].concat());
        let is_told = told.contains("K302") && told.contains("the message:1:5");
        assert!(is_told && told.contains("--- exit 2"), "{words:?}: {told}");
        assert!(!told.contains(&token), "{told}");
    }
    let commit = ["commit", "--allow-empty", "-m", &why];
    let mut git = env.command("git");
    let refused = git
        .args(commit)
        .current_dir(env.path("k"))
        .output()
        .unwrap();
    let refused = env.shown(&refused);
    assert!(
        refused.contains("its message seems to have a secret"),
        "{refused}"
    );
    assert!(!refused.contains(&token), "{refused}");
    assert!(!env.git(&["-C", "k", "log", "--all"]).contains(&token));
}
