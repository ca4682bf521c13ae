//! `plan`: what people see of their scripts.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep around some scripts.
fn keep(scripts: &[&str]) -> Env {
    let env = Env::new();
    env.git(&["init", "--quiet", "."]);
    env.write("buildkeep.toml", "");
    for script in scripts {
        env.script(&format!("scripts/{script}"), "#!/bin/sh\ntrue\n");
    }
    env
}

#[test]
fn a_tree_of_chapters_is_shown_by_chapter() {
    let env = keep(&[
        "chapter05/501-binutils-pass1",
        "chapter05/502-gcc-pass1",
        "chapter10/1002-grub",
        "chapter10/1001-kernel",
    ]);
    env.write("plan.toml", "scripts = \"scripts\"\nroot = \"/mnt/lfs\"\n");
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
4 steps, one after the other, building /mnt/lfs

chapter05 (2)
  1  binutils-pass1  501-binutils-pass1
  2  gcc-pass1       502-gcc-pass1

chapter10 (2)
  3  kernel          1001-kernel
  4  grub            1002-grub

"#]]
    );
    assert_data_eq!(
        env.run(&["plan", "gcc-pass1", "1001-kernel"]),
        str![[r#"
4 steps, one after the other, building /mnt/lfs

chapter05 (1)
  2  gcc-pass1  502-gcc-pass1

chapter10 (1)
  3  kernel     1001-kernel

"#]]
    );
}

#[test]
fn needs_are_shown_where_they_are_not_the_order() {
    let env = keep(&["app.sh", "libs.sh", "tools.sh"]);
    let steps = "[[step]]\nscript = \"scripts/app.sh\"\nneeds = [\"libs\", \"tools\"]\n\
        [[step]]\nscript = \"scripts/libs.sh\"\nneeds = [\"tools\"]\ninputs = [\"src\"]\n\
        timeout = \"2h\"\nsbu = 2.5\ndisk = \"1 GB\"\n\
        [[step]]\nscript = \"scripts/tools.sh\"\n";
    env.write("plan.toml", steps);
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
3 steps, by their needs
  1  tools  scripts/tools.sh
  2  libs   scripts/libs.sh   needs tools
  3  app    scripts/app.sh    needs libs, tools

"#]]
    );
    let json = env.json(&["plan"]);
    assert_eq!(json["format"], 1);
    assert_eq!(json["total"], 3);
    let libs = serde_json::json!({
        "number": 2, "id": "libs", "state": "pending", "because": null, "file": "scripts/libs.sh", "needs": ["tools"], "reads": [],
        "inputs": ["src"], "workdir": env.work(), "runs_as": json["steps"][0]["runs_as"],
        "checkpoint": "never",
        "timeout_s": 7200, "sbu": 2.5, "disk": 1_000_000_000,
    });
    assert_eq!(json["steps"][1], libs);
    assert_eq!(json["steps"][1]["runs_as"]["user"], serde_json::Value::Null);
}

#[test]
fn a_hundred_and_thirty_scripts_are_one_plan() {
    let names: Vec<String> = (1..=130)
        .map(|n| format!("chapter{:02}/{}-package-{n}", 5 + n / 25, 500 + n))
        .collect();
    let env = keep(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let shown = env.stdout(&["plan"]);
    assert!(
        shown.starts_with("130 steps, one after the other\n"),
        "{shown}"
    );
    assert_eq!(shown.matches("\nchapter").count(), 6);
    assert_eq!(
        env.json(&["plan"])["steps"][129]["id"],
        "chapter10/package-130"
    );
}

#[test]
fn an_empty_plan_says_what_to_do() {
    assert_data_eq!(
        keep(&[]).run(&["plan"]),
        str![[r#"
no steps yet
--- stderr
hint: put scripts into [ROOT]/scripts, named like 01-first.sh; each is a step

"#]]
    );
}

#[test]
fn scripts_that_cannot_run_come_with_the_command_that_mends_them() {
    let env = keep(&["01-good.sh"]);
    env.write("scripts/02-plain.sh", "#!/bin/sh\n");
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
--- stderr
error: [ROOT]/scripts/02-plain.sh: not executable (no run bit)
hint: chmod +x [ROOT]/scripts/02-plain.sh
--- exit 2

"#]]
    );
    env.script("scripts/03-bare.sh", "true\n");
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
--- stderr
error: 2 scripts cannot be run
  [ROOT]/scripts/02-plain.sh: not executable (no run bit)
      chmod +x [ROOT]/scripts/02-plain.sh
  [ROOT]/scripts/03-bare.sh: its first line names no interpreter (no `#!`)
      sed -i '1i #!/bin/sh' [ROOT]/scripts/03-bare.sh
hint: what is no step can stay beside the scripts under a name that begins with `_`
--- exit 2

"#]]
    );
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let env = keep(&["01-a.sh", "02-b.sh", "03-c.sh"]);
    let circle = "scripts = \"scripts\"\n\n[[step]]\nid = \"a\"\nneeds = [\"c\"]\n";
    env.write("plan.toml", circle);
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
--- stderr
error[K102]: steps need one another in a circle: a → c → b → a
 --> plan.toml:5:9
  |
5 | needs = ["c"]
  |         ^^^^^
  |
  = help: take one of these needs out: `a` needs `c` (plan.toml:5, scripts/01-a.sh); `c` needs `b` (by the order of the scripts, scripts/03-c.sh); `b` needs `a` (by the order of the scripts, scripts/02-b.sh)
--- exit 2

"#]]
    );
    env.write("plan.toml", "scripts = [\n");
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
--- stderr
error[K001]: unclosed array
 --> plan.toml:1:12
  |
1 | scripts = [
  |            ^
  |
  = help: expected `]`
--- exit 2

"#]]
    );
    env.write("plan.toml", "scripts = \"script\"\n");
    assert_data_eq!(
        env.run(&["plan"]),
        str![[r#"
--- stderr
error[K111]: there is no folder [ROOT]/script
 --> plan.toml:1:11
  |
1 | scripts = "script"
  |           ^^^^^^^^
  |
  = help: create it, or name the folder that holds the scripts
--- exit 2

"#]]
    );
    env.write("plan.toml", "");
    assert_data_eq!(
        env.run(&["plan", "zlib"]),
        str![[r#"
--- stderr
error: no step is called `zlib`
hint: `buildkeep plan` lists the steps
--- exit 2

"#]]
    );
}

#[test]
fn a_plan_is_read_from_anywhere_in_the_keep_and_changes_nothing() {
    let env = keep(&["01-a.sh"]);
    let before = env.git(&["status", "--porcelain=v2", "--untracked-files=all"]);
    assert_eq!(env.run_in("scripts", &["plan"]), env.run(&["plan"]));
    assert_eq!(
        env.git(&["status", "--porcelain=v2", "--untracked-files=all"]),
        before
    );
}

#[test]
fn what_is_done_and_what_is_stale_is_shown_with_the_reason() {
    let env = Env::new();
    env.script("from/01-libs.sh", "#!/bin/sh\necho $CFLAGS\n");
    env.script("from/02-app.sh", "#!/bin/sh\ntest ! -e fail\n");
    env.script("from/03-late.sh", "#!/bin/sh\n");
    env.stdout(&[
        "init",
        "k",
        "--template",
        "generic",
        "--scripts",
        "from",
        "--yes",
    ]);
    let keep = |args: &[&str]| env.run_in("k", args);
    env.write(
        "k/plan.toml",
        "scripts = \"scripts\"\n[env]\nCFLAGS = \"-O2\"\n",
    );
    env.write("k/fail", "");
    keep(&["run"]);
    assert_data_eq!(
        keep(&["plan"]),
        str![[r#"
3 steps, one after the other: 1 done, 1 failed, 1 pending
  1  done         libs  01-libs.sh
  2  failed       app   02-app.sh
  3  pending      late  03-late.sh

"#]]
    );
    std::fs::remove_file(env.path("k/fail")).unwrap();
    keep(&["run"]);
    env.write(
        "k/plan.toml",
        "scripts = \"scripts\"\n[env]\nCFLAGS = \"-O3\"\n",
    );
    env.script("k/scripts/03-late.sh", "#!/bin/sh\ntrue\n");
    assert_data_eq!(
        keep(&["plan"]),
        str![[r#"
3 steps, one after the other: 3 stale
  1  stale        libs  01-libs.sh  variable CFLAGS changed from -O2 to -O3
  2  stale        app   02-app.sh   variable CFLAGS changed from -O2 to -O3
  3  stale        late  03-late.sh  script changed, variable CFLAGS changed from -O2 to -O3

"#]]
    );
}
