//! What a backup takes and leaves out: sets, excludes, file systems, programs beside it.
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value as Json, json};

use super::{backup, differences, hostile, is_root, settle};
use crate::env::Env;

const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n";

fn names(env: &Env, dir: &str) -> Vec<String> {
    let listed = env.command("find").args([dir, "-mindepth", "1"]).output();
    let text = String::from_utf8(listed.unwrap().stdout).unwrap();
    let mut names: Vec<_> = text
        .lines()
        .map(|line| line[dir.len() + 1..].to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn caches_and_large_files_are_left_out_and_a_restore_leaves_them() {
    let env = Env::new();
    env.write("src/keep", "one");
    env.write("src/large", &"x".repeat(2001));
    env.write("src/cache/CACHEDIR.TAG", TAG);
    env.write("src/cache/deep/file", "two");
    env.write("src/none/CACHEDIR.TAG", "no mark");
    env.write("src/none/file", "three");
    let mut args = vec!["backup", "create", "src", "--vault", "v"];
    args.extend(["--exclude-caches", "--exclude-larger-than", "2kB"]);
    let taken = env.json(&args);
    assert_eq!(taken["problems"], json!([]));
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    let all = [
        "cache",
        "cache/CACHEDIR.TAG",
        "keep",
        "none",
        "none/CACHEDIR.TAG",
        "none/file",
    ];
    assert_eq!(names(&env, "new"), all);
    env.write("src/later", "four");
    let back = "backup restore latest --to src --in-place --delete --vault v --json";
    let output = env.buildkeep(&back.split(' ').collect::<Vec<_>>()).output();
    let back: Json = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(back["removed"], json!(["later"]), "{back}");
    assert!(env.path("src/large").exists() && env.path("src/cache/deep/file").exists());
    let said = env.run(&[
        "backup",
        "create",
        "src",
        "--vault",
        "v",
        "--exclude-larger-than",
        "much",
    ]);
    assert!(
        said.contains("`much` is no size") && said.contains("exit 2"),
        "{said}"
    );
}

/// A source with a file and a folder that an ordinary user cannot read.
fn with_secrets(env: &Env) {
    env.write("src/good", "one");
    env.write("src/secret", "two");
    env.write("src/closed/inside", "three");
    let close = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(env.path(path), mode).unwrap();
    };
    close("src/secret");
    close("src/closed");
}

/// Runs us as an ordinary user, with a copy of the program that it may reach.
fn as_ordinary(env: &Env, args: &[&str]) -> std::process::Output {
    if !is_root() {
        return env.buildkeep(args).output().unwrap();
    }
    let binary = env.path("binary");
    if !binary.exists() {
        use std::os::unix::fs::PermissionsExt as _;
        for dir in env.work().ancestors().take(2) {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        std::fs::copy(env!("CARGO_BIN_EXE_buildkeep"), &binary).unwrap();
    }
    let mut command = env.command(binary.to_str().unwrap());
    command.args(args).uid(65534).gid(65534).output().unwrap()
}

#[test]
fn what_cannot_be_read_makes_a_snapshot_partial_and_it_says_so() {
    let env = Env::new();
    with_secrets(&env);
    let taken = as_ordinary(&env, &["backup", "create", "src", "--vault", "v"]);
    let said = env.shown(&taken);
    assert!(
        said.contains("warning: secret could not be read and is missing"),
        "{said}"
    );
    assert!(said.contains("warning: closed could not be read"), "{said}");
    assert!(said.contains("--- exit 1"), "{said}");
    let ours = |args: &[&str]| env.shown(&as_ordinary(&env, args));
    let listed = ours(&["backup", "list", "--vault", "v"]);
    assert!(listed.contains("src, partial: 2 files missing"), "{listed}");
    let shown = ours(&["backup", "show", "latest", "--vault", "v"]);
    assert!(
        shown.contains("missing: closed") && shown.contains("missing: secret"),
        "{shown}"
    );
    let restored = ours(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert!(
        restored.contains("warning: the snapshot is partial"),
        "{restored}"
    );
    let exact = [
        "backup",
        "restore",
        "latest",
        "--to",
        "new",
        "--in-place",
        "--delete",
        "--vault",
        "v",
    ];
    let refused = ours(&exact);
    assert!(
        refused.contains("the snapshot is partial") && refused.contains("exit 2"),
        "{refused}"
    );
    assert!(refused.contains("`--force`"), "{refused}");
    let forced = ours(&[&exact[..], &["--force"]].concat());
    assert!(!forced.contains("exit 2"), "{forced}");
}

#[test]
fn a_build_does_not_go_back_to_a_partial_snapshot_unless_told_to() {
    let env = super::checkpoints::built();
    let vault = "k/.buildkeep/vault.git";
    let all = env.json(&["-C", "k", "checkpoint", "list"]);
    let tag = all["snapshots"][0]["snapshot"].as_str().unwrap().to_owned();
    let commit = env.git(&["-C", vault, "cat-file", "commit", &tag]);
    let commit = format!(
        "{}\nBuildkeep-Partial: 1\nBuildkeep-Missing: etc/x\n",
        commit.trim_end()
    );
    let file = env.write("commit", &commit);
    let file = file.to_str().unwrap();
    let id = env.git(&["-C", vault, "hash-object", "-t", "commit", "-w", file]);
    env.git(&[
        "-C",
        vault,
        "update-ref",
        &format!("refs/tags/{tag}"),
        id.trim(),
    ]);
    let back = ["-C", "k", "rollback", "--tree", "libz", "--yes"];
    let said = env.run(&back);
    assert!(
        said.contains("the snapshot is partial") && said.contains("etc/x"),
        "{said}"
    );
    assert!(
        said.contains("exit 2") && env.path("root/usr/bin/gcc").exists(),
        "{said}"
    );
    env.stdout(&[&back[..], &["--force"]].concat());
    assert!(!env.path("root/usr/bin/gcc").exists());
}

#[test]
fn a_file_that_keeps_changing_is_read_again_and_then_told() {
    let env = Env::new();
    env.write("src/still", "one");
    std::fs::write(env.path("src/log"), vec![b'x'; 8_000_000]).unwrap();
    let script = "while :; do echo more >> src/log; done";
    let mut writer = env.command("sh").args(["-c", script]).spawn().unwrap();
    // The writer may stand still for as long as one backup takes.
    let taken = (0..50)
        .map(|_| backup(&env))
        .find(|taken| taken["problems"] != json!([]));
    writer.kill().unwrap();
    writer.wait().unwrap();
    let taken = taken.expect("it changed during none of 50 backups");
    assert_eq!(taken["problems"][0]["trouble"], "changing", "{taken}");
    assert_eq!(taken["problems"][0]["path"], "log");
    let listed = env.json(&["backup", "list", "--vault", "v"]);
    let partial = listed["snapshots"].as_array().unwrap().last().unwrap();
    assert_eq!(partial["missing"], 1);
    assert_eq!(partial["missing_paths"], json!(["log"]));
    let again = backup(&env);
    assert_eq!(again["problems"], json!([]), "read again once it is still");
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn what_is_mounted_is_entered_when_told_to() {
    let env = Env::new();
    env.write("src/file", "one");
    for dir in ["src/disk", "src/proc", "upper", "overlay"] {
        std::fs::create_dir(env.path(dir)).unwrap();
    }
    env.write("lower/deep/inside", "two");
    env.write("lower/other", "three");
    let namespace: &[&str] = if is_root() { &["-m"] } else { &["-r", "-m"] };
    let script = "mount -t proc proc src/proc || exit 99
        mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=overlay none src/disk || exit 99
        mount --bind src/disk src/disk || exit 99
        ln src/disk/other src/disk/same || exit 99
        \"$0\" backup create src --vault one || exit 1
        \"$0\" backup create src --vault all --cross-file-systems || exit 1
        \"$0\" backup create src --vault all --cross-file-systems --json";
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
    assert!(output.status.success(), "{said}");
    let second: Json = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(second["files"], 4, "{said}");
    let restored = |vault: &str| {
        env.stdout(&[
            "backup", "restore", "latest", "--to", "new", "--vault", vault,
        ]);
        let names = names(&env, "new");
        std::fs::rename(env.path("new"), env.path(vault).join("new")).unwrap();
        names
    };
    assert_eq!(restored("one"), ["disk", "file", "proc"]);
    let all = [
        "disk",
        "disk/deep",
        "disk/deep/inside",
        "disk/other",
        "disk/same",
        "file",
        "proc",
    ];
    assert_eq!(restored("all"), all);
    let inode = |name: &str| {
        env.path("all/new/disk")
            .join(name)
            .metadata()
            .unwrap()
            .ino()
    };
    assert_eq!(
        inode("other"),
        inode("same"),
        "hard links of the other file system"
    );
}

/// A keep `k` with sets in buildkeep.toml.
fn with_sets(sets: &str) -> Env {
    let env = Env::new();
    env.write("etc/conf", "one");
    env.write("etc/junk.o", "two");
    env.write("srv/page", "three");
    env.stdout(&["init", "k", "--template", "generic", "--yes"]);
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    env.write("k/buildkeep.toml", &format!("{settings}\n{sets}"));
    env
}

#[test]
fn sets_of_buildkeep_toml_are_taken_with_what_they_say() {
    let env = with_sets(
        "[backup.system]\npath = \"../etc\"\nexclude = [\"*.o\"]\nvault = \"../disk\"\n\
         [backup.pages]\npath = \"../srv\"\nexclude_larger_than = \"1 GB\"\n",
    );
    let said = env.run(&["-C", "k", "backup", "create"]);
    assert!(!said.contains("exit"), "{said}");
    let sets = |vault: &[&str]| {
        let listed = env.json(&[&["-C", "k", "backup", "list"], vault].concat());
        let all = listed["snapshots"].as_array().unwrap().iter();
        all.map(|s| format!("{} {}", s["set"].as_str().unwrap(), s["files"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(sets(&["--vault", "disk"]), ["system 1"]);
    assert_eq!(sets(&[]), ["pages 1"]);
    env.stdout(&["-C", "k", "backup", "create", "--set", "pages"]);
    assert_eq!(sets(&[]), ["pages 1", "pages 1"]);
    let said = env.run(&["-C", "k", "backup", "create", "--set", "page"]);
    assert!(
        said.contains("did you mean `--set pages`?") && said.contains("exit 2"),
        "{said}"
    );
    env.stdout(&["-C", "k", "backup", "create", "etc", "--set", "other"]);
    assert!(sets(&[]).contains(&"other 2".to_owned()));
    env.write(
        "k/buildkeep.toml",
        "schema = 1\n[backup.x]\npaths = [\"/etc\"]\n",
    );
    let said = env.run(&["-C", "k", "backup", "create"]);
    assert!(
        said.contains("buildkeep.toml:3") && said.contains("exit 2"),
        "{said}"
    );
}

#[test]
fn programs_are_run_before_and_after_and_a_failing_one_before_stops() {
    let hook = |name: &str, exit: u8| {
        format!(
            "{name} = [\"sh\", \"-c\", 'echo \"$0 $BUILDKEEP_SET $BUILDKEEP_OUTCOME $1\" >> log; exit {exit}', \"{name}\", \"$HOME; x\"]\n"
        )
    };
    let set = |before, after| {
        format!(
            "[backup.system]\npath = \"../etc\"\n{}{}",
            hook("before", before),
            hook("after", after)
        )
    };
    let env = with_sets(&set(0, 0));
    let log = || std::fs::read_to_string(env.path("k/log")).unwrap();
    env.stdout(&["-C", "k", "backup", "create"]);
    assert_eq!(
        log(),
        "before system  $HOME; x\nafter system whole $HOME; x\n"
    );
    let taken = |env: &Env| {
        let listed = env.json(&["-C", "k", "backup", "list"]);
        listed["snapshots"].as_array().unwrap().len()
    };
    env.write("k/buildkeep.toml", &format!("schema = 1\n{}", set(3, 0)));
    let said = env.run(&["-C", "k", "backup", "create"]);
    assert!(
        said.contains("`sh` failed, which is run before the backup: exit status: 3"),
        "{said}"
    );
    assert!(said.contains("exit 2"), "{said}");
    assert_eq!((taken(&env), log().lines().count()), (1, 3));
    env.write("k/buildkeep.toml", &format!("schema = 1\n{}", set(0, 1)));
    let said = env.run(&["-C", "k", "backup", "create"]);
    assert!(
        said.contains("run after the backup") && said.contains("exit 2"),
        "{said}"
    );
    assert_eq!(taken(&env), 2, "the snapshot is there all the same");
}

#[test]
fn what_several_hosts_have_is_stored_once() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    let copied = env.command("cp").args(["-a", "src", "copy"]).status();
    assert!(copied.unwrap().success());
    settle();
    let take = |host: &str, dir: &str| {
        let mut command = env.buildkeep(&["backup", "create", dir, "--set", "lfs"]);
        command
            .args(["--vault", "v", "--json"])
            .env("BUILDKEEP_TEST_HOSTNAME", host);
        let output = command.output().unwrap();
        serde_json::from_slice::<Json>(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", env.shown(&output)))
    };
    let first = take("one", "src")["bytes_added"].as_u64().unwrap();
    let second = take("two", "copy")["bytes_added"].as_u64().unwrap();
    assert!(first > 10_000_000 && second < 20_000, "{first}, {second}");
    assert_eq!(
        take("one", "src")["bytes_read"],
        0,
        "each has a cache of its own"
    );
    assert_eq!(take("two", "copy")["bytes_read"], 0);
}
