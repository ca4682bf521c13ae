//! Folders of scripts.
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn a_folder_is_a_plan() {
    let keep = Keep::new(&[
        "chapter10/1001-kernel",
        "chapter05/502-gcc-pass1",
        "chapter05/501-binutils-pass1",
        "chapter05/1000-late",
        "00-setup.sh",
        "run-me",
    ]);
    for (other, mode) in [
        ("README.md", 0o644),
        ("Makefile", 0o755),
        ("501-x.patch", 0o644),
        ("a.sh~", 0o755),
        ("b.sh.bak", 0o755),
        ("#c.sh#", 0o755),
        (".hidden.sh", 0o755),
        ("_common.sh", 0o644),
        ("_lib/x.sh", 0o755),
        (".git/hooks/x.sh", 0o755),
        ("data", 0o644),
    ] {
        keep.write(&format!("scripts/{other}"), "x", mode);
    }
    let plan = keep.plan("schema = 1\n");
    let ids: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "setup",
            "chapter05/binutils-pass1",
            "chapter05/gcc-pass1",
            "chapter05/late",
            "chapter10/kernel",
            "run-me",
        ]
    );
    assert!(plan.is_linear());
    assert_eq!(plan.steps[2].file, "scripts/chapter05/502-gcc-pass1");
    assert_eq!(plan.steps[2].needs, ["chapter05/binutils-pass1"]);
    assert_eq!(plan.steps[2].workdir, keep.path());
}

#[test]
fn an_empty_keep_has_an_empty_plan() {
    for toml in ["", "scripts = \"scripts\"\n", "scripts = \"./scripts/\"\n"] {
        assert_eq!(Keep::new(&[]).ids(toml), [""; 0], "{toml}");
    }
}

#[test]
fn scripts_that_cannot_run_are_all_told() {
    let keep = Keep::new(&["01-good.sh"]);
    keep.write("scripts/02-no-run-bit.sh", "#!/bin/sh\n", 0o644);
    keep.script("scripts/03-no-shebang.sh", "echo hi\n");
    keep.script("scripts/04-windows.sh", "#!/bin/sh\r\necho\r\n");
    keep.script("scripts/05-nowhere.sh", "#!/opt/no/such -e\n");
    keep.script("scripts/06-empty.sh", "\n");
    keep.script("scripts/07-relative.sh", "#!bash\n");
    keep.script("scripts/08-mark.sh", "\u{feff}#!/bin/sh\n");
    keep.script("scripts/09-two words.sh", "#!/bin/sh\n");
    symlink("nowhere", keep.path().join("scripts/10-dangling.sh")).unwrap();
    symlink("11-loop", keep.path().join("scripts/11-loop")).unwrap();
    keep.script("outside.sh", "#!/bin/sh\n");
    symlink("../outside.sh", keep.path().join("scripts/12-out")).unwrap();
    symlink("..", keep.path().join("scripts/up")).unwrap();
    assert_data_eq!(
        keep.told(""),
        str![[r#"
12 scripts cannot be run:
  [KEEP]/scripts/02-no-run-bit.sh: not executable (no run bit)
  [KEEP]/scripts/03-no-shebang.sh: its first line names no interpreter (no `#!`)
  [KEEP]/scripts/04-windows.sh: its lines end as on Windows, so its interpreter is not found
  [KEEP]/scripts/05-nowhere.sh: its interpreter /opt/no/such does not exist here
  [KEEP]/scripts/06-empty.sh: empty
  [KEEP]/scripts/07-relative.sh: its interpreter `bash` is not a whole path
  [KEEP]/scripts/08-mark.sh: a byte-order mark stands before its `#!`
  [KEEP]/scripts/09-two words.sh: not a step name (' ' in the name: use letters, digits and `-`, `_`, `.`, `+`, `@`)
  [KEEP]/scripts/10-dangling.sh: a symlink that leads nowhere
  [KEEP]/scripts/11-loop: a symlink that leads nowhere
  [KEEP]/scripts/12-out: a symlink to [KEEP]/outside.sh, which is outside [KEEP]/scripts
  [KEEP]/scripts/up: a symlink to [KEEP], which is outside [KEEP]/scripts
"#]]
    );
}

#[test]
fn every_fault_has_a_fix_that_works() {
    let keep = Keep::new(&[]);
    keep.write("scripts/02-no-run-bit.sh", "#!/bin/sh\n", 0o644);
    keep.script("scripts/03-no-shebang.sh", "echo hi\n");
    keep.script("scripts/04-windows.sh", "#!/bin/sh\r\necho\r\n");
    keep.script("scripts/08-mark.sh", "\u{feff}#!/bin/sh\n");
    let Err(Error::Unfit(unfit)) = keep.load("") else {
        panic!("four scripts are unfit")
    };
    assert_eq!(unfit.len(), 4);
    for unfit in unfit {
        let fix = std::process::Command::new("sh")
            .arg("-c")
            .arg(unfit.fix())
            .status();
        assert!(fix.unwrap().success(), "{}", unfit.fix());
    }
    assert_eq!(keep.ids("").len(), 4);
}

#[test]
fn a_link_to_a_script_inside_is_a_step() {
    let keep = Keep::new(&["01-a.sh"]);
    symlink("01-a.sh", keep.path().join("scripts/02-again")).unwrap();
    assert_eq!(keep.ids(""), ["a", "again"]);
}

#[test]
fn scripts_that_would_share_an_id_are_told() {
    let keep = Keep::new(&["01-a.sh", "02-a.sh", "x/01-a.sh", "03-x"]);
    assert_data_eq!(
        keep.told(""),
        str![[r#"
scripts/01-a.sh and scripts/02-a.sh would both be the step `a`
  scripts/03-x and the folder of scripts/x/01-a.sh would both be the step `x`
"#]]
    );
    let named = "scripts = \"scripts\"\n[[step]]\nscript = \"02-a.sh\"\nid = \"a-again\"\n\
        [[step]]\nscript = \"03-x\"\nid = \"y\"\n";
    assert_eq!(keep.ids(named), ["a", "a-again", "y", "x/a"]);
}

#[test]
fn listed_steps_follow_their_needs() {
    let keep = Keep::new(&["01-app.sh", "02-libs.sh", "03-tools.sh"]);
    keep.script("extra/docs.sh", "#!/bin/sh\n");
    let toml = r#"
        root = "/mnt/lfs"
        checkpoint = "after"
        [[step]]
        id = "app"
        script = "scripts/01-app.sh"
        needs = ["libs", "tools"]
        timeout = "1h30m"
        disk = "6.3 GB"
        sbu = 46
        inputs = ["src/app.c", "${root}/etc/x"]
        workdir = "${keep}/src"
        [[step]]
        script = "scripts/02-libs.sh"
        needs = ["tools"]
        checkpoint = "never"
        [[step]]
        script = "scripts/03-tools.sh"
        [[step]]
        script = "extra/docs.sh"
    "#;
    assert_eq!(keep.ids(toml), ["tools", "libs", "app", "extra/docs"]);
    let plan = keep.plan(toml);
    let app = plan.find("app").unwrap();
    assert_eq!(app.needs, ["libs", "tools"]);
    assert_eq!(app.timeout, Some(Duration::from_mins(90)));
    assert_eq!((app.disk, app.sbu), (Some(6_300_000_000), Some(46.0)));
    assert_eq!(app.inputs[1].path, Path::new("/mnt/lfs/etc/x"));
    assert_eq!(app.workdir, keep.path().join("src"));
    assert_eq!(plan.find("libs").unwrap().workdir, Path::new("/mnt/lfs"));
    let checkpoints: Vec<_> = plan.steps.iter().map(|step| step.checkpoint).collect();
    assert_eq!(
        checkpoints,
        [
            Checkpoint::After,
            Checkpoint::Never,
            Checkpoint::After,
            Checkpoint::After
        ]
    );
}

#[test]
fn a_folder_can_be_refined() {
    let keep = Keep::new(&["01-a.sh", "02-b.sh", "03-c.sh"]);
    let toml = "scripts = \"scripts\"\n[[step]]\nid = \"c\"\nneeds = [\"a\"]\n[[step]]\nid = \"b\"\nsbu = 2.5\n";
    let plan = keep.plan(toml);
    let needs: Vec<_> = plan
        .steps
        .iter()
        .map(|s| (s.id.as_str(), s.needs.clone()))
        .collect();
    let a = vec!["a".to_owned()];
    assert_eq!(needs, [("a", vec![]), ("b", a.clone()), ("c", a)]);
    assert!(!plan.is_linear());
}

#[test]
fn steps_are_found_by_what_people_type() {
    let keep = Keep::new(&[
        "chapter05/502-gcc",
        "chapter08/801-gcc",
        "chapter08/802-zlib.sh",
    ]);
    let plan = keep.plan("");
    let found = |name: &str| match plan.find(name) {
        Ok(step) => step.id.clone(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found("chapter05/gcc"), "chapter05/gcc");
    assert_eq!(found("zlib"), "chapter08/zlib");
    assert_eq!(found("802-zlib.sh"), "chapter08/zlib");
    assert_eq!(found("./scripts/chapter08/801-gcc"), "chapter08/gcc");
    assert_eq!(
        found("gcc"),
        "`gcc` could be any of 2 steps: chapter05/gcc, chapter08/gcc"
    );
    assert_eq!(found(""), "no step is called ``");
    let Err(Error::Unknown { nearest, .. }) = plan.find("zlip") else {
        panic!("there is no zlip")
    };
    assert_eq!(nearest.as_deref(), Some("chapter08/zlib"));
}
