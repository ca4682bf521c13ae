//! As whom scripts run, and with what around them.
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;

use super::env::Env;
use super::run::{keep, run};

/// A user that every system has, and that no folder of ours belongs to.
const NOBODY: u32 = 65534;

fn plan(env: &Env, text: &str) {
    let plan = format!("schema = 1\nscripts = \"scripts\"\nthrottle = false\n{text}");
    env.write("k/plan.toml", &plan);
}

/// Only root may become somebody else.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets others into the temporary folder, and lets them write there.
fn open_to_all(env: &Env) {
    for path in [env.work().parent().unwrap(), &env.work()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
}

#[test]
fn another_user_runs_the_script_with_its_own_groups_home_and_output() {
    if !is_root() {
        return;
    }
    let env = keep(&[(
        "01-who.sh",
        "#!/bin/bash\nset -e\nid -un\nid -u\nid -G\necho home $HOME\necho late > /dev/stderr\n\
         echo more | tee /dev/stderr > /dev/null\ntouch ../made\necho loot ${SECRET-none}\n",
    )]);
    open_to_all(&env);
    plan(&env, "workdir = \"scripts\"\nuser = \"nobody\"\n");
    let refused = run(&env, &["run"]);
    assert!(
        refused.contains("cannot enter") || refused.contains("who"),
        "{refused}"
    );
    plan(
        &env,
        &format!("user = \"nobody\"\nworkdir = {:?}\n", env.path("k/scripts")),
    );
    env.write("k/scripts/_keep", "");
    std::fs::set_permissions(env.path("k"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    command.env("SECRET", "of root");
    let shown = env.shown(&command.output().unwrap());
    let log = run(&env, &["logs", "who"]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..3], ["nobody", "65534", "65534"], "{shown}{log}");
    assert!(lines[3].starts_with("home /"), "{log}");
    assert_eq!(lines[4..], ["late", "more", "loot none"], "{log}");
    assert_eq!(std::fs::metadata(env.path("k/made")).unwrap().uid(), NOBODY);
}

#[test]
fn a_folder_that_the_user_may_not_enter_is_named() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-who.sh", "#!/bin/sh\nid -u\n")]);
    plan(&env, "workdir = \"/\"\nuser = 65534\n");
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(env.work().parent().unwrap(), closed).unwrap();
    let shown = run(&env, &["run"]);
    assert!(shown.contains("nobody may not enter /tmp/"), "{shown}");
    assert!(shown.contains("chmod o+x /tmp/"), "{shown}");
}

#[test]
fn an_unknown_user_is_told_where_plan_toml_names_it_before_anything_runs() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\ntouch ../one\n"),
        ("02-two.sh", "#!/bin/sh\ntrue\n"),
    ]);
    plan(
        &env,
        "[[defaults]]\nsteps = [\"two\"]\nuser = \"lfs-missing\"\n",
    );
    let shown = run(&env, &["run"]);
    for expected in [
        "plan.toml:6:8",
        "there is no user `lfs-missing` on this machine",
        "useradd -s /bin/bash -g lfs-missing",
        "K114",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!env.path("one").exists());
    assert!(
        run(&env, &["plan"]).contains("two"),
        "looking needs no user"
    );
}

#[test]
fn only_root_becomes_somebody_else() {
    if !is_root() {
        return;
    }
    let env = keep(&[("01-one.sh", "#!/bin/sh\nid -u\n")]);
    open_to_all(&env);
    let give = ["-R", "65534", env.work().to_str().unwrap()].map(str::to_owned);
    assert!(env.command("chown").args(give).status().unwrap().success());
    plan(&env, "user = \"root\"\n");
    let as_nobody = || {
        let mut command = env.buildkeep(&["-C", "k", "run"]);
        command.env("HOME", env.work()).uid(NOBODY);
        env.shown(&command.output().unwrap())
    };
    let shown = as_nobody();
    for expected in [
        "only root can run scripts as `root`",
        "sudo buildkeep run",
        "K115",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    plan(&env, "user = \"nobody\"\n");
    let shown = as_nobody();
    assert!(
        shown.contains("1 step done"),
        "who is that user already: {shown}"
    );
}

#[test]
fn a_clean_environment_has_what_a_fresh_login_has_and_what_the_plan_gives() {
    let env = keep(&[("01-env.sh", "#!/usr/bin/env -S sh\n/usr/bin/env | sort\n")]);
    plan(&env, "clean_env = true\n[env]\nLC_ALL = \"POSIX\"\n");
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    command
        .env("CFLAGS", "-Ofast")
        .env("TERM", "linux")
        .env("LD_PRELOAD", "");
    let shown = env.shown(&command.output().unwrap());
    let log = run(&env, &["logs", "env"]);
    let names: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    let ours = |name: &&str| !name.starts_with("BUILDKEEP_") && *name != "PWD" && *name != "_";
    let names: Vec<&str> = names.into_iter().filter(ours).collect();
    assert_eq!(
        names,
        ["HOME", "LC_ALL", "PATH", "PS1", "TERM"],
        "{shown}{log}"
    );
    assert!(
        log.contains("TERM=linux\n") && log.contains("LC_ALL=POSIX\n"),
        "{log}"
    );
}

#[test]
fn umask_limits_and_input_are_as_the_plan_says() {
    let env = keep(&[
        (
            "01-one.sh",
            "#!/bin/bash\numask\nulimit -Sn\nulimit -Hc\ncat\n",
        ),
        ("02-two.sh", "#!/bin/bash\numask\nulimit -Sn\ncat\n"),
    ]);
    env.write("k/answers", "yes\nno\n");
    plan(
        &env,
        "umask = \"027\"\nlimits = { nofile = 77, core = 0 }\n\
         [[step]]\nid = \"two\"\numask = \"022\"\nstdin = \"answers\"\nlimits = { nofile = 78 }\n",
    );
    let shown = run(&env, &["run"]);
    assert_eq!(run(&env, &["logs", "one"]), "0027\n77\n0\n", "{shown}");
    assert_eq!(
        run(&env, &["logs", "two"]),
        "0022\n78\nyes\nno\n",
        "{shown}"
    );
    plan(&env, "umask = \"022\"\nlimits = { nofile = 79 }\n");
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(dry.contains("one") && dry.contains("umask"), "{dry}");
}

#[test]
fn what_cannot_be_is_told_where_it_stands() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntrue\n")]);
    for (text, expected) in [
        ("umask = \"9\"\n", "plan.toml:4:9"),
        ("limits = { nofile = \"many\" }\n", "is not a limit"),
        ("limits = { files = 3 }\n", "files"),
        ("chroot = true\n", "the plan has no `root`"),
        (
            "[[defaults]]\nsteps = [\"zwei\"]\n",
            "no step is called like `zwei`",
        ),
        ("[[defaults]]\numask = \"022\"\n", "steps"),
    ] {
        plan(&env, text);
        let shown = run(&env, &["plan"]);
        assert!(
            shown.contains(expected) && shown.contains("--- exit"),
            "{expected}\n{shown}"
        );
    }
}

#[test]
fn a_missing_input_fails_the_step_and_says_why() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ntouch ../ran\n")]);
    plan(&env, "stdin = \"answers\"\n");
    let shown = run(&env, &["run"]);
    assert!(
        shown.contains("cannot open") && shown.contains("answers"),
        "{shown}"
    );
    assert!(!env.path("ran").exists());
}

#[test]
fn defaults_hold_for_steps_by_pattern_and_give_way_to_the_step() {
    let print = "#!/bin/sh\numask\necho $WHO $PWD\n";
    let env = keep(&[
        ("c5/01-a.sh", print),
        ("c5/02-b.sh", print),
        ("c6/01-c.sh", print),
    ]);
    plan(
        &env,
        "umask = \"022\"\n\
         [[defaults]]\nsteps = [\"c5/*\"]\numask = \"077\"\nworkdir = \"/tmp\"\nenv = { WHO = \"five\" }\n\
         [[step]]\nid = \"c5/b\"\numask = \"002\"\nenv = { WHO = \"b\" }\n",
    );
    let shown = run(&env, &["run"]);
    assert_eq!(run(&env, &["logs", "c5/a"]), "0077\nfive /tmp\n", "{shown}");
    assert_eq!(run(&env, &["logs", "c5/b"]), "0002\nb /tmp\n", "{shown}");
    let last = run(&env, &["logs", "c6/c"]);
    assert!(
        last.starts_with("0022\n") && !last.contains("/tmp\n"),
        "{last}"
    );
}

#[test]
fn the_plan_shows_who_runs_what_and_where() {
    let script = "#!/bin/sh\ntrue\n";
    let env = keep(&[
        ("c5/01-a.sh", script),
        ("c5/02-b.sh", script),
        ("c7/01-c.sh", script),
        ("c7/02-d.sh", script),
    ]);
    plan(
        &env,
        "root = \"../root\"\n[[defaults]]\nsteps = [\"c5/*\"]\nuser = \"lfs\"\numask = \"022\"\n\
         [[step]]\nid = \"c7/d\"\nchroot = true\n",
    );
    let shown = run(&env, &["plan"]);
    for expected in ["c5 (2) as lfs\n", "c7 (2)\n", "d  02-d.sh  in the root\n"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json = env.json(&["-C", "k", "plan", "c5/a"]);
    let runs_as = &json["steps"][0]["runs_as"];
    assert_eq!(
        (&runs_as["user"], &runs_as["umask"]),
        (&"lfs".into(), &"022".into())
    );
}
