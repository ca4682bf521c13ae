//! What the keep knows: each check of the set `keep` fails and passes for real.
use std::path::PathBuf;

use super::lines;
use crate::env::Env;
use crate::run::{in_role, keep, patient, run, start};
use crate::site::{kill, until};

/// The result of one check of the set.
fn result(env: &Env, id: &str) -> String {
    lines(&env.json(&["-C", "k", "check", "keep", "--only", id])).concat()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_keep_in_order_has_nothing_to_tell() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    let report = env.json(&["-C", "k", "check", "keep", "--skip", "old-cgroups"]);
    let seen = lines(&report);
    let expected = [
        "other-run ok nothing runs",
        "interrupted-run ok every run came to its end",
        "old-mounts ok nothing mounted that no step needs",
        "secrets ok none found",
        "room skipped it is not known what the steps that are left need",
    ];
    assert_eq!(seen, expected);
    let report = env.json(&["-C", "k", "check"]);
    assert_eq!(
        report["sets"][1], "keep",
        "it is looked at besides others: {report}"
    );
    let outside = env.json(&["check", "keep"]);
    assert_eq!(
        outside["summary"]["skipped"], 6,
        "without a keep there is nothing to know"
    );
}

#[test]
fn a_run_that_goes_on_and_one_that_was_cut_off_are_told() {
    let env = patient();
    let mut foreground = start(&env);
    let told = result(&env, "other-run");
    assert!(
        told.starts_with("other-run note `buildkeep -C k run`, since "),
        "{told}"
    );
    for pid in in_role(&env, &["standby"]) {
        kill(pid);
    }
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    until("the run is without a monitor", || {
        result(&env, "other-run") == "other-run ok nothing runs"
    });
    let told = result(&env, "interrupted-run");
    assert!(told.starts_with("interrupted-run warn run 01"), "{told}");
}

#[test]
fn mounts_that_no_step_needs_are_told() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n";
    env.write("k/plan.toml", plan);
    std::fs::create_dir_all(env.path("root/dev/pts")).unwrap();
    let look = |prepare: &str| {
        let script = format!(
            "{prepare}; exec {} -C k check keep --only old-mounts --json",
            env!("CARGO_BIN_EXE_buildkeep")
        );
        let mut command = env.command("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "bash",
            "-ec",
            &script,
        ]);
        let output = command.output().unwrap();
        lines(&serde_json::from_slice(&output.stdout).unwrap()).concat()
    };
    let mounts =
        "mount -t tmpfs none root/dev; mkdir root/dev/pts; mount -t tmpfs none root/dev/pts";
    let (inner, outer) = (env.path("root/dev/pts"), env.path("root/dev"));
    let expected = format!("old-mounts warn {}, {}", inner.display(), outer.display());
    assert_eq!(look(mounts), expected);
    assert_eq!(
        look("true"),
        "old-mounts ok nothing mounted that no step needs"
    );
    env.write(
        "k/plan.toml",
        &format!("{plan}chroot = true\nmounts = \"none\"\n"),
    );
    assert_eq!(
        look(mounts),
        "old-mounts ok nothing mounted that no step needs"
    );
}

/// A cgroup of an attempt that was over long ago, where this machine lets us make one.
fn left_cgroup() -> Option<PathBuf> {
    let mine = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = mine.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let place = mounts
        .lines()
        .find(|line| line.split(' ').nth(2) == Some("cgroup2"))
        .and_then(|line| line.split(' ').nth(1))?;
    let name = format!("buildkeep-test-{}", std::process::id());
    let path = PathBuf::from(place).join(own).join(name);
    std::fs::create_dir(&path).ok()?;
    let long_ago = std::process::Command::new("touch")
        .args(["-d", "2 hours ago"])
        .arg(&path)
        .status();
    if !long_ago.is_ok_and(|status| status.success()) {
        std::fs::remove_dir(&path).unwrap();
        return None;
    }
    Some(path)
}

#[test]
fn cgroups_of_steps_that_are_over_are_told_and_removed() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    let Some(path) = left_cgroup() else {
        return;
    };
    let told = result(&env, "old-cgroups");
    let fixed = run(&env, &["check", "keep", "--only", "old-cgroups"]);
    std::fs::remove_dir(&path).unwrap();
    assert!(told.starts_with("old-cgroups note "), "{told}");
    assert!(told.contains(path.to_str().unwrap()), "{told}");
    assert!(!fixed.contains("fail"), "it is a note: {fixed}");
    assert!(!result(&env, "old-cgroups").contains(path.to_str().unwrap()));
}

#[test]
fn a_secret_in_the_configuration_is_told_by_its_place_only() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    let key = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    env.write(
        "k/config/host.toml",
        &format!("[access]\n\ntoken = \"{key}\"\n"),
    );
    let told = result(&env, "secrets");
    assert!(
        told.starts_with("secrets warn config/host.toml:3"),
        "{told}"
    );
    assert!(!told.contains(&key), "{told}");
}

#[test]
fn room_is_compared_with_what_the_largest_step_that_is_left_needs() {
    let env = keep(&[
        ("01-small.sh", "#!/bin/sh\ntrue\n"),
        ("02-large.sh", "#!/bin/sh\ntrue\n"),
    ]);
    let plan = |small: &str, large: &str| {
        let step = |id: &str, disk: &str| format!("[[step]]\nid = \"{id}\"\ndisk = \"{disk}\"\n");
        let text = format!(
            "schema = 1\nscripts = \"scripts\"\n{}{}",
            step("small", small),
            step("large", large)
        );
        env.write("k/plan.toml", &text);
    };
    plan("1 MB", "2 MB");
    let told = result(&env, "room");
    assert!(
        told.starts_with("room ok ") && told.ends_with("large takes 2 MB"),
        "{told}"
    );
    plan("9000000 GB", "2 MB");
    let told = result(&env, "room");
    assert!(
        told.starts_with("room fail ") && told.contains("and small takes 9000 TB"),
        "{told}"
    );
}
