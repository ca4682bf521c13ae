//! Scripts with a terminal.
use std::time::Duration;

use buildkeep::run::{AttemptState, Interrupts};

use super::run::{keep, run};
use super::site::{Site, kill, until};

fn site(body: &str) -> Site {
    let mut site = Site::new(body);
    site.spec.sandbox.tty = true;
    site
}

#[test]
fn the_script_has_a_terminal_and_its_log_is_as_without() {
    let site = site(
        "for fd in 0 1 2; do test -t $fd && echo $fd; done; stty size; echo x > /dev/tty; printf 'a\\r\\n\\033[1mb\\0'",
    );
    let attempt = site.run();
    assert_eq!(
        site.text(),
        "0\n1\n2\n24 80\nx\na\r\n\x1b[1mb\0",
        "{attempt:?}"
    );
    assert_eq!(attempt.state, AttemptState::Succeeded);
}

#[test]
fn all_that_it_writes_is_in_the_log() {
    let site = site("head -c 3000000 /dev/urandom | base64 -w 70 | tee copy; printf end; exit 4");
    let attempt = site.run();
    let mut copy = std::fs::read(site.file("copy")).unwrap();
    copy.extend_from_slice(b"end");
    assert!(site.log() == copy, "{} of {}", site.log().len(), copy.len());
    assert_eq!(attempt.exit.unwrap().code, Some(4));
}

/// Writes lines until it may end.
const CHATTER: &str = "touch running; i=0; until [ -e go ]; do i=$((i+1)); echo line $i; done; echo line $i > last; exit 6";

fn is_complete(site: &Site) {
    let text = site.text();
    let last = std::fs::read_to_string(site.file("last")).unwrap();
    assert!(text.ends_with(&last), "{:?} {last}", text.lines().last());
    for (at, line) in text.lines().enumerate() {
        assert_eq!(line, format!("line {}", at + 1));
    }
}

#[test]
fn it_hangs_up_for_no_helper_that_dies() {
    for role in ["keeper", "shim"] {
        let site = site(CHATTER);
        let keeper = site.start();
        site.until_file("running");
        site.kill_helper(role);
        let size = site.log().len();
        until("more output", || site.log().len() > size);
        site.touch("go");
        let attempt = site.follow(Some(keeper));
        assert_eq!(attempt.exit.unwrap().code, Some(6), "{role}");
        is_complete(&site);
    }
}

#[test]
fn it_survives_both_and_the_next_command_reads_on() {
    let site = site(CHATTER);
    let mut keeper = site.start();
    site.until_file("running");
    let helpers = ["keeper", "shim"].map(|role| site.helper(role).unwrap());
    for pid in helpers {
        kill(pid);
    }
    keeper.wait().unwrap();
    let mut follower = site.follower(None);
    let interrupts = Interrupts::watch().unwrap();
    until("an adopter", || {
        let _ = follower
            .wait(Duration::from_millis(20), &interrupts)
            .unwrap();
        site.helper("adopt").is_some()
    });
    let size = site.log().len();
    until("more output", || site.log().len() > size);
    site.touch("go");
    let attempt = site.finish(follower);
    assert_eq!(attempt.stop, None);
    assert!(attempt.exit.unwrap().signal.is_none(), "it did not hang up");
    is_complete(&site);
}

#[test]
fn steps_and_commands_ask_for_one() {
    let env = keep(&[
        ("01-with.sh", "#!/bin/sh\ntest -t 1 && echo yes\n"),
        ("02-without.sh", "#!/bin/sh\ntest -t 1 || echo no\n"),
    ]);
    env.write(
        "k/plan.toml",
        "schema = 1\nscripts = \"scripts\"\nthrottle = false\n[[step]]\nid = \"with\"\ntty = true\n",
    );
    let shown = run(&env, &["run"]);
    assert_eq!(run(&env, &["logs", "with"]), "yes\n", "{shown}");
    assert_eq!(run(&env, &["logs", "without"]), "no\n");
    run(
        &env,
        &["run", "--tty", "--", "sh", "-c", "test -t 0 && echo one"],
    );
    assert_eq!(run(&env, &["logs", "sh"]), "one\n");
}

#[test]
fn a_script_that_waits_for_somebody_to_type_is_told_apart() {
    let env = keep(&[("01-ask.sh", "#!/bin/bash\nread answer < /dev/tty\n")]);
    let plan = "schema = 1\nscripts = \"scripts\"\ntty = true\n";
    env.write("k/plan.toml", plan);
    run(&env, &["run", "--detach"]);
    let expected = "ask#1 waits for somebody to type: `01-ask.sh` reads its terminal";
    until("the notice", || run(&env, &["status"]).contains(expected));
    assert_eq!(
        env.json(&["-C", "k", "status"])["notices"][0]["kind"],
        "input"
    );
    run(&env, &["stop"]);
}
