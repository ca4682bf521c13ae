//! What another program writes, as a snapshot.
use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::env::Env;
use crate::vault::hostile::noise;

fn piped(env: &Env, args: &[&str], content: &[u8]) -> Output {
    let mut child = env
        .buildkeep(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse before it has read all.
    let _ = child.stdin.take().unwrap().write_all(content);
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_piped_in_comes_back() {
    let env = Env::new();
    for (number, size) in [0, 7, 1 << 20, (1 << 20) + 1, 9_000_000]
        .into_iter()
        .enumerate()
    {
        let content = noise(size, 11);
        let name = format!("db/{number}.sql");
        let args = [
            "backup",
            "create",
            "--stdin",
            "--stdin-name",
            &name,
            "--vault",
            "v",
        ];
        let output = piped(&env, &args, &content);
        assert!(output.status.success(), "{}", env.shown(&output));
        let set = format!("latest:{number}.sql");
        let args = ["backup", "cat", &set, &name, "--vault", "v"];
        let back = env.buildkeep(&args).output().unwrap();
        assert!(back.stdout == content, "{size} bytes");
    }
    env.git(&["-C", "v", "fsck", "--strict", "--full", "--no-dangling"]);
    let bad = [
        "backup",
        "create",
        "--stdin",
        "--stdin-name",
        "../x",
        "--vault",
        "v",
    ];
    let said = env.shown(&piped(&env, &bad, b"x"));
    assert!(said.contains("leads out"), "{said}");
}

#[test]
fn an_archive_comes_through_a_pipe() {
    let env = Env::new();
    env.write("src/a", "one");
    env.json(&["backup", "create", "src", "--vault", "v"]);
    let args = ["backup", "export", "latest", "--vault", "v", "-o", "-"];
    let out = env.buildkeep(&args).output().unwrap();
    assert!(out.status.success(), "{}", env.shown(&out));
    let taken = piped(
        &env,
        &["backup", "import", "-", "--vault", "w"],
        &out.stdout,
    );
    assert!(taken.status.success(), "{}", env.shown(&taken));
    assert_eq!(env.git(&["-C", "v", "tag"]), env.git(&["-C", "w", "tag"]));
}
