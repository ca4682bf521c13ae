//! Tar archives, with GNU tar and bsdtar on the other side.
use std::process::Stdio;

use super::{differences, export, tree_of, with_snapshot};
use crate::env::Env;

#[test]
fn every_form_comes_back_as_the_very_same_snapshot() {
    let env = Env::new();
    with_snapshot(&env);
    for form in ["tar", "tar.gz", "tar.zst"] {
        let file = format!("out.{form}");
        export(&env, &["-o", &file]);
        let vault = format!("v-{form}");
        let first = env.json(&["backup", "import", &file, "--vault", &vault]);
        assert_eq!(first["snapshots"][0]["was_there"], false, "{first}");
        assert_eq!(tree_of(&env, "v"), tree_of(&env, &vault));
        assert_eq!(
            env.git(&["-C", "v", "tag"]),
            env.git(&["-C", &vault, "tag"])
        );
        let again = env.json(&["backup", "import", &file, "--vault", &vault]);
        assert_eq!(again["snapshots"][0]["was_there"], true, "{again}");
    }
    env.git(&["-C", "v-tar", "fsck", "--strict", "--full", "--no-dangling"]);
}

#[test]
fn gnu_tar_extracts_the_same_tree() {
    let env = Env::new();
    with_snapshot(&env);
    export(&env, &["-o", "out.tar"]);
    std::fs::create_dir(env.path("new")).unwrap();
    let args = [
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "-C",
        "new",
        "-xpf",
        "out.tar",
    ];
    let output = env.command("tar").args(args).output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    assert_eq!(differences(&env, "src", "new"), "");
    let used = |dir: &str| {
        use std::os::unix::fs::MetadataExt as _;
        ["hole", "smallhole", "onlyhole"]
            .map(|name| env.path(dir).join(name).metadata().unwrap().blocks())
    };
    assert_eq!(used("src"), used("new"), "holes stay holes");
}

/// bsdtar 3.6 takes times before 1970 with a fraction for others, and gives the top no time.
#[test]
fn bsdtar_extracts_the_same_tree() {
    let env = Env::new();
    if env.command("bsdtar").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no bsdtar");
        return;
    }
    with_snapshot(&env);
    export(&env, &["-o", "out.tar.zst"]);
    std::fs::create_dir(env.path("new")).unwrap();
    let output = env
        .command("bsdtar")
        .args(["-C", "new", "-xpf", "out.tar.zst"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    let differ = differences(&env, "src", "new");
    let others = differ
        .lines()
        .filter(|line| !line.ends_with(" ./") && !line.ends_with(" nothing"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn what_other_tars_write_comes_in() {
    let env = Env::new();
    with_snapshot(&env);
    let gnu = [
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "--format=pax",
        "-S",
    ];
    let mut pax = env.command("tar");
    pax.args(gnu).args(["-C", "src", "-cf", "pax.tar", "."]);
    let mut old = env.command("tar");
    old.args(["--format=gnu", "-S", "-C", "src", "-czf", "old.tgz", "."]);
    for (mut command, file) in [(pax, "pax.tar"), (old, "old.tgz")] {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", env.shown(&output));
        let vault = format!("v-{file}");
        env.stdout(&["backup", "import", file, "--vault", &vault]);
        let to = format!("new-{file}");
        env.stdout(&[
            "backup", "restore", "latest", "--to", &to, "--vault", &vault,
        ]);
        let differ = differences(&env, "src", &to);
        // GNU tar does not see that pipes are linked; its old form knows neither attributes nor
        // parts of seconds.
        let is_new = file == "pax.tar";
        let others = differ.lines().filter(|line| {
            let flags = line.split(' ').next().unwrap_or_default();
            !line.ends_with("=> fifo") && is_new
                || flags.contains(['+', 's', 'c', '*']) && !flags.starts_with('.')
        });
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{file}");
    }
}

#[test]
fn parts_go_to_standard_output() {
    let env = Env::new();
    with_snapshot(&env);
    let mut command = env.buildkeep(&["backup", "export", "latest", "deep/er", "small"]);
    let output = command
        .args(["--vault", "v", "--format", "tar", "-o", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    std::fs::write(env.path("part.tar"), &output.stdout).unwrap();
    let listed = env
        .command("tar")
        .args(["-tf", "part.tar"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let expected = "./\ndeep/\ndeep/er/\ndeep/er/same\ndeep/er/still/\ndeep/er/still/here\nsmall\n";
    assert_eq!(listed, expected);
}

#[test]
fn a_folder_is_written_and_comes_back() {
    let env = Env::new();
    with_snapshot(&env);
    export(&env, &["--format", "dir", "-o", "copy"]);
    assert_eq!(differences(&env, "src", "copy"), "");
    let again = env.run(&[
        "backup", "export", "latest", "--vault", "v", "-f", "dir", "-o", "copy",
    ]);
    assert!(again.contains("is there already"), "{again}");
    env.stdout(&["backup", "import", "copy", "--set", "src", "--vault", "w"]);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "w"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn a_killed_import_leaves_nothing_and_the_next_one_does_it() {
    let env = Env::new();
    with_snapshot(&env);
    export(&env, &["-o", "out.tar"]);
    for _ in 0..4 {
        let mut child = env
            .buildkeep(&["backup", "import", "out.tar", "--vault", "w"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Killed as soon as it writes, or at its end.
        let packs = env.path("w/objects/pack");
        while child.try_wait().unwrap().is_none()
            && std::fs::read_dir(&packs).map_or(0, Iterator::count) == 0
        {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if env.path("w/HEAD").exists() {
            env.git(&["-C", "w", "fsck", "--strict", "--no-dangling"]);
        }
    }
    env.stdout(&["backup", "import", "out.tar", "--vault", "w"]);
    assert_eq!(tree_of(&env, "v"), tree_of(&env, "w"));
    let report = env.json(&["backup", "verify", "--vault", "w"]);
    assert_eq!(report["damage"], serde_json::json!([]));
}
