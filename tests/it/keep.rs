//! init, commit, log, show, diff, tag: a story, with every line of output.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep `k` made from two scripts.
fn keep() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.script("s/02-two.sh", "#!/bin/sh\necho two\n");
    env.stdout(&["init", "k", "--scripts", "s", "--root", "r", "--yes"]);
    env
}

#[test]
fn init_says_what_it_made_and_what_comes_next() {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    assert_data_eq!(
        env.run(&["init", "k", "--scripts", "s", "--root", "r", "--yes"]),
        str![[r#"
made the keep [ROOT]/k (template generic, host box-00z9)
  1 build script in [ROOT]/k/scripts, versioned there
  builds into [ROOT]/r

what you may type next:
  buildkeep -C k check   is this machine fit for the build
  buildkeep -C k plan    what will be built, in which order
  buildkeep -C k run     build it

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    env.git(&["-C", "k", "fsck", "--strict"]);
}

#[test]
fn init_refuses_what_would_hurt() {
    let env = keep();
    env.script("bad/01-x.sh", "echo no first line\n");
    std::fs::create_dir(env.path("full")).unwrap();
    env.write("full/plan.toml", "mine\n");
    let shown = [
        env.run(&["init", "k", "--yes"]),
        env.run(&["init", "k/inner", "--yes"]),
        env.run(&["init", "n", "--root", "/", "--yes"]),
        env.run(&["init", "n", "--root", "", "--yes"]),
        env.run(&["init", "n", "--scripts", "nowhere", "--yes"]),
        env.run(&["init", "n", "--scripts", "bad", "--yes"]),
        env.run(&["init", "full", "--yes"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: [ROOT]/k is a keep already
hint: look at it: `buildkeep -C [ROOT]/k status`
--- exit 2

--- stderr
error: [ROOT]/k/inner lies inside the keep [ROOT]/k
hint: choose a folder outside of it
--- exit 2

--- stderr
error: the build root is `/`: a build there would overwrite this machine
hint: name the folder that is built: `--root /mnt/lfs`
--- exit 2

--- stderr
error: the build root is empty
hint: is the variable set? `echo "$LFS"`
--- exit 2

--- stderr
error: cannot open [ROOT]/nowhere: No such file or directory (os error 2)
--- exit 2

--- stderr
error: [ROOT]/bad/01-x.sh: its first line names no interpreter (no `#!`)
hint: sed -i '1i #!/bin/sh' [ROOT]/bad/01-x.sh
--- exit 2

--- stderr
error: [ROOT]/full/plan.toml exists, and would be overwritten
hint: choose a new folder for the keep
--- exit 2

"#]]
    );
    assert!(!env.path("n").exists(), "nothing was changed");
    assert!(!env.path("k/inner").exists(), "nothing was changed");
}

#[test]
fn changes_are_shown_committed_and_named() {
    let env = keep();
    env.write("k/scripts/02-two.sh", "#!/bin/sh\necho 2\n");
    let shown = [
        env.run_in("k", &["diff"]),
        env.run_in("k", &["commit", "-m", "scripts: say 2"]),
        env.run_in("k", &["commit"]),
        env.run_in("k", &["tag", "good-one", "-m", "it works"]),
        env.run_in("k", &["tag", "good-one"]),
        env.run_in("k", &["tag", "good-one", "HEAD~1"]),
        env.run_in("k", &["tag"]),
        env.run_in("k", &["tag", "bad..name"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
scripts/02-two.sh (modified)
@@ -1,2 +1,2 @@
 #!/bin/sh
-echo two
+echo 2

committed [COMMIT] scripts: say 2
  modified scripts/02-two.sh

nothing to commit

good-one         [COMMIT] scripts: say 2

good-one         [COMMIT] scripts: say 2
--- stderr
it has this name already

--- stderr
error: refs/tags/good-one exists already
hint: look at it: `buildkeep show good-one`
--- exit 2

good-one         [COMMIT] scripts: say 2

--- stderr
error: `refs/tags/bad..name` cannot be the name of a tag or branch
hint: use letters, digits, `.`, `-` and `_`, as in `good-2026.1`
--- exit 2

"#]]
    );
    assert_eq!(
        env.git(&[
            "-C",
            "k",
            "tag",
            "-l",
            "--format=%(refname:short) %(contents:subject)"
        ]),
        "good-one it works\n"
    );
    assert_eq!(
        env.git(&[
            "-C",
            "k",
            "log",
            "--format=%s%x20%(trailers:key=Buildkeep-Kind,valueonly)",
            "-1"
        ])
        .trim(),
        "scripts: say 2 config"
    );
}

#[test]
fn commands_outside_a_keep_say_so() {
    let env = Env::new();
    assert_data_eq!(
        env.run(&["log"]),
        str![[r#"
--- stderr
error: no keep in [ROOT] or above it
hint: make one here: `buildkeep init`
hint: or name one: `buildkeep -C DIR …`
--- exit 2

"#]]
    );
}

#[test]
fn versions_are_counted_the_same_with_and_without_what_was_remembered() {
    let env = keep();
    let version = |env: &Env| env.json(&["-C", "k", "status"])["config"]["version"].clone();
    for jobs in ["301", "302", "303"] {
        env.stdout(&["-C", "k", "config", "set", "build.jobs", jobs]);
    }
    let text = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write("k/config/build.toml", &(text + "# mine\n"));
    env.git(&["-C", "k", "commit", "--quiet", "-am", "by hand"]);
    env.write("k/notes", "no configuration\n");
    env.stdout(&["-C", "k", "commit", "-m", "notes"]);
    for _ in 0..20 {
        env.git(&[
            "-C",
            "k",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "nothing",
        ]);
    }
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "305"]);
    assert_eq!(version(&env), 6);
    std::fs::remove_file(env.path("k/.buildkeep/cache/versions")).unwrap();
    assert_eq!(version(&env), 6);
    env.write("k/.buildkeep/cache/versions", "nonsense");
    assert_eq!(version(&env), 6);
    let last = env.git(&[
        "-C",
        "k",
        "log",
        "-1",
        "--format=%(trailers:key=Buildkeep-Version,valueonly)",
    ]);
    assert_eq!(last.trim(), "6");
}

#[test]
fn names_that_mean_something_are_refused() {
    let env = keep();
    let names = ["v3", "HEAD", "last-good", "good", "-x"];
    for name in names {
        let shown = env.run_in("k", &["tag", "--", name]);
        assert!(shown.contains("is no name for a version"), "{shown}");
    }
    env.git(&["-C", "k", "tag", "good"]);
    let shown = env.run_in("k", &["run"]);
    let words = "could not be marked as good: the name refs/tags/good is in the way";
    assert!(
        shown.contains(words) && !shown.contains("--- exit"),
        "{shown}"
    );
    env.git(&["-C", "k", "tag", "a/b"]);
    assert_data_eq!(
        env.run_in("k", &["tag", "a"]),
        str![[r#"
--- stderr
error: refs/tags/a/b is in the way of refs/tags/a
hint: choose another name
hint: or take the old one away: `buildkeep tag --delete a/b`
--- exit 2

"#]]
    );
}

#[test]
fn a_message_is_a_subject_and_a_body_and_nothing_else() {
    let env = keep();
    env.write("k/odd\nname\u{1b}[31m", "");
    let typed = "one\u{1b}[31m\n\nwhy\n\nBuildkeep-Kind: run";
    let shown = [
        env.run_in("k", &["commit", "-m", " "]),
        env.run_in("k", &["commit", "-m", typed]),
        env.run_in("k", &["show"]),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error: the message is empty
hint: say what changed, or leave -m out for a message of ours
--- exit 2

committed [COMMIT] one [31m
  added    odd␊name␛[31m

commit        [COMMIT]
author        Test Er
time          2026-01-02T03:04:05Z
host          box-00z9
kind          config
op            01KDYAK34800000000000002XR

    one [31m
    why

    Buildkeep-Kind: run

odd␊name␛[31m (added, empty)

"#]]
    );
    assert_eq!(env.json(&["-C", "k", "show"])["kind"], "config");
}

#[test]
fn a_path_is_found_from_any_folder() {
    let env = keep();
    env.write("k/plan.toml", "schema = 1\n");
    env.write("k/other", "");
    env.stdout(&["-C", "k", "hooks", "status"]);
    let shown = env.run_in(
        "k/config",
        &["commit", "../plan.toml", "-m", "plan: shorter"],
    );
    assert!(shown.contains("modified plan.toml"), "{shown}");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "?? other\n");
}

#[test]
fn damage_is_told_apart_from_a_bug_of_ours() {
    let env = keep();
    env.write("k/.git/HEAD", "");
    let shown = env.run(&["-C", "k", "log"]);
    assert!(
        shown.contains("hint: is something damaged? `buildkeep doctor`"),
        "{shown}"
    );
    assert!(shown.contains("--- exit 2"), "{shown}");
}

#[test]
fn a_keep_is_made_where_dash_c_says() {
    let env = Env::new();
    env.stdout(&["-C", "there", "init", "--template", "generic", "--yes"]);
    assert!(env.path("there/buildkeep.toml").is_file());
    assert!(!env.path("buildkeep.toml").exists());
}
