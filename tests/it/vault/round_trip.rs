//! What goes in comes out, through us and through plain Git.
use super::{backup, differences, hostile, is_root, settle};
use crate::env::Env;

#[test]
fn everything_comes_back_exactly() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    let taken = backup(&env);
    assert_eq!(taken["problems"], serde_json::json!([]));
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
    let used = |dir: &str| {
        use std::os::unix::fs::MetadataExt as _;
        ["hole", "smallhole", "onlyhole"]
            .map(|name| env.path(dir).join(name).metadata().unwrap().blocks())
    };
    assert_eq!(used("src"), used("new"), "holes stay holes");
}

#[test]
fn git_accepts_the_vault_and_shows_its_files() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    let tag = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    env.git(&["-C", "v", "fsck", "--strict", "--full", "--no-dangling"]);
    assert_eq!(
        env.git(&["-C", "v", "show", &format!("{tag}:small")]),
        "hello\n"
    );
    assert_eq!(
        env.git(&["-C", "v", "show", &format!("{tag}:deep/same")]),
        "hello\n"
    );
    assert_eq!(env.git(&["-C", "v", "cat-file", "-t", &tag]), "tag\n");
    let message = env.git(&[
        "-C",
        "v",
        "log",
        "-1",
        "--format=%P%(trailers:key=Buildkeep-Kind)",
        &tag,
    ]);
    assert_eq!(message.trim(), "Buildkeep-Kind: backup");
    env.git(&["init", "-q", "--bare", "remote"]);
    env.git(&["-C", "remote", "config", "receive.fsckObjects", "true"]);
    env.git(&[
        "-C",
        "v",
        "push",
        "-q",
        "../remote",
        "refs/tags/*:refs/tags/*",
    ]);
}

#[test]
fn a_repacked_vault_is_still_read() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    env.git(&[
        "-C",
        "v",
        "repack",
        "-q",
        "-a",
        "-d",
        "-f",
        "--window=10",
        "--depth=10",
    ]);
    let report = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(report["damage"], serde_json::json!([]));
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn a_mirror_of_the_vault_is_a_vault() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    env.git(&["clone", "-q", "--mirror", "v", "copy"]);
    env.stdout(&[
        "backup", "restore", "latest", "--to", "new", "--vault", "copy",
    ]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn an_unchanged_folder_is_not_read_and_adds_nothing() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    settle();
    let first = backup(&env);
    let second = backup(&env);
    assert_eq!(second["bytes_read"], 0, "{second}");
    assert_eq!(second["bytes_added"], 0);
    assert_eq!(second["unchanged"], second["files"]);
    assert_ne!(first["snapshot"], second["snapshot"]);
    let tree = |taken: &serde_json::Value| {
        let tag = taken["snapshot"].as_str().unwrap();
        env.git(&["-C", "v", "rev-parse", &format!("{tag}^{{tree}}")])
    };
    assert_eq!(tree(&first), tree(&second));
}

#[test]
fn only_what_changed_is_read_and_the_rest_comes_from_the_cache() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    settle();
    backup(&env);
    env.write("src/deep/er/new", "1234567");
    env.write("src/small2", "12");
    std::fs::remove_file(env.path("src/over")).unwrap();
    settle();
    let second = backup(&env);
    assert_eq!(second["bytes_read"], 9);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
    std::fs::remove_dir_all(env.path("v/buildkeep/cache")).unwrap();
    let third = backup(&env);
    assert_eq!(third["unchanged"], 0, "the cache is only a cache");
    assert_eq!(third["bytes_added"], 0, "but the content is known");
}

#[test]
fn a_change_within_the_clocks_tick_is_seen() {
    let env = Env::new();
    let path = env.write("src/file", "one");
    let time = path.metadata().unwrap().modified().unwrap();
    for content in ["two", "six", "ten"] {
        backup(&env);
        std::fs::write(&path, content).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        let tag = backup(&env)["snapshot"].as_str().unwrap().to_owned();
        assert_eq!(
            env.git(&["-C", "v", "show", &format!("{tag}:file")]),
            content
        );
    }
}

#[test]
fn a_changed_subfolder_of_an_unchanged_folder_is_found() {
    let env = Env::new();
    env.write("src/a/b/c/file", "one");
    env.write("src/a/other", "same");
    settle();
    backup(&env);
    env.write("src/a/b/c/file", "two!");
    settle();
    assert_eq!(backup(&env)["bytes_read"], 4);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn an_ordinary_user_gets_what_it_may_have_and_is_told_the_rest() {
    use std::os::unix::process::CommandExt as _;
    if !is_root() {
        return;
    }
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    std::fs::create_dir(env.path("theirs")).unwrap();
    std::os::unix::fs::chown(env.path("theirs"), Some(65534), Some(65534)).unwrap();
    let chown = |path: &str| {
        let status = env
            .command("chown")
            .args(["-R", "65534:65534", path])
            .status();
        assert!(status.unwrap().success());
    };
    chown("v");
    // The folders above are the test's own.
    for dir in env.work().ancestors().take(2) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // A copy, as others may not reach the one in the target folder.
    std::fs::copy(env!("CARGO_BIN_EXE_buildkeep"), env.path("binary")).unwrap();
    let mut command = env.command(env.path("binary").to_str().unwrap());
    command.args(["backup", "restore", "latest", "--to", "theirs/new"]);
    command.args(["--vault", "v", "--json"]);
    let output = command.uid(65534).gid(65534).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", env.shown(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let troubles: std::collections::BTreeSet<_> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["trouble"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        troubles.contains("owner") && troubles.contains("set_id"),
        "{troubles:?}"
    );
    let mode =
        std::os::unix::fs::MetadataExt::mode(&env.path("theirs/new/edge").metadata().unwrap());
    assert_eq!(mode & 0o6000, 0, "no setuid for another owner");
    assert_eq!(
        std::fs::read(env.path("theirs/new/small")).unwrap(),
        b"hello\n"
    );
}

/// The script of the guide, with nothing of ours.
#[test]
fn a_snapshot_comes_back_without_buildkeep() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    let tag = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    let guide = include_str!("../../../docs/guide/restore-without-buildkeep.md");
    let (_, script) = guide.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("\n```\n").unwrap();
    env.write("restore.sh", script);
    let output = env
        .command("sh")
        .args(["restore.sh", "v", &tag, "new"])
        .output()
        .unwrap();
    let said = env.shown(&output);
    assert!(output.status.success(), "{said}");
    if env.command("setfattr").arg("--version").output().is_ok() {
        assert_eq!(
            (differences(&env, "src", "new"), said),
            (String::new(), String::new())
        );
    } else {
        let mut rsync = env.command("rsync");
        let args = [
            "-aHn",
            "--delete",
            "--checksum",
            "--itemize-changes",
            "src/",
            "new/",
        ];
        assert_eq!(env.shown(&rsync.args(args).output().unwrap()), "");
    }
    let left = std::fs::read_dir(env.work()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_str().unwrap().contains("links")),
        "{left:?}"
    );
}
