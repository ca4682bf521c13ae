//! Restoring: parts, in place, and never where it would hurt.
use snapbox::{assert_data_eq, str};

use super::{backup, differences, hostile, is_root, settle};
use crate::env::Env;

#[test]
fn parts_are_restored_with_the_folders_above_them() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    env.stdout(&[
        "backup",
        "restore",
        "latest",
        "deep/er/still",
        "small",
        "--to",
        "new",
        "--vault",
        "v",
    ]);
    assert_eq!(std::fs::read(env.path("new/small")).unwrap(), b"hello\n");
    assert!(env.path("new/deep/er/still/here").exists());
    assert!(!env.path("new/deep/same").exists() && !env.path("new/large").exists());
    let missing = env.run(&[
        "backup", "restore", "latest", "deep/no", "--to", "new2", "--vault", "v",
    ]);
    assert!(
        missing.contains("has no `deep/no`") && missing.contains("exit 2"),
        "{missing}"
    );
    assert!(!env.path("new2").exists());
}

#[test]
fn in_place_only_what_differs_is_touched() {
    use std::os::unix::fs::MetadataExt as _;
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    let path = |name: &str| env.path("src").join(name);
    let inode = path("text").metadata().unwrap().ino();
    std::fs::remove_file(path("deep/er/same")).unwrap();
    std::fs::write(path("large"), b"other").unwrap();
    std::fs::remove_file(path("link")).unwrap();
    std::fs::write(path("link"), b"a file").unwrap();
    std::fs::remove_dir_all(path("empty")).unwrap();
    std::fs::write(path("empty"), b"a file").unwrap();
    env.write("src/deep/extra", "stays");
    let args = ["backup", "restore", "latest", "--to", "src", "--vault", "v"];
    let refused = env.run(&args);
    assert!(
        refused.contains("[ROOT]/src is not empty") && refused.contains("exit 2"),
        "{refused}"
    );
    let planned = env.json(&[&args[..], &["--in-place", "--dry-run"]].concat());
    assert_eq!(
        std::fs::read(path("large")).unwrap(),
        b"other",
        "a dry run changes nothing"
    );
    let done = env.json(&[&args[..], &["--in-place"]].concat());
    assert_eq!(planned["files"], done["files"]);
    assert_eq!(done["problems"], serde_json::json!([]));
    assert_eq!(
        path("text").metadata().unwrap().ino(),
        inode,
        "unchanged files stay the same files"
    );
    assert_eq!(std::fs::read(path("deep/extra")).unwrap(), b"stays");
    std::fs::remove_file(path("deep/extra")).unwrap();
    env.stdout(&[&args[..], &["--in-place"]].concat());
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "new", "src"), "");
    let again = env.json(&[&args[..], &["--in-place"]].concat());
    assert_eq!(
        (&again["files"], &again["changed"]),
        (&0.into(), &0.into()),
        "{again}"
    );
}

#[test]
fn dangerous_targets_are_refused() {
    let env = Env::new();
    env.write("src/file", "one");
    backup(&env);
    for target in ["/", "/../.", "//"] {
        for place in [&[][..], &["--in-place"]] {
            let args = [
                "backup", "restore", "latest", "--to", target, "--vault", "v",
            ];
            let said = env.run(&[&args[..], place].concat());
            assert!(
                said.contains("will not restore into") && said.contains("exit 2"),
                "{target}: {said}"
            );
        }
    }
    assert_data_eq!(
        env.run(&[
            "backup", "restore", "latest", "--to", "src/file", "--vault", "v"
        ]),
        str![[r#"
--- stderr
error: will not restore into [ROOT]/src/file: it is not a folder
hint: name a folder to restore into: `--to DIR`
--- exit 2

"#]]
    );
}

#[test]
fn a_link_planted_in_the_target_leads_nowhere() {
    let env = Env::new();
    env.write("src/etc/passwd", "ours");
    env.write("outside/passwd", "theirs");
    backup(&env);
    std::fs::create_dir(env.path("target")).unwrap();
    std::os::unix::fs::symlink(env.path("outside"), env.path("target/etc")).unwrap();
    env.stdout(&[
        "backup",
        "restore",
        "latest",
        "--to",
        "target",
        "--in-place",
        "--vault",
        "v",
    ]);
    assert_eq!(
        std::fs::read(env.path("outside/passwd")).unwrap(),
        b"theirs"
    );
    assert_eq!(differences(&env, "src", "target"), "");
}

#[test]
fn a_folder_in_the_way_is_not_deleted() {
    let env = Env::new();
    env.write("src/name", "a file");
    backup(&env);
    env.write("target/name/precious", "here");
    let said = env.run(&[
        "backup",
        "restore",
        "latest",
        "--to",
        "target",
        "--in-place",
        "--vault",
        "v",
    ]);
    assert!(
        said.contains("a folder is in the way") && said.contains("exit 1"),
        "{said}"
    );
    assert!(env.path("target/name/precious").exists());
}

#[test]
fn hard_links_are_restored_in_place() {
    use std::os::unix::fs::MetadataExt as _;
    let env = Env::new();
    env.write("src/a/one", "content");
    env.write("src/b/x", "other");
    std::fs::hard_link(env.path("src/a/one"), env.path("src/b/two")).unwrap();
    settle();
    backup(&env);
    std::fs::remove_file(env.path("src/b/two")).unwrap();
    std::fs::copy(env.path("src/a/one"), env.path("src/b/two")).unwrap();
    env.stdout(&[
        "backup",
        "restore",
        "latest",
        "--to",
        "src",
        "--in-place",
        "--vault",
        "v",
    ]);
    let inode = |name: &str| env.path(name).metadata().unwrap().ino();
    assert_eq!(inode("src/a/one"), inode("src/b/two"));
}

const IN_PLACE: [&str; 7] = [
    "restore",
    "latest",
    "--to",
    "src",
    "--in-place",
    "--vault",
    "v",
];

fn in_place(env: &Env, more: &[&str]) -> serde_json::Value {
    env.json(&[&["backup"], &IN_PLACE[..], more].concat())
}

#[test]
fn what_is_replaced_is_kept_first_and_can_be_put_back() {
    let env = Env::new();
    env.write("src/etc/one", "old");
    env.write("src/etc/two", "same");
    settle();
    backup(&env);
    env.write("src/etc/one", "changed");
    env.write("src/not/asked/for", "secret");
    let said = env.run(&[&["backup"], &IN_PLACE[..]].concat());
    assert_data_eq!(
        &said,
        str![[r#"
restored 20260102T030405Z to [ROOT]/src
  1 file written, 3 B; 1 given other attributes; 2 as they were
  1 replaced:
    etc/one
--- stderr
hint: put back what was replaced: `buildkeep backup restore 20260102T030405Z-2 --in-place --to src --vault v`

"#]]
    );
    let read = || std::fs::read_to_string(env.path("src/etc/one")).unwrap();
    assert_eq!(read(), "old");
    let listed = env.json(&["backup", "list", "--vault", "v"]);
    let kept = &listed["snapshots"][1];
    assert_eq!(kept["reason"], "before restore");
    assert_eq!((&kept["set"], &kept["files"]), (&"src".into(), &1.into()));
    let latest = env.json(&["backup", "show", "latest", "--vault", "v"]);
    assert_eq!(latest["snapshot"]["reason"], serde_json::Value::Null);
    let undo = "backup restore 20260102T030405Z-2 --in-place --to src --vault v";
    env.stdout(&undo.split(' ').collect::<Vec<_>>());
    assert_eq!(read(), "changed");
}

#[test]
fn nothing_is_kept_if_nothing_is_replaced_or_nobody_wants_it() {
    let env = Env::new();
    env.write("src/one", "old");
    env.write("src/two", "old");
    settle();
    backup(&env);
    std::fs::remove_file(env.path("src/two")).unwrap();
    assert_eq!(in_place(&env, &[])["safety"], serde_json::Value::Null);
    env.write("src/one", "changed");
    assert_eq!(
        in_place(&env, &["--dry-run"])["safety"],
        serde_json::Value::Null
    );
    assert_eq!(
        in_place(&env, &["--no-safety"])["safety"],
        serde_json::Value::Null
    );
    let listed = env.json(&["backup", "list", "--vault", "v"]);
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_killed_restore_left_is_swept_by_the_next() {
    let env = Env::new();
    env.write("src/sub/one", "old");
    settle();
    backup(&env);
    env.write("src/sub/one", "changed");
    // No process has this number: it is above the largest.
    let left = env.write("src/sub/.buildkeep-tmp-4999999-0", "half");
    let mine = env.write("src/sub/.buildkeep-tmp-mine", "a name like it");
    in_place(&env, &[]);
    assert!(!left.exists() && mine.exists());
}

#[test]
fn folders_too_deep_to_be_named_are_told_and_nothing_overflows() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let env = Env::new();
    std::fs::create_dir(env.path("src")).unwrap();
    let how = OFlags::DIRECTORY | OFlags::RDONLY;
    let mut dir = openat(CWD, env.path("src"), how, Mode::empty()).unwrap();
    for _ in 0..2100 {
        mkdirat(&dir, "d", Mode::RWXU).unwrap();
        dir = openat(&dir, "d", how, Mode::empty()).unwrap();
    }
    backup(&env);
    let limited = "ulimit -n 4000; exec \"$0\" backup restore latest --to new --vault v";
    let output = env
        .command("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_buildkeep")])
        .output()
        .unwrap();
    let said = env.shown(&output);
    // The standard library runs out of descriptors where `rm` does not.
    let emptied = env.command("rm").args(["-rf", "src", "new"]).status();
    assert!(emptied.unwrap().success());
    assert!(
        said.contains("1 could not be made") && said.contains("2048 folders"),
        "{said}"
    );
}

#[test]
fn what_is_mounted_on_an_empty_folder_is_in_nobodys_way() {
    let env = Env::new();
    env.write("src/file", "one");
    std::fs::create_dir(env.path("src/proc")).unwrap();
    backup(&env);
    // In a mount namespace of its own, where the machine lets us have one.
    let namespace: &[&str] = if is_root() { &["-m"] } else { &["-r", "-m"] };
    let script = "mount -t proc proc src/proc || exit 99
        exec \"$0\" backup restore latest --to src --in-place --vault v";
    let output = env
        .command("unshare")
        .args(namespace)
        .args(["sh", "-c", script, env!("CARGO_BIN_EXE_buildkeep")])
        .output();
    let Ok(output) = output else { return };
    let said = env.shown(&output);
    if said.contains("exit 99") || said.contains("unshare failed") {
        return;
    }
    assert!(
        said.contains("nothing differs") && !said.contains("exit"),
        "{said}"
    );
}

/// Runs a script in a mount namespace of its own; nothing where the machine gives us none.
fn in_namespace(env: &Env, script: &str) -> Option<String> {
    let namespace: &[&str] = if is_root() { &["-m"] } else { &["-r", "-m"] };
    let output = env
        .command("unshare")
        .args(namespace)
        .args(["sh", "-c", script, env!("CARGO_BIN_EXE_buildkeep")])
        .output()
        .ok()?;
    let said = env.shown(&output);
    (!said.contains("exit 99") && !said.contains("unshare failed")).then_some(said)
}

/// A part of the same file system, mounted in the target, is somebody's home.
#[test]
fn what_is_mounted_over_content_is_refused_unless_forced() {
    let env = Env::new();
    env.write("src/file", "one\n");
    env.write("src/dev/console", "node\n");
    backup(&env);
    env.write("home/mine", "precious\n");
    env.write("src/file", "changed\n");
    let script = "mount --bind home src/dev || exit 99
        \"$0\" backup restore latest --to src --in-place --delete --vault v; echo \"code $?\"; cat src/file
        \"$0\" backup restore latest --to src --in-place --delete --dry-run --vault v; echo \"code $?\"
        \"$0\" backup restore latest --to src --in-place --delete --force --vault v; echo \"code $?\"";
    let Some(said) = in_namespace(&env, script) else {
        return;
    };
    assert!(
        said.contains("umount") && said.contains("code 2\nchanged"),
        "{said}"
    );
    assert!(said.contains("would restore"), "{said}");
    assert_eq!(
        std::fs::read_to_string(env.path("src/file")).unwrap(),
        "one\n"
    );
    assert_eq!(
        std::fs::read_to_string(env.path("home/mine")).unwrap(),
        "precious\n",
        "{said}"
    );
}
