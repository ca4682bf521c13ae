//! Checks see what steps will see: their variables, their user, their root.
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use super::lines;
use crate::chroot::system;
use crate::env::Env;

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A keep with a plan of two stages, the second of them in the root, and checks of each.
fn world() -> Env {
    let env = Env::new();
    env.git(&["init", "--quiet", "k"]);
    for (name, text) in [
        ("chapter05/501-a", "#!/bin/sh\n"),
        ("chapter07/701-b", "#!/bin/bash\n"),
    ] {
        env.script(&format!("k/scripts/{name}"), text);
    }
    env.write("k/buildkeep.toml", "");
    plan(&env, "");
    env
}

fn plan(env: &Env, early: &str) {
    let text = format!(
        "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\n\
         [[defaults]]\nsteps = [\"chapter05/*\"]\nworkdir = \"scripts\"\n{early}\n\
         [[defaults]]\nsteps = [\"chapter07/*\"]\nchroot = true\nworkdir = \"/tmp\"\n"
    );
    env.write("k/plan.toml", &text);
}

fn check(id: &str, rest: &str) -> String {
    format!("[[check]]\nid = \"{id}\"\nwhy = \"It is needed.\"\n{rest}\n")
}

fn results(env: &Env, args: &[&str]) -> Vec<String> {
    lines(&env.json(&[&["-C", "k", "check"], args].concat()))
}

#[test]
fn checks_see_the_variables_that_the_plan_gives() {
    let env = world();
    plan(
        &env,
        "clean_env = true\nenv = { CFLAGS = \"-O2\", LC_ALL = \"POSIX\" }",
    );
    let checks = [
        check(
            "poison",
            "kind = \"env\"\nmust = \"unset\"\nvariables = [\"CFLAGS\", \"LDFLAGS\"]",
        ),
        check(
            "locale",
            "kind = \"env\"\nmust = \"equal\"\nvalues = { LC_ALL = \"POSIX\" }",
        ),
        check(
            "user",
            "kind = \"env\"\nmust = \"set\"\nvariables = [\"USER\"]",
        ),
    ];
    env.write("k/checks/own.toml", &checks.concat());
    let seen = results(&env, &["own"]);
    assert_eq!(
        seen,
        [
            "poison ok unset",
            "locale ok as they must be",
            "user fail USER not set"
        ],
        "what the plan sets is meant so, and nothing is inherited"
    );
    let mut ours = env.buildkeep(&["-C", "k", "check", "own", "--here", "--json"]);
    let output = ours.env("LDFLAGS", "-s").output().unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        lines(&ours),
        [
            "poison fail LDFLAGS set",
            "locale fail LC_ALL=C.UTF-8",
            "user ok set"
        ]
    );
}

#[test]
fn checks_of_a_step_in_the_root_look_from_there_and_leave_nothing() {
    if !is_root() {
        return;
    }
    let env = world();
    system(&env);
    env.script("root/usr/bin/inside", "#!/bin/bash\necho inside 1.2\n");
    let checks = [
        check("inside", "kind = \"tool\"\nversion = \">= 1\""),
        check("git", "kind = \"tool\"\npackage = \"git\""),
        check("proc", "kind = \"mount\"\npath = \"${root}/proc\""),
        check(
            "root",
            "kind = \"filesystem\"\npath = \"${root}\"\noptions = [\"!ro\"]",
        ),
        check(
            "here",
            "kind = \"file\"\npath = \"${workdir}\"\nis = \"writable-folder\"",
        ),
        check(
            "owner",
            "kind = \"file\"\npaths = [\"${root}/etc\", \"${root}/tmp\"]\nis = \"folder\"\nowner = \"tester\"\n\
             fix.any = { run = [\"chown\", \"tester\", \"${found}\"] }",
        ),
    ];
    let text = format!("stages = \"chapter7\"\n{}", checks.concat());
    env.write("k/checks/own.toml", &text);
    std::fs::create_dir(env.path("root/proc")).unwrap();
    let shown = env.run(&["-C", "k", "check", "own"]);
    for expected in [
        "fail git",
        "found    nothing",
        "fail owner [ROOT]/root/etc, [ROOT]/root/tmp is a folder of tester",
        "found    [ROOT]/root/etc: it belongs to root",
        "fix      chown tester [ROOT]/root/etc",
        "not ready: 4 of 6 checks of own passed, 2 failed",
        "looked at with the variables of chapter07/b, in the root [ROOT]/root",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!env.path("root/sys").exists(), "looking makes no folders");
    let report = env.json(&["-C", "k", "check", "own", "--fix", "--dry-run"]);
    let fixes = report["fixes"].as_array().unwrap();
    assert_eq!(
        fixes.len(),
        1,
        "what is in the root is not mended from outside: {report}"
    );
    let report = env.json(&["-C", "k", "check", "own"]);
    assert_eq!(report["views"][0]["step"], "chapter07/b");
    let outside = results(&env, &["own", "--here", "--only", "inside,git"]);
    assert_eq!(outside[0], "inside fail nothing");
    assert!(outside[1].starts_with("git ok"), "{outside:?}");
}

#[test]
fn checks_of_another_user_look_as_that_user() {
    if !is_root() {
        return;
    }
    let env = world();
    for folder in [env.work().parent().unwrap(), &env.work()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    plan(
        &env,
        "user = \"nobody\"\numask = \"027\"\nlimits = { nofile = 77 }",
    );
    let checks = [
        check(
            "user",
            "kind = \"security\"\nmust = \"user\"\nuser = \"nobody\"",
        ),
        check("umask", "kind = \"env\"\nmust = \"umask\"\numask = \"027\""),
        check(
            "files",
            "kind = \"resource\"\nresource = \"open_files\"\nat_least = 78",
        ),
        check(
            "place",
            "kind = \"file\"\npath = \"${workdir}\"\nis = \"writable-folder\"",
        ),
        check("id", "kind = \"command\"\nrun = [\"id\", \"-un\"]"),
    ];
    env.write("k/checks/own.toml", &checks.concat());
    let seen = results(&env, &["own"]);
    assert_eq!(
        seen,
        [
            "user ok nobody",
            "umask ok 027",
            "files fail 77",
            "place fail Permission denied (os error 13)",
            "id ok nobody",
        ]
    );
    let step = results(&env, &["own", "--step", "a", "--only", "id"]);
    assert_eq!(step, ["id ok nobody"]);
}

#[test]
fn what_only_root_can_see_is_unknown_to_others() {
    if !is_root() {
        return;
    }
    let env = world();
    for folder in [env.work().parent().unwrap(), &env.work()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    env.write(
        "k/checks/own.toml",
        &check("sh", "kind = \"file\"\npath = \"/bin/sh\"\nis = \"file\""),
    );
    let give = ["-R", "65534", env.work().to_str().unwrap()].map(str::to_owned);
    assert!(env.command("chown").args(give).status().unwrap().success());
    let as_nobody = |args: &[&str]| {
        let mut command = env.buildkeep(&[&["-C", "k", "check", "own"], args].concat());
        env.shown(
            &command
                .env("HOME", env.work())
                .uid(NOBODY)
                .output()
                .unwrap(),
        )
    };
    let shown = as_nobody(&["--step", "chapter07/b"]);
    let why =
        "it cannot be seen as chapter07/b sees it: only root can run `chapter07/b` in the root";
    assert!(shown.contains("unknown sh"), "{shown}");
    assert!(shown.contains(why), "{shown}");
    assert_eq!(as_nobody(&[]), "ok all 1 checks of own passed\n");
}

#[test]
fn of_sets_of_stages_only_that_is_looked_at_which_the_build_is_at() {
    let env = world();
    let set = |stage: &str| {
        let one = check("sh", "kind = \"file\"\npath = \"/bin/sh\"\nis = \"absent\"");
        format!("stages = \"{stage}\"\n{one}")
    };
    env.write("k/checks/early.toml", &set("chapter5"));
    env.write("k/checks/late.toml", &set("chapter7"));
    env.write("k/buildkeep.toml", "checks = [\"generic\"]\n");
    let report = env.json(&["-C", "k", "check", "--only", "sh"]);
    assert_eq!(
        report["sets"],
        serde_json::json!(["generic", "keep", "early"])
    );
}
