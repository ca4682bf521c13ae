//! Steps whose `/` is the root of the plan.
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use super::env::Env;
use super::run::{keep, run};
use super::site::{is_alive, kill, pids, until};

const PROGRAMS: &[&str] = &[
    "bash", "cat", "env", "id", "ls", "mkdir", "readlink", "sleep", "sort", "stat", "touch", "tty",
];

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Copies a file to the same place below `root`.
fn bring(root: &Path, file: &str) {
    let to = root.join(file.trim_start_matches('/'));
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(std::fs::canonicalize(file).unwrap(), to).unwrap();
}

/// A small system in `root`: a shell and some programs with their libraries.
pub(crate) fn system(env: &Env) {
    let root = env.path("root");
    for folder in ["etc", "tmp", "root"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    for program in PROGRAMS {
        let program = format!("/usr/bin/{program}");
        bring(&root, &program);
        let output = env.command("ldd").arg(&program).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for word in text.split_whitespace().filter(|word| word.starts_with('/')) {
            if !root.join(&word[1..]).exists() {
                bring(&root, word);
            }
        }
    }
    symlink("usr/bin", root.join("bin")).unwrap();
    env.write(
        "root/etc/passwd",
        "root:x:0:0::/root:/bin/bash\ntester:x:1234:1234::/home/tester:/bin/bash\n",
    );
    env.write("root/etc/group", "root:x:0:\nextra:x:77:tester\n");
}

fn plan(env: &Env, text: &str) {
    let plan =
        format!("schema = 1\nscripts = \"scripts\"\nthrottle = false\nroot = \"../root\"\n{text}");
    env.write("k/plan.toml", &plan);
}

/// What is mounted below the working folder, as this process sees it.
fn mounts(env: &Env) -> Vec<String> {
    let place = env.work().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = text.lines().filter(|line| line.contains(&place));
    ours.map(str::to_owned).collect()
}

#[test]
fn the_root_is_the_world_of_the_script_with_what_the_book_mounts() {
    if !is_root() {
        return;
    }
    let env = keep(&[(
        "01-in.sh",
        "#!/bin/bash\nset -e\npwd\nls /etc\nwhile read -r _ at kind _; do case $at in /dev|/dev/*|/proc|/sys|/run) echo $at $kind;; esac; done < /proc/self/mounts | sort\n\
         touch /made\necho one >> $BUILDKEEP_EVENTS\n: > /dev/null\nid -u\n",
    )]);
    system(&env);
    plan(&env, "chroot = true\n");
    let before = mounts(&env);
    let shown = run(&env, &["run"]);
    let log = run(&env, &["logs", "in"]);
    assert!(shown.contains("1 step done"), "{shown}{log}");
    assert!(log.starts_with("/\ngroup\npasswd\n/dev "), "{log}");
    for expected in ["/dev/pts devpts", "/proc proc", "/sys sysfs", "/run tmpfs"] {
        assert!(
            log.lines().any(|line| line == expected),
            "{expected}\n{log}"
        );
    }
    let told = run(&env, &["events"]);
    assert!(told.contains(" in: one\n"), "{told}");
    assert!(env.path("root/made").exists());
    assert_eq!(mounts(&env), before, "nobody else sees the mounts");
    let left = std::fs::read_dir(env.path("root/run")).unwrap().count();
    assert_eq!(left, 0, "what was put into /run was in memory only");
    let again = run(&env, &["run"]);
    assert!(again.contains("nothing to run"), "{again}");
}

#[test]
fn its_environment_is_that_of_the_book() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-env.sh", "#!/bin/bash\nenv | sort\npwd\n")]);
    system(&env);
    std::fs::create_dir(env.path("root/sources")).unwrap();
    plan(
        &env,
        "chroot = true\nworkdir = \"/sources\"\n[env]\nMAKEFLAGS = \"-j2\"\n",
    );
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    command.env("CFLAGS", "-Ofast").env("TERM", "linux");
    let shown = env.shown(&command.output().unwrap());
    let log = run(&env, &["logs", "env"]);
    for expected in [
        "HOME=/root",
        "MAKEFLAGS=-j2",
        "PATH=/usr/bin:/usr/sbin",
        "TERM=linux",
        "BUILDKEEP_EVENTS=/run/buildkeep/events",
        "BUILDKEEP_ROOT=/",
        "/sources",
    ] {
        assert!(
            log.lines().any(|line| line == expected),
            "{expected}\n{shown}{log}"
        );
    }
    assert!(
        !log.contains("CFLAGS") && !log.contains("BUILDKEEP_KEEP"),
        "{log}"
    );
}

#[test]
fn a_failure_inside_is_explained_as_outside() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-in.sh", "#!/bin/bash\nset -e\n\n  not-there --now\n")]);
    system(&env);
    plan(&env, "chroot = true\n");
    let shown = run(&env, &["run"]);
    for expected in ["exit code 127", "scripts/01-in.sh:4  not-there --now"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}

#[test]
fn users_are_those_of_the_root() {
    if !is_root() {
        return;
    }
    let env = keep(&[
        (
            "01-a.sh",
            "#!/bin/bash\nid -u\nid -G\necho $HOME\nls $HOME\necho x > /dev/stderr\necho y >> $BUILDKEEP_EVENTS\n",
        ),
        ("02-b.sh", "#!/bin/bash\ntrue\n"),
    ]);
    system(&env);
    std::fs::create_dir_all(env.path("root/home/tester")).unwrap();
    plan(
        &env,
        "chroot = true\nuser = \"tester\"\n[[step]]\nid = \"b\"\nuser = \"stranger\"\n",
    );
    let shown = run(&env, &["run"]);
    let log = run(&env, &["logs", "a"]);
    assert_eq!(log, "1234\n1234 77\n/home/tester\nx\n", "{shown}");
    for expected in [
        "plan.toml:9:8",
        "there is no user `stranger` in [ROOT]/root/etc/passwd",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}

#[test]
fn a_link_in_the_root_leads_no_mount_out_of_it() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-in.sh", "#!/bin/bash\ntouch /ran\n")]);
    system(&env);
    std::fs::create_dir(env.path("outside")).unwrap();
    env.write("outside/file", "precious");
    plan(&env, "chroot = true\n");
    for (place, target) in [
        ("dev", env.path("outside").to_str().unwrap()),
        ("proc", "../outside"),
        ("run", "etc"),
    ] {
        symlink(target, env.path("root").join(place)).unwrap();
        let shown = run(&env, &["run"]);
        assert!(
            shown.contains(&format!("cannot mount {place} in the root")),
            "{shown}"
        );
        assert!(!env.path("root/ran").exists());
        std::fs::remove_file(env.path("root").join(place)).unwrap();
    }
    let inside: Vec<_> = std::fs::read_dir(env.path("outside")).unwrap().collect();
    assert_eq!(inside.len(), 1);
    assert!(run(&env, &["run"]).contains("1 step done"));
}

#[test]
fn a_root_without_a_shell_says_what_is_missing() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-in.sh", "#!/bin/bash\ntrue\n")]);
    std::fs::create_dir(env.path("root")).unwrap();
    plan(&env, "chroot = true\n");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("is /bin/bash in [ROOT]/root?"), "{shown}");
    plan(&env, "chroot = true\nmounts = \"none\"\n");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("and /proc mounted there?"), "{shown}");
}

#[test]
fn mounts_that_a_person_made_are_used_and_left() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-in.sh", "#!/bin/bash\nls /run\n[ -e /proc/self ]\n")]);
    system(&env);
    let at = |name: &str| env.path("root").join(name).to_str().unwrap().to_owned();
    for name in ["proc", "run"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    let mount = |args: &[&str]| env.command("mount").args(args).status().unwrap().success();
    assert!(
        mount(&["-t", "tmpfs", "mine", &at("run")]) && mount(&["-t", "proc", "proc", &at("proc")])
    );
    env.write("root/run/of-a-person", "");
    plan(&env, "chroot = true\n");
    let before = mounts(&env);
    let shown = run(&env, &["run"]);
    let first = run(&env, &["logs", "in"]);
    plan(&env, "chroot = true\nmounts = \"none\"\n");
    let second = run(&env, &["run", "--force"]);
    let after = mounts(&env);
    let log = run(&env, &["logs", "in"]);
    for name in ["proc", "run"] {
        env.command("umount")
            .args(["-l", &at(name)])
            .status()
            .unwrap();
    }
    assert_eq!(after, before, "{shown}");
    assert!(first.contains("of-a-person\n"), "{shown}{first}");
    assert!(
        log.contains("of-a-person\n") && second.contains("1 step done"),
        "{second}{log}"
    );
}

/// Everything of ours is killed in the middle: the script goes on, then nothing is left of it.
#[test]
fn no_mount_outlives_the_script_whoever_is_killed() {
    if !is_root() {
        return;
    }
    let env = keep(&[(
        "01-in.sh",
        "#!/bin/bash\necho $$ > /pid\ntouch /running\nfor i in {1..600}; do sleep 0.1; done\n",
    )]);
    system(&env);
    plan(&env, "chroot = true\n");
    let before = mounts(&env);
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    let mut runs = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the script", || env.path("root/running").exists());
    assert_eq!(mounts(&env), before);
    runs.kill().unwrap();
    runs.wait().unwrap();
    // Whoever takes the place of one that was killed is killed as well.
    until("nobody of ours", || {
        let found = helpers(&env);
        found.iter().copied().for_each(kill);
        found.is_empty()
    });
    let pid = std::fs::read_to_string(env.path("root/pid")).unwrap();
    let pid: i32 = pid.trim().parse().unwrap();
    let of_script = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    assert!(
        of_script.contains("devpts"),
        "it has them still: {of_script}"
    );
    kill(pid);
    until("its children", || {
        pids().into_iter().all(|pid| !is_inside(pid, &env))
    });
    assert_eq!(mounts(&env), before);
    // Nor is there a mount namespace anywhere that has them still.
    let root = env.path("root").to_str().unwrap().to_owned();
    let has_them = |pid: &i32| {
        let table = std::fs::read_to_string(format!("/proc/{pid}/mountinfo"));
        table.is_ok_and(|table| table.contains(&root))
    };
    until("all namespaces to go", || !pids().iter().any(has_them));
    let shown = run(&env, &["status"]);
    assert!(shown.contains("in"), "{shown}");
    std::fs::remove_dir_all(env.path("root")).unwrap();
    assert!(Path::new("/dev/null").exists() && Path::new("/proc/self").exists());
}

fn is_inside(pid: i32, env: &Env) -> bool {
    let root = std::fs::read_link(format!("/proc/{pid}/root"));
    is_alive(pid) && root.is_ok_and(|root| root == env.path("root"))
}

/// All helper processes of this keep.
fn helpers(env: &Env) -> Vec<i32> {
    let place = env.path("k").to_str().unwrap().to_owned();
    let is_ours = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("\0helper\0") && words.contains(&place) && is_alive(*pid)
    };
    pids().into_iter().filter(is_ours).collect()
}

#[test]
fn only_root_enters_a_root() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-in.sh", "#!/bin/bash\ntrue\n")]);
    for path in [env.work().parent().unwrap(), &env.work()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    plan(&env, "chroot = true\n");
    let give = ["-R", "65534", env.work().to_str().unwrap()].map(str::to_owned);
    assert!(env.command("chown").args(give).status().unwrap().success());
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    command.env("HOME", env.work()).uid(65534);
    let shown = env.shown(&command.output().unwrap());
    for expected in [
        "plan.toml:5:10",
        "only root can run `in` in the root",
        "sudo buildkeep run",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert_eq!(std::fs::metadata(env.path("k")).unwrap().uid(), 65534);
}
