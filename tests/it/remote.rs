//! remote, push, clone: a bare repository on disk, and one behind `git daemon`.
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep `k` whose one step is built, with a snapshot of its root, and an empty bare repository.
fn built() -> Env {
    let env = Env::new();
    env.script(
        "s/01-one.sh",
        "#!/bin/sh\nmkdir -p $DEST/usr\necho one > $DEST/usr/one\n",
    );
    env.stdout(&["init", "k", "--scripts", "s", "--root", "r", "--yes"]);
    env.stdout(&["-C", "k", "run"]);
    env.git(&["init", "--quiet", "--bare", "bare.git"]);
    env
}

#[test]
fn a_push_and_a_clone_carry_configuration_state_and_vault() {
    let env = built();
    let shown = [
        env.run_in("k", &["push"]),
        env.run_in("k", &["remote", "add", "origin", "../bare.git"]),
        env.run_in("k", &["remote"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: there is no remote `origin`
hint: add it: `buildkeep remote add origin URL`
--- exit 2

--- stderr
added; send everything there: `buildkeep push origin`

origin [ROOT]/bare.git

"#]]
    );
    let pushed = env.json(&["-C", "k", "push"]);
    let names: Vec<_> = pushed["refs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"refs/heads/main"), "{names:?}");
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("refs/heads/state/")),
        "{names:?}"
    );
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("refs/vaults/default/")),
        "{names:?}"
    );
    env.git(&["-C", "bare.git", "fsck", "--strict"]);
    env.stdout(&["clone", "bare.git", "k2"]);
    let status = env.json(&["-C", "k2", "status"]);
    assert_eq!(status["steps"]["done"], 1, "{status}");
    assert_eq!(status["is_here"], false, "another machine built it");
    env.stdout(&[
        "-C", "k2", "backup", "restore", "latest", "--to", "restored",
    ]);
    let restored = std::fs::read_to_string(env.path("restored/usr/one")).unwrap();
    assert_eq!(restored, "one\n");
    let verified = env.json(&["-C", "k2", "backup", "verify"]);
    assert_eq!(verified["damage"].as_array().unwrap().len(), 0);
}

#[test]
fn a_second_push_sends_only_what_is_new() {
    let env = built();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env.stdout(&["-C", "k", "push"]);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "3"]);
    let pushed = env.json(&["-C", "k", "push"]);
    let main = pushed["refs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["name"] == "refs/heads/main")
        .unwrap()
        .clone();
    assert_eq!(main["outcome"], "updated");
    let again = env.json(&["-C", "k", "push", "--no-vault"]);
    let main = again["refs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["name"] == "refs/heads/main")
        .unwrap()
        .clone();
    assert_eq!(main["outcome"], "up_to_date");
    let last = env.run(&["-C", "k", "push"]);
    assert_eq!(last, "origin has everything already\n");
    assert!(env.json(&["-C", "k", "status"])["last_push"].is_string());
}

#[test]
fn remotes_are_named_with_care() {
    let env = built();
    let shown = [
        env.run(&["-C", "k", "remote", "add", "-q", "--", "-x", "y"]),
        env.run(&[
            "-C",
            "k",
            "remote",
            "add",
            "o",
            "https://me:pw@127.0.0.1:1/k",
        ]),
        env.run(&["-C", "k", "remote", "add", "o", "other"]),
        env.run(&["-C", "k", "remote"]),
        env.run(&["-C", "k", "push", "o"]),
        env.run(&["-C", "k", "remote", "remove", "o"]),
        env.run(&["-C", "k", "remote", "remove", "o"]),
        env.run(&["clone", "https://me:pw@127.0.0.1:1/k", "c"]),
    ]
    .join("\n");
    assert!(!shown.contains("pw"), "{shown}");
    assert_eq!(shown.matches("--- exit 5").count(), 2, "{shown}");
    assert_eq!(shown.matches("--- exit 2").count(), 3, "{shown}");
    assert!(shown.contains("there is a remote `o` already: https://me:…@127.0.0.1:1/k"));
}

#[test]
fn a_clone_is_writable_whatever_git_would_choose() {
    let env = built();
    env.git(&["config", "--global", "init.defaultRefFormat", "reftable"]);
    env.git(&["config", "--global", "init.defaultObjectFormat", "sha256"]);
    env.stdout(&["clone", "k", "c"]);
    env.stdout(&["-C", "c", "config", "set", "build.jobs", "3"]);
}

#[test]
fn a_push_that_would_lose_work_of_others_is_rejected() {
    let env = built();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env.stdout(&["-C", "k", "push"]);
    env.stdout(&["clone", "bare.git", "k2"]);
    env.stdout(&["-C", "k2", "config", "set", "build.jobs", "3"]);
    env.stdout(&["-C", "k2", "push"]);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "5"]);
    let output = env.buildkeep(&["-C", "k", "push"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = env.shown(&output);
    assert!(shown.contains("rejected refs/heads/main"), "{shown}");
}

#[test]
fn a_push_to_where_somebody_works_says_where_to_push() {
    let env = built();
    env.stdout(&["clone", "k", "theirs"]);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "5"]);
    env.stdout(&["-C", "k", "remote", "add", "them", "../theirs"]);
    let output = env
        .buildkeep(&["-C", "k", "push", "them"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = env.shown(&output);
    assert!(shown.contains("push to a bare one"), "{shown}");
    assert!(!shown.contains("pull --rebase"), "{shown}");
}

#[test]
fn what_is_no_keep_is_not_left_behind() {
    let env = Env::new();
    env.git(&["init", "--quiet", "other"]);
    env.git(&[
        "-C",
        "other",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    ]);
    assert_data_eq!(
        env.run(&["clone", "other", "k2"]),
        str![[r#"
--- stderr
error: [ROOT]/k2 holds no keep: it has no buildkeep.toml
hint: is it the right URL? nothing was left behind
--- exit 2

"#]]
    );
    assert!(!env.path("k2").exists());
    assert_eq!(
        env.buildkeep(&["clone", "nowhere", "k2"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(5)
    );
    assert!(!env.path("k2").exists());
}

#[test]
fn an_invalid_commit_is_not_pushed() {
    let env = built();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env.write("k/config/build.toml", "[build]\njobs = \"many\"\n");
    env.git(&[
        "-C",
        "k",
        "commit",
        "--quiet",
        "--no-verify",
        "-am",
        "sneak in",
    ]);
    let output = env.buildkeep(&["-C", "k", "push"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        env.shown(&output).contains("config/build.toml:2:8"),
        "{}",
        env.shown(&output)
    );
    assert_eq!(env.git(&["-C", "bare.git", "for-each-ref"]), "");
}

/// A `git daemon` on loopback that serves the working folder.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(env: &Env) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = env
            .command("git")
            .args([
                "daemon",
                "--listen=127.0.0.1",
                "--export-all",
                "--enable=receive-pack",
                "--reuseaddr",
            ])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", env.work().display()))
            .arg(env.work())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Self { child, port }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It forks for each connection; the parent is enough, the others end with their work.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_daemon_takes_the_push_and_gives_the_clone() {
    let env = built();
    let daemon = Daemon::start(&env);
    let url = format!("git://127.0.0.1:{}/bare.git", daemon.port);
    env.stdout(&["-C", "k", "remote", "add", "origin", &url]);
    env.stdout(&["-C", "k", "push"]);
    env.stdout(&["clone", &url, "k2"]);
    assert_eq!(env.json(&["-C", "k2", "status"])["steps"]["done"], 1);
    assert_eq!(
        env.json(&["-C", "k2", "backup", "list"])["snapshots"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_clone_beside_the_keep_may_be_asked_for_from_within_it() {
    let env = built();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env.stdout(&["-C", "k", "push"]);
    let beside = env.run_in("k", &["clone", "../bare.git", "../k2"]);
    assert!(beside.contains("made the keep [ROOT]/k2"), "{beside}");
    let inside = env.run_in("k", &["clone", "../bare.git", "k3"]);
    assert!(inside.contains("lies inside the keep [ROOT]/k"), "{inside}");
}
