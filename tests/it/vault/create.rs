//! Taking, listing and finding snapshots.
use snapbox::{assert_data_eq, str};

use super::{backup, settle};
use crate::env::Env;

#[test]
fn snapshots_are_listed_and_found_by_what_people_know_of_them() {
    let env = Env::new();
    env.write("src/file", "one");
    env.write("other/file", "two");
    backup(&env);
    env.json(&[
        "backup",
        "create",
        "other",
        "--vault",
        "v",
        "--set",
        "names and/odd",
    ]);
    let listed = env.json(&["backup", "list", "--vault", "v"]);
    let sets: Vec<_> = listed["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["set"].clone())
        .collect();
    assert_eq!(sets.len(), 2);
    assert!(sets.contains(&"names-and-odd".into()));
    let find =
        |spec: &str| env.json(&["backup", "show", spec, "--vault", "v"])["snapshot"]["set"].clone();
    assert_eq!(find("latest:src"), "src");
    assert_eq!(find("src/20260102T030405Z"), "src");
    let commit = listed["snapshots"][0]["commit"].as_str().unwrap();
    assert_eq!(find(&commit[..12]), sets[0]);
}

#[test]
fn what_cannot_be_found_is_explained() {
    let env = Env::new();
    env.write("src/file", "one");
    assert_data_eq!(
        env.run(&["backup", "list", "--vault", "v"]),
        str![[r#"
--- stderr
error: there is no vault at [ROOT]/v
hint: make one: `buildkeep vault init [ROOT]/v`; the first backup makes the default one
--- exit 2

"#]]
    );
    backup(&env);
    backup(&env);
    assert_data_eq!(
        env.run(&["backup", "show", "nonsense", "--vault", "v"]),
        str![[r#"
--- stderr
error: no snapshot `nonsense` in the vault [ROOT]/v
hint: list them: `buildkeep backup list`
--- exit 2

"#]]
    );
    assert_data_eq!(
        env.run(&["backup", "show", "20260102T03", "--vault", "v"]),
        str![[r#"
--- stderr
error: `20260102T03` fits 2 snapshots: 20260102T030405Z, 20260102T030405Z-2
hint: give more of its name
--- exit 2

"#]]
    );
    assert!(
        env.run(&["backup", "show", "latest:srcc", "--vault", "v"])
            .contains("did you mean `latest:src`?")
    );
    let two = env.run(&["backup", "restore", "20260102", "--to", "x", "--vault", "v"]);
    assert!(two.contains("--- exit 2"), "{two}");
}

#[test]
fn a_source_that_is_no_folder_is_refused() {
    let env = Env::new();
    env.write("file", "one");
    assert_data_eq!(
        env.run(&["backup", "create", "file", "nowhere", "--vault", "v"]),
        str![[r#"
--- stderr
error: [ROOT]/file is not a folder
hint: a snapshot is taken of a folder; name the one around the file
--- exit 2

"#]]
    );
    assert!(!env.path("v").exists(), "nothing was made");
}

#[test]
fn sockets_excludes_and_the_vault_itself_are_left_out() {
    let env = Env::new();
    env.write("src/keep.c", "one");
    env.write("src/drop.o", "two");
    env.write("src/cache/x", "three");
    env.write("src/.buildkeep/private", "four");
    let socket = std::os::unix::net::UnixListener::bind(env.path("src/socket")).unwrap();
    let taken = env.json(&[
        "backup",
        "create",
        "src",
        "--vault",
        "src/vault.git",
        "--exclude",
        "*.o",
        "--exclude",
        "cache/",
    ]);
    drop(socket);
    assert_eq!((&taken["files"], &taken["dirs"]), (&1.into(), &1.into()));
    assert_eq!(taken["problems"][0]["trouble"], "socket");
    env.stdout(&[
        "backup",
        "restore",
        "latest",
        "--to",
        "new",
        "--vault",
        "src/vault.git",
    ]);
    let names: Vec<_> = std::fs::read_dir(env.path("new"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["keep.c"]);
}

#[test]
fn two_backups_at_once_wait_for_one_another() {
    let env = Env::new();
    for number in 0..50 {
        env.write(&format!("src/{number}/file"), &"text".repeat(number * 100));
    }
    let start = || {
        env.buildkeep(&["backup", "create", "src", "--vault", "v"])
            .spawn()
            .unwrap()
    };
    let mut children = [start(), start(), start()];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let listed = env.json(&["backup", "list", "--vault", "v"]);
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 3);
    env.git(&["-C", "v", "fsck", "--strict"]);
}

#[test]
fn a_vault_in_the_keep_is_made_by_the_first_backup_and_listed() {
    let env = Env::new();
    env.write("built/file", "one");
    env.script("scripts/one.sh", "#!/bin/sh\n");
    env.stdout(&[
        "init",
        "keep",
        "--template",
        "generic",
        "--scripts",
        "scripts",
        "--root",
        env.path("built").to_str().unwrap(),
        "--yes",
    ]);
    let before = env.run_in("keep", &["vault", "list"]);
    assert!(before.starts_with("no vault yet"), "{before}");
    let taken = env.run_in("keep", &["backup", "create"]);
    assert!(taken.contains("1 file in 1 folder"), "{taken}");
    settle();
    assert!(env.path("keep/.buildkeep/vault.git/HEAD").exists());
    let made = env.run_in("keep", &["vault", "init", "../disk"]);
    assert!(made.contains("0 snapshots"), "{made}");
    let listed = env.run_in("keep", &["vault", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let state = env.run_in("keep", &["log", "--kind", "backup"]);
    assert!(state.contains("backup:"), "{state}");
}

#[test]
fn a_vault_is_not_made_over_other_files() {
    let env = Env::new();
    env.write("full/file", "one");
    assert_data_eq!(
        env.run(&["vault", "init", "full"]),
        str![[r#"
--- stderr
error: [ROOT]/full is there already, and is not a vault
hint: name a folder that is empty or does not exist
--- exit 2

"#]]
    );
}

#[test]
fn a_vault_is_not_backed_up_into_itself() {
    let env = Env::new();
    env.write("src/file", "one");
    backup(&env);
    for inside in ["v", "v/objects"] {
        let said = env.run(&["backup", "create", inside, "--vault", "v"]);
        assert!(
            said.contains("lies in the vault itself") && said.contains("exit 2"),
            "{said}"
        );
    }
}

#[test]
fn a_lock_that_a_killed_backup_left_is_not_in_the_way() {
    let env = Env::new();
    env.write("src/file", "one");
    let tag = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    env.write(&format!("v/refs/tags/{tag}-2.lock"), "");
    let next = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    assert_eq!(next, format!("{tag}-2"));
    env.git(&["-C", "v", "fsck", "--strict"]);
}
