//! Where keeps and their scripts may lie, what they may be called, and who may lead us there.
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use snapbox::{assert_data_eq, str};

use crate::env::Env;

fn scripts() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env
}

#[test]
fn a_refused_init_leaves_nothing_behind() {
    let env = scripts();
    env.write("broken/config/other.toml", "jobs = \"x\n");
    env.write("mine/buildkeep.toml", "");
    env.write("mine/plan.toml", "mine\n");
    let shown = [
        env.run(&["init", "n", "--scripts", "s/01-one.sh", "--yes"]),
        env.run(&["init", "s", "--scripts", "s", "--yes"]),
        env.run(&["init", "s/k", "--scripts", "s", "--link", "--yes"]),
        env.run(&["init", "broken", "--yes"]),
        env.run(&["init", "mine", "--yes"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: [ROOT]/s/01-one.sh is a file
hint: name the folder that holds the scripts
--- exit 2

--- stderr
error: the keep and the folder of its scripts are the same
hint: put the scripts into a folder `scripts` in it, and leave --scripts out
--- exit 2

--- stderr
error: the keep would lie in the folder of its scripts
hint: choose a folder outside of it, or leave --link out
--- exit 2

--- stderr
error[K001]: invalid basic string
 --> config/other.toml:1:10
  |
1 | jobs = "x
  |          ^
  |
  = help: expected `"`
--- exit 2

--- stderr
error[K001]: this key has no value
 --> plan.toml:1:5
  |
1 | mine
  |     ^
  |
  = help: write `key = value`, or put `#` before a comment
--- exit 2

"#]]
    );
    assert!(!env.path("n").exists());
    let made = [
        "broken/.git",
        "broken/plan.toml",
        "mine/.git",
        "s/.git",
        "s/k",
    ];
    assert!(made.iter().all(|path| !env.path(path).exists()));
    assert_eq!(
        std::fs::read_to_string(env.path("mine/plan.toml")).unwrap(),
        "mine\n"
    );
}

#[test]
fn a_root_or_a_place_that_would_hurt_is_refused() {
    let env = scripts();
    env.write("file", "");
    let told: [(&[&str], &str); 5] = [
        (&["init", "file", "--yes"], "file is a file"),
        (
            &["init", "n", "--template", "demo", "--root", "r", "--yes"],
            "the demo has scripts and a root of its own",
        ),
        (
            &["init", "n", "--root", "r$x", "--yes"],
            "nothing is replaced",
        ),
        (
            &["init", "n/k", "--root", "n", "--yes"],
            "the keep lies in `root`",
        ),
        (
            &["init", "../home", "-q", "--json", "--yes"],
            "everything in it",
        ),
    ];
    for (args, words) in told {
        let shown = env.run(args);
        assert!(shown.contains(words) && shown.contains("exit 2"), "{shown}");
    }
    assert!(!env.path("n").exists());
}

#[test]
fn scripts_in_the_keep_or_elsewhere_stay_where_they_are() {
    let env = scripts();
    env.script("k/build/01-one.sh", "#!/bin/sh\necho one\n");
    let shown = [
        env.run(&[
            "init",
            "k",
            "--scripts",
            "k/build",
            "--root",
            "k/out",
            "--yes",
        ]),
        env.run(&["init", "l", "--scripts", "s", "--link", "--yes"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
made the keep [ROOT]/k (template generic, host box-00z9)
  1 build script in [ROOT]/k/build, versioned there
  builds into [ROOT]/k/out

what you may type next:
  buildkeep -C k check   is this machine fit for the build
  buildkeep -C k plan    what will be built, in which order
  buildkeep -C k run     build it

made the keep [ROOT]/l (template generic, host box-01yh)
  1 build script in [ROOT]/s, which stays outside of the history
  no build root: name it in plan.toml (`root = …`) for checkpoints and backups

what you may type next:
  buildkeep -C l check   is this machine fit for the build
  buildkeep -C l plan    what will be built, in which order
  buildkeep -C l run     build it

"#]]
    );
    assert!(!env.path("k/scripts").exists());
    env.stdout(&["-C", "k", "run"]);
    env.write("k/out/built", "");
    assert_eq!(env.stdout(&["-C", "k", "commit"]), "nothing to commit\n");
}

#[test]
fn odd_names_are_shown_on_one_line_and_quoted() {
    let env = scripts();
    let shown = [
        env.run(&["init", "it's a k", "--scripts", "s", "--yes"]),
        env.run(&["init", "a\n\u{1b}[31mk", "--scripts", "s", "--yes"]),
        env.run(&["-C", "a\n\u{1b}[31mk", "status"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
made the keep [ROOT]/it's a k (template generic, host box-00z9)
  1 build script in [ROOT]/it's a k/scripts, versioned there
  no build root: name it in plan.toml (`root = …`) for checkpoints and backups

what you may type next:
  buildkeep -C 'it'/''s a k' check   is this machine fit for the build
  buildkeep -C 'it'/''s a k' plan    what will be built, in which order
  buildkeep -C 'it'/''s a k' run     build it

made the keep [ROOT]/a␊␛[31mk (template generic, host box-01yh)
  1 build script in [ROOT]/a␊␛[31mk/scripts, versioned there
  no build root: name it in plan.toml (`root = …`) for checkpoints and backups

what you may type next:
  buildkeep -C $'a/u000a/u001b[31mk' check   is this machine fit for the build
  buildkeep -C $'a/u000a/u001b[31mk' plan    what will be built, in which order
  buildkeep -C $'a/u000a/u001b[31mk' run     build it

[ROOT]/a␊␛[31mk on box-01yh, configuration v1 ([COMMIT])
░░░░░░░░░░░░░░░░░░░░ 0 of 1 steps done, time not known yet
  next    one
  last snapshot never · last push never

what you may type next:
  buildkeep run

"#]]
    );
    let name = std::ffi::OsStr::from_bytes(b"k\xff");
    let refused = env
        .buildkeep(&["init"])
        .arg(name)
        .arg("--yes")
        .output()
        .unwrap();
    assert_data_eq!(
        env.shown(&refused),
        str![[r#"
--- stderr
error: [ROOT]/k� is not UTF-8, which the path of a keep must be
--- exit 2

"#]]
    );
}

#[test]
fn what_an_interrupted_init_left_is_finished() {
    let env = scripts();
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    let branch = env.path("k/.git/refs/heads/main");
    std::fs::remove_file(branch).unwrap();
    std::fs::remove_file(env.path("k/plan.toml")).unwrap();
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    env.stdout(&["-C", "k", "run"]);
}

#[test]
fn a_repository_becomes_a_keep_and_one_without_git_again() {
    let env = scripts();
    env.write("k/mine", "x\n");
    env.git(&["init", "-q", "-b", "trunk", "k"]);
    env.write("k/.git/info/exclude", "*.o");
    env.stdout(&["init", "k", "--yes"]);
    let exclude = std::fs::read_to_string(env.path("k/.git/info/exclude")).unwrap();
    assert_eq!(exclude, "*.o\n/.buildkeep/\n.buildkeep-tmp-*\n");
    assert_eq!(env.git(&["-C", "k", "config", "gc.auto"]), "0\n");
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "77"]);
    std::fs::remove_dir_all(env.path("k/.git")).unwrap();
    env.stdout(&["init", "k", "--yes"]);
    assert_eq!(
        env.stdout(&["-C", "k", "config", "get", "build.jobs"]),
        "77\n"
    );
}

#[test]
fn a_second_work_tree_is_read_and_not_written() {
    let env = scripts();
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    env.git(&["-C", "k", "worktree", "add", "-q", "../w"]);
    env.stdout(&["-C", "w", "status"]);
    assert_data_eq!(
        env.run(&["-C", "w", "config", "set", "build.jobs", "77"]),
        str![[r#"
--- stderr
error: [ROOT]/w is a second work tree of [ROOT]/k/.git: buildkeep only reads here
hint: work in the first one; plain `git commit` here is checked by the hooks
hint: or make a keep of its own: `buildkeep clone`
--- exit 2

"#]]
    );
    assert_eq!(env.git(&["-C", "w", "status", "--porcelain"]), "");
}

#[test]
fn a_clone_cannot_lead_writes_out_of_the_keep() {
    let env = scripts();
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    std::fs::create_dir(env.path("victim")).unwrap();
    env.git(&["clone", "-q", "k", "evil"]);
    symlink("../victim", env.path("evil/.buildkeep")).unwrap();
    env.git(&["-C", "evil", "add", "-f", ".buildkeep"]);
    env.git(&["-C", "evil", "commit", "-q", "-m", "evil"]);
    let shown = [
        env.run(&["clone", "evil", "c"]),
        env.run(&["-C", "evil", "config", "set", "build.jobs", "77"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: [ROOT]/c comes with files in .buildkeep, which belong to one machine only
hint: do you trust it? nothing was left behind
hint: in the original: `git rm -r --cached .buildkeep`, commit, push
--- exit 2

--- stderr
error: [ROOT]/evil/.buildkeep is a symlink: buildkeep writes there, and must not be led elsewhere
hint: remove the link: `rm [ROOT]/evil/.buildkeep`; a folder on another disk can be mounted there
--- exit 2

"#]]
    );
    assert!(!env.path("c").exists());
    assert_eq!(std::fs::read_dir(env.path("victim")).unwrap().count(), 0);
}

#[test]
fn configuration_behind_a_symlink_is_refused() {
    let env = scripts();
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    let file = env.path("k/config/build.toml");
    std::fs::rename(&file, env.path("elsewhere.toml")).unwrap();
    symlink(env.path("elsewhere.toml"), &file).unwrap();
    let one = env.run(&["-C", "k", "config", "set", "build.jobs", "77"]);
    std::fs::rename(env.path("k/config"), env.path("config")).unwrap();
    symlink("../config", env.path("k/config")).unwrap();
    let all = env.run(&["-C", "k", "config", "set", "build.jobs", "77"]);
    assert_data_eq!(
        [one, all].join("\n"),
        str![[r#"
--- stderr
error[K017]: this is a symlink: configuration must be plain files, which have a history
--> config/build.toml
 = help: replace it by what it points at: `cp --remove-destination "$(realpath config/build.toml)" config/build.toml`
hint: nothing was changed
--- exit 2

--- stderr
error[K017]: this is a symlink: configuration must be plain files, which have a history
--> config
 = help: replace it by what it points at: `cp --remove-destination "$(realpath config)" config`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert!(env.path("config/build.toml").is_symlink());
}

#[test]
fn a_submodule_is_no_place_for_a_keep() {
    let env = scripts();
    env.git(&["init", "--quiet", "inner"]);
    env.git(&[
        "-C",
        "inner",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    ]);
    env.git(&["init", "--quiet", "outer"]);
    let allow = "protocol.file.allow=always";
    let add = ["submodule", "--quiet", "add", "../inner", "inner"];
    env.git(&[&["-C", "outer", "-c", allow][..], &add].concat());
    let shown = env.run(&["init", "outer/inner", "--scripts", "s", "--yes"]);
    assert!(shown.contains("is a submodule"), "{shown}");
    assert!(!env.path("outer/inner/buildkeep.toml").exists());
}
