//! `rollback --tree`: what is built goes back, and the record with it.
use super::checkpoints::built;
use super::differences;
use crate::env::Env;

fn told(env: &Env, args: &[&str]) -> String {
    env.run(&[&["-C", "k"], args].concat())
}

fn done(env: &Env) -> i64 {
    env.json(&["-C", "k", "status"])["steps"]["done"]
        .as_i64()
        .unwrap()
}

#[test]
fn the_tree_goes_back_exactly_and_later_steps_are_undone() {
    let env = built();
    env.stdout(&[
        "-C",
        "k",
        "checkpoint",
        "restore",
        "libz",
        "--to",
        "after-libz",
    ]);
    env.write("root/by-hand", "mine");
    env.command("cp")
        .args(["-a", "root", "before"])
        .status()
        .unwrap();
    let planned = told(&env, &["rollback", "--tree", "libz", "--dry-run"]);
    assert!(
        planned.contains("[ROOT]/root would go back to the state after libz"),
        "{planned}"
    );
    assert!(planned.contains("2 steps no longer done"), "{planned}");
    assert!(
        planned.contains("by-hand") && planned.contains("usr/bin/"),
        "{planned}"
    );
    assert_eq!(
        (differences(&env, "before", "root"), done(&env)),
        (String::new(), 3)
    );
    let asked = told(&env, &["rollback", "--tree", "libz"]);
    assert!(
        asked.contains("nobody is there to ask") && asked.contains("exit 2"),
        "{asked}"
    );
    let went = env.json(&[
        "-C",
        "k",
        "rollback",
        "--tree",
        "libz",
        "--yes",
        "-m",
        "gcc is bad",
    ]);
    assert_eq!(went["problems"], serde_json::json!([]));
    assert_eq!(differences(&env, "after-libz", "root"), "");
    assert_eq!(done(&env), 1);
    let why = told(&env, &["why", "gcc"]);
    assert!(why.contains("gcc is bad"), "{why}");
    let again = told(&env, &["rollback", "--tree", "libz", "--yes"]);
    assert!(again.starts_with("nothing to do"), "{again}");
    // All of it comes back by the name of the snapshot that was taken first.
    let safety = went["safety"].as_str().unwrap();
    env.stdout(&["-C", "k", "rollback", "--tree", safety, "--yes"]);
    assert_eq!(differences(&env, "before", "root"), "");
}

#[test]
fn what_is_built_next_comes_from_where_it_went_back_to() {
    let env = built();
    env.stdout(&["-C", "k", "rollback", "--tree", "libz", "--yes"]);
    env.script(
        "k/scripts/02-gcc.sh",
        "#!/bin/sh\necho new > \"$LFS/etc/new\"\n",
    );
    let ran = told(&env, &["run", "gcc"]);
    assert!(
        ran.contains("gcc done") && !ran.contains("libz done"),
        "{ran}"
    );
    let diff = told(&env, &["diff", "gcc"]);
    assert!(
        diff.starts_with("+ etc/new  4 B\n1 added, 0 changed, 0 removed"),
        "{diff}"
    );
    let owns = told(&env, &["owns", "conf", "tmp", "cc"]);
    assert!(
        owns.starts_with("etc/conf  libz\netc/tmp  libz\n"),
        "{owns}"
    );
    assert!(owns.contains("no step brought cc"), "{owns}");
}

#[test]
fn it_is_refused_where_it_would_hurt() {
    let env = built();
    for (tree, why) in [
        ("nosuch", "no snapshot `nosuch`"),
        ("20260102T03", "fits 3 snapshots"),
    ] {
        let said = told(&env, &["rollback", "--tree", tree, "--yes"]);
        assert!(said.contains(why) && said.contains("exit 2"), "{said}");
    }
    let both = told(&env, &["rollback", "--tree", "libz", "--to", "v1"]);
    assert!(both.contains("cannot be used with"), "{both}");
    let neither = told(&env, &["rollback", "--yes"]);
    assert!(neither.contains("--to"), "{neither}");
    // A part of the tree, kept before a restore, is not all of it.
    env.write("root/etc/conf", "other");
    let put = [
        "-C",
        "k",
        "checkpoint",
        "restore",
        "finish",
        "etc/conf",
        "--in-place",
    ];
    let kept = env.json(&put);
    let part = kept["safety"].as_str().unwrap();
    let said = told(&env, &["rollback", "--tree", part, "--yes"]);
    assert!(
        said.contains("is no snapshot of all that is built"),
        "{said}"
    );
    // Nor is what another machine built, unless somebody says so.
    let host = env.path("k/.buildkeep/host");
    let id = std::fs::read_to_string(&host).unwrap();
    std::fs::write(&host, "other-0000\n").unwrap();
    let said = told(&env, &["rollback", "--tree", "libz", "--dry-run"]);
    assert!(
        said.contains("of another machine") && said.contains("--force"),
        "{said}"
    );
    let forced = told(
        &env,
        &["rollback", "--tree", "libz", "--dry-run", "--force"],
    );
    assert!(forced.contains("would go back"), "{forced}");
    std::fs::write(&host, id).unwrap();
    assert_eq!(done(&env), 3);
}
