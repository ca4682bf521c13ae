//! Restoring exactly: what the snapshot does not have goes, and nothing else.
use std::os::unix::net::UnixListener;

use super::{backup, differences, hostile};
use crate::env::Env;

const EXACTLY: [&str; 9] = [
    "backup",
    "restore",
    "latest",
    "--to",
    "src",
    "--in-place",
    "--delete",
    "--vault",
    "v",
];

#[test]
fn what_the_snapshot_does_not_have_is_removed_and_can_be_put_back() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    env.stdout(&["backup", "restore", "latest", "--to", "was", "--vault", "v"]);
    env.write("src/extra/deep/er/file", "late");
    env.write("src/deep/extra", "late");
    std::os::unix::fs::symlink("/etc", env.path("src/out")).unwrap();
    // A folder where a file belongs, and a file where a folder belongs.
    std::fs::remove_file(env.path("src/text")).unwrap();
    env.write("src/text/inside/file", "in the way");
    std::fs::remove_dir_all(env.path("src/empty")).unwrap();
    env.write("src/empty", "in the way");
    env.command("cp")
        .args(["-a", "src", "changed"])
        .status()
        .unwrap();
    let planned = env.json(&[&EXACTLY[..], &["--dry-run"]].concat());
    let removed = serde_json::json!(["deep/extra", "extra/", "out", "text/"]);
    assert_eq!(planned["removed"], removed);
    assert_eq!(
        differences(&env, "changed", "src"),
        "",
        "a dry run changes nothing"
    );
    let done = env.json(&EXACTLY);
    assert_eq!(done["problems"], serde_json::json!([]));
    assert_eq!(differences(&env, "was", "src"), "");
    assert!(std::path::Path::new("/etc/passwd").exists());
    let again = env.json(&EXACTLY);
    assert_eq!(
        (&again["files"], &again["removed"]),
        (&0.into(), &serde_json::json!([]))
    );
    let safety = done["safety"].as_str().unwrap();
    for gone in [
        "extra/deep/er/file",
        "deep/extra",
        "out",
        "text/inside/file",
        "empty",
    ] {
        let kept = env.run(&["backup", "show", safety, gone, "--vault", "v"]);
        assert!(!kept.contains("error"), "{gone}: {kept}");
    }
}

#[test]
fn what_was_left_out_on_purpose_stays() {
    let env = Env::new();
    env.write("src/file", "one");
    env.write("src/cache/object", "costly");
    env.write("src/.buildkeep/private", "ours");
    env.write("src/sub/keep.o", "built");
    env.stdout(&[
        "backup",
        "create",
        "src",
        "--exclude",
        "/cache",
        "--exclude",
        "*.o",
        "--vault",
        "src/v.git",
    ]);
    let socket = UnixListener::bind(env.path("src/socket")).unwrap();
    env.write("src/extra/late", "goes");
    env.write("src/extra/late.o", "stays, and its folder with it");
    let restored = env.json(&[
        "backup",
        "restore",
        "latest",
        "--to",
        "src",
        "--in-place",
        "--delete",
        "--vault",
        "src/v.git",
        "--no-safety",
    ]);
    assert_eq!(
        restored["removed"],
        serde_json::json!(["extra/"]),
        "{restored}"
    );
    drop(socket);
    for stays in [
        "cache/object",
        ".buildkeep/private",
        "sub/keep.o",
        "v.git/HEAD",
        "socket",
        "extra/late.o",
    ] {
        assert!(env.path("src").join(stays).exists(), "{stays}");
    }
    assert!(!env.path("src/extra/late").exists());
}

#[test]
fn only_below_the_paths_that_were_named() {
    let env = Env::new();
    env.write("src/a/file", "a");
    env.write("src/b/file", "b");
    backup(&env);
    env.write("src/a/late", "goes");
    env.write("src/b/late", "stays");
    env.write("src/late", "stays");
    let args = [
        "backup",
        "restore",
        "latest",
        "a",
        "--to",
        "src",
        "--in-place",
        "--delete",
        "--vault",
        "v",
    ];
    env.stdout(&args);
    assert!(!env.path("src/a/late").exists());
    assert!(env.path("src/b/late").exists() && env.path("src/late").exists());
    let said = env.run(&[
        "backup", "restore", "latest", "--to", "src", "--delete", "--vault", "v",
    ]);
    assert!(
        said.contains("--in-place") && said.contains("exit 2"),
        "{said}"
    );
}
