//! What is looked at before a build goes on, and which tools it was built with.
use std::process::Command;

use super::env::Env;
use super::run::{json, keep};

/// A compiler that says which one it is, and notes that it was asked.
fn compiler(env: &Env, version: &str) {
    let body = format!(
        "#!/bin/sh\necho asked >> '{}'\necho 'cc {version}'\n",
        env.path("asked").display()
    );
    env.script("bin/cc", &body);
}

fn command(env: &Env, args: &[&str]) -> Command {
    let mut command = env.buildkeep(&["-C", "k"]);
    let path = std::env::var_os("PATH").unwrap();
    let mut folders = vec![env.path("bin")];
    folders.extend(std::env::split_paths(&path));
    command
        .args(args)
        .env("PATH", std::env::join_paths(folders).unwrap());
    command
}

fn run(env: &Env, args: &[&str]) -> String {
    env.shown(&command(env, args).output().unwrap())
}

fn asked(env: &Env) -> usize {
    std::fs::read_to_string(env.path("asked"))
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn another_compiler_is_told_and_counts_only_if_the_plan_says_so() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho one\n"),
        ("02-two.sh", "#!/bin/sh\nexit 1\n"),
    ]);
    compiler(&env, "1.0");
    run(&env, &["run"]);
    assert_eq!(asked(&env), 1, "asked once, then known by its file");
    run(&env, &["status"]);
    assert_eq!(asked(&env), 1);

    compiler(&env, "2.0");
    let status = run(&env, &["status"]);
    assert!(!status.contains("stale"), "{status}");
    let why = run(&env, &["why", "one"]);
    assert!(why.contains("  tool cc: cc 1.0 -> cc 2.0\n"), "{why}");
    let again = run(&env, &["run"]);
    assert!(
        again.contains("warning: tool cc: cc 1.0 -> cc 2.0"),
        "{again}"
    );
    assert!(!again.contains("one again"), "{again}");

    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    env.write(
        "k/plan.toml",
        &plan.replace("[env]", "tools = [\"cc\", \"not-there\"]\n[env]"),
    );
    run(&env, &["run"]);
    compiler(&env, "3.0");
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(
        dry.contains("one  tool cc changed from \"cc 2.0\" to \"cc 3.0\""),
        "{dry}"
    );
    assert!(run(&env, &["status"]).contains("tool cc changed"));
}

#[test]
fn what_would_spoil_the_build_is_told_before_it_goes_on() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho $LFS\n"),
        ("02-two.sh", "#!/bin/sh\nexit 1\n"),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n";
    env.write("k/plan.toml", plan);
    let refused = run(&env, &["run"]);
    assert!(
        refused.contains("error: one reads $LFS, and it is not set"),
        "{refused}"
    );
    assert!(
        refused.contains("hint: export LFS=[ROOT]/root"),
        "{refused}"
    );
    assert!(refused.contains("--- exit 2"), "{refused}");
    assert!(run(&env, &["run", "--unchecked"]).contains("1 step done, 1 failed"));

    let line = "umask 077; exec \"$@\"";
    let mut inner = command(&env, &["run"]);
    let mut shell = env.command("sh");
    shell
        .args(["-c", line, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    shell
        .env("LFS", "/mnt/other")
        .env("LD_PRELOAD", "")
        .env("CFLAGS", "-O9");
    let shown = env.shown(&shell.output().unwrap());
    for expected in [
        "warning: umask is 0077: ",
        "warning: CFLAGS is set, and scripts inherit it: unset CFLAGS",
        "warning: LFS is /mnt/other, and the plan builds [ROOT]/root: export LFS=[ROOT]/root",
    ] {
        assert!(shown.contains(expected), "{expected}:\n{shown}");
    }
    assert!(!shown.contains("LD_PRELOAD"), "{shown}");
    inner.env("LFS", env.path("root"));
    let shown = env.shown(&inner.output().unwrap());
    assert!(!shown.contains("warning: LFS"), "{shown}");
}

#[test]
fn room_for_the_next_step_is_looked_at() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\nexit 1\n")]);
    let plan = "schema = 1\nscripts = \"scripts\"\n[[step]]\nid = \"one\"\ndisk = \"900000 TB\"\n";
    env.write("k/plan.toml", plan);
    let shown = run(&env, &["run"]);
    assert!(
        shown.contains("warning: one needs 900 PB in [ROOT]/k, and "),
        "{shown}"
    );
    assert_eq!(json(&env, &["status"])[0]["disk"]["step"], "one");
}

/// What happens to a build on a disk of its own: it comes off, with all that was mounted in it.
const DISK: &str = r#"
bk() { echo "--- $*"; "$BK" -C k "$@" 2>&1 </dev/null || echo "exit $?"; }
truncate -s 8M disk.img && mkfs.ext4 -q disk.img && mkdir mnt || exit
mount -o loop,noatime disk.img mnt || exit
mkdir -p mnt/root/proc; mount -t proc proc mnt/root/proc
bk run one
umount mnt/root/proc mnt; mkdir -p mnt/root
bk resume
bk run
bk run --fix
bk run --dry-run --fix
ls mnt
bk run --fix --yes
echo "--- mounted"; mount | grep -o "mnt type ext4 (rw,noatime\|root/proc type proc"
umount mnt/root/proc
bk run --force two
umount mnt
"#;

#[test]
fn a_disk_and_what_was_mounted_in_it_come_back_by_fix() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\ntouch \"$LFS/one\"\n"),
        ("02-two.sh", "#!/bin/sh\ntouch \"$LFS/two\"\n"),
    ]);
    let plan =
        "schema = 1\nscripts = \"scripts\"\nroot = \"../mnt/root\"\n[env]\nLFS = \"${root}\"\n";
    env.write("k/plan.toml", plan);
    let mut shell = env.command("unshare");
    shell.args(["-m", "sh", "-c", DISK]);
    shell.env("BK", env!("CARGO_BIN_EXE_buildkeep"));
    let shown = env.shown(&shell.output().unwrap());
    let cannot = ["unshare failed", "loop device", "must be superuser"];
    if !rustix::process::geteuid().is_root() || cannot.iter().any(|why| shown.contains(why)) {
        eprintln!("skipped: only root may have a disk of its own:\n{shown}");
        return;
    }
    let said = |command: &str| {
        let (_, rest) = shown.split_once(&format!("--- {command}\n")).unwrap();
        rest.split_once("\n---").map_or(rest, |(one, _)| one)
    };
    assert!(!said("resume").contains("was mounted"), "{shown}");
    let gone = "[ROOT]/mnt was mounted when the last step was done, and is not now";
    let mount = "mount -o noatime,loop [ROOT]/disk.img [ROOT]/mnt";
    let refused = said("run");
    assert!(
        refused.contains(&format!("error: {gone}\nhint: {mount}\n")),
        "{shown}"
    );
    assert!(
        refused.contains("`buildkeep run --fix`") && refused.ends_with("exit 2"),
        "{shown}"
    );
    let asked = said("run --fix");
    assert!(
        asked.contains("nobody is there to ask") && asked.ends_with("exit 2"),
        "{shown}"
    );
    let planned = said("run --dry-run --fix");
    assert!(
        planned.contains(&format!("to mend {gone}\n    run      {mount}\n")),
        "{shown}"
    );
    assert!(
        planned.ends_with("1 to run, 1 done\nroot"),
        "nothing was done: {shown}"
    );
    let mended = said("run --fix --yes");
    assert_eq!(mended.matches("\nmended").count(), 2, "{shown}");
    assert!(mended.contains("1 step done, 1 done before"), "{shown}");
    let mounted = "mnt type ext4 (rw,noatime\nroot/proc type proc";
    assert_eq!(said("mounted"), mounted, "{shown}");
    let warned = said("run --force two");
    let proc = "and is not now: mount -t proc proc [ROOT]/mnt/root/proc\n";
    assert!(
        warned.contains(proc) && warned.contains("1 step done"),
        "{shown}"
    );
}

#[test]
fn folders_and_variables_are_put_right_for_the_run_alone() {
    let env = keep(&[
        (
            "01-one.sh",
            "#!/bin/sh\necho \"$LFS ${CFLAGS-none} $(umask) $PWD\" > \"$OUT/one\"\n",
        ),
        (
            "02-two.sh",
            "#!/bin/sh\necho \"$LFS ${CFLAGS-none} $(umask)\" > \"$OUT/two\"\n",
        ),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n\
        [[step]]\nid = \"one\"\nworkdir = \"${root}/a b\"\n";
    env.write("k/plan.toml", plan);
    let typed = |args: &[&str]| {
        let inner = command(&env, args);
        let mut shell = env.command("sh");
        shell
            .args(["-c", "umask 077; exec \"$@\"", "sh"])
            .arg(inner.get_program())
            .args(inner.get_args())
            .env("OUT", env.work())
            .env("CFLAGS", "-O9");
        env.shown(&shell.output().unwrap())
    };
    let refused = typed(&["run"]);
    assert!(refused.contains("--- exit 2"), "{refused}");
    let dry = typed(&["run", "--dry-run"]);
    assert!(
        dry.contains("warning: one works in [ROOT]/root/a b, which is not there"),
        "{dry}"
    );
    let shown = typed(&["run", "--detach", "--fix", "--yes"]);
    assert_eq!(shown.matches("\nmended\n").count(), 4, "{shown}");
    assert!(
        shown.contains("    run      mkdir -p '[ROOT]/root/a b'\n"),
        "{shown}"
    );
    super::background::until_over(&env);
    let read = |name: &str| std::fs::read_to_string(env.path(name)).unwrap();
    let root = env.path("root").display().to_string();
    assert_eq!(read("one"), format!("{root} none 0022 {root}/a b\n"));
    assert_eq!(read("two"), format!("{root} none 0022\n"));
}

#[test]
fn a_root_that_went_away_is_not_made_anew_behind_what_was_built_in_it() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\ntouch \"$LFS/one\"\n"),
        ("02-two.sh", "#!/bin/sh\nls \"$LFS\"\n"),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n[env]\nLFS = \"${root}\"\n";
    env.write("k/plan.toml", plan);
    run(&env, &["run", "one"]);
    std::fs::rename(env.path("root"), env.path("elsewhere")).unwrap();
    let refused = run(&env, &["run"]);
    let expected = "error: [ROOT]/root is not there, and 1 step was built in it\n";
    assert!(
        refused.contains(expected) && refused.contains("--- exit 2"),
        "{refused}"
    );
    assert!(!env.path("root").exists());
    std::fs::rename(env.path("elsewhere"), env.path("root")).unwrap();
    assert!(run(&env, &["run"]).contains("1 step done, 1 done before"));
    std::fs::remove_dir_all(env.path("root")).unwrap();
    let again = run(&env, &["run", "--force"]);
    assert!(
        again.contains("2 steps done in"),
        "all of it is built anew: {again}"
    );
}
