//! Where Git looks for hooks: its configuration, `core.hooksPath`, a folder behind a symlink.
use snapbox::{assert_data_eq, str};

use super::{BAD, contents, git, states};
use crate::config::{k, keep};
use crate::env::Env;

/// A keep without our hooks, whose `core.hooksPath` is `value`.
fn elsewhere(value: &str) -> Env {
    let env = keep();
    env.stdout(&["-C", "k", "hooks", "remove"]);
    env.git(&["-C", "k", "config", "core.hooksPath", value]);
    env
}

/// Commands run with `buildkeep` in their PATH.
fn commit_with_path(env: &Env) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_buildkeep"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut command = env.command("git");
    command.current_dir(env.path("k")).env("PATH", path).args([
        "commit",
        "-qam",
        "x",
        "--allow-empty",
    ]);
    env.shown(&command.output().unwrap())
}

#[test]
fn a_folder_of_the_users_is_never_written_to_unasked() {
    let env = elsewhere("hooks");
    env.script("k/hooks/pre-commit", "#!/bin/sh\necho mine >&2\n");
    let before = contents(&env.path("k/hooks"));
    let shown = k(&env, "hooks install");
    assert!(
        shown.contains(
            "Git looks for hooks in hooks only, which is yours (core.hooksPath, set in .git/config)"
        ),
        "{shown}"
    );
    let line = "add to [ROOT]/k/hooks/pre-commit: buildkeep hook pre-commit \"$@\" || [ $? = 127 ] || exit 1 # by";
    assert!(
        shown.contains(line) && shown.ends_with("--- exit 2\n"),
        "{shown}"
    );
    assert_eq!(contents(&env.path("k/hooks")), before);
    assert_eq!(states(&env)[..2], ["foreign", "missing"]);
}

#[test]
fn it_is_written_to_when_asked_and_comes_back() {
    let env = elsewhere("hooks");
    env.script("k/hooks/pre-commit", "#!/bin/sh\necho mine >&2");
    env.script("k/hooks/post-merge", "#!/usr/bin/env bash\n:\n");
    let before = contents(&env.path("k/hooks"));
    env.stdout(&["-C", "k", "hooks", "install", "--into-hooks-path"]);
    env.stdout(&["-C", "k", "hooks", "install", "--into-hooks-path"]);
    assert_eq!(states(&env), ["installed line"; 7]);
    assert_eq!(commit_with_path(&env), "--- stderr\nmine\n");
    env.write("k/config/build.toml", BAD);
    let shown = commit_with_path(&env);
    assert!(shown.contains("mine\nerror[K004]"), "{shown}");
    let missing = git(&env, &["commit", "-qam", "nobody checks"]);
    assert!(
        missing.contains("not found") && !missing.contains("--- exit"),
        "{missing}"
    );
    env.stdout(&["-C", "k", "hooks", "remove"]);
    assert_eq!(contents(&env.path("k/hooks")), before);
}

#[test]
fn a_line_goes_only_where_it_would_run() {
    let env = elsewhere("hooks");
    for (script, why) in [
        ("#!/usr/bin/env python3\n", "is no shell script"),
        (
            "#!/bin/sh\nexit 0\n",
            "ends before a line after its last one could run",
        ),
        (
            "#!/bin/sh\nexec lint\n\n",
            "ends before a line after its last one could run",
        ),
    ] {
        env.script("k/hooks/pre-commit", script);
        let shown = k(&env, "hooks install --into-hooks-path");
        assert!(
            shown.contains(why) && shown.contains("put this line where it runs"),
            "{shown}"
        );
        let left = std::fs::read_to_string(env.path("k/hooks/pre-commit")).unwrap();
        assert_eq!(left, script);
    }
}

#[test]
fn husky_has_its_scripts_beside_the_folder_that_git_looks_into() {
    let env = elsewhere(".husky/_");
    env.write(
        "k/.husky/_/h",
        "sh -e \"$(dirname \"$(dirname \"$0\")\")/$(basename \"$0\")\" \"$@\"\n",
    );
    env.script(
        "k/.husky/_/pre-commit",
        "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n",
    );
    env.write("k/.husky/pre-commit", "echo mine >&2\n");
    env.stdout(&["-C", "k", "hooks", "install", "--into-hooks-path"]);
    env.write("k/config/build.toml", BAD);
    let shown = commit_with_path(&env);
    assert!(shown.contains("mine\nerror[K004]"), "{shown}");
    env.stdout(&["-C", "k", "hooks", "remove"]);
    let own = std::fs::read_to_string(env.path("k/.husky/pre-commit")).unwrap();
    assert_eq!(own, "echo mine >&2\n");
    assert!(!env.path("k/.husky/pre-push").exists());
}

#[test]
fn a_path_of_the_whole_machine_is_named_with_its_origin() {
    let env = keep();
    env.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    let shown = k(&env, "hooks status");
    let origin = "home/hooks only, which is yours (core.hooksPath, set in ";
    assert!(
        shown.contains(origin) && shown.contains(".gitconfig)"),
        "{shown}"
    );
    assert_eq!(states(&env), ["not_run"; 7]);
    env.git(&["-C", "k", "config", "core.hooksPath", ".git/hooks"]);
    assert_eq!(
        states(&env),
        ["installed script"; 7],
        "that is the usual place"
    );
}

#[test]
fn a_new_keep_is_made_and_says_what_is_missing() {
    let env = Env::new();
    env.git(&["config", "--global", "core.hooksPath", "/srv/hooks"]);
    let shown = env.run(&["init", "k", "--yes"]);
    assert!(
        shown.contains("warning: Git looks for hooks in /srv/hooks only")
            && !shown.contains("--- exit"),
        "{shown}"
    );
}

#[test]
fn a_folder_behind_a_symlink_is_somebody_elses() {
    let env = keep();
    env.stdout(&["-C", "k", "hooks", "remove"]);
    std::fs::rename(env.path("k/.git/hooks"), env.path("shared")).unwrap();
    std::os::unix::fs::symlink("../../shared", env.path("k/.git/hooks")).unwrap();
    let shown = k(&env, "hooks install");
    assert!(shown.contains("set in a symlink"), "{shown}");
    assert!(contents(&env.path("shared")).is_empty());
}

/// A `git` in front of the real one that calls itself newer.
fn newer_git(env: &Env) -> String {
    let script = "#!/bin/sh\nfor word; do [ \"$word\" = version ] && { echo git version 2.54.0; exit; }; done\n";
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|dir| dir.join("git"));
    let real = real
        .filter(|git| git.is_file())
        .find(|git| git.exists())
        .unwrap();
    env.script(
        "bin/git",
        &format!("{script}exec {} \"$@\"\n", real.display()),
    );
    format!("{}:{path}", env.path("bin").display())
}

#[test]
fn a_newer_git_is_told_in_its_configuration() {
    let env = keep();
    env.script("k/.git/hooks/post-merge.user", "#!/bin/sh\n: mine\n");
    let before = std::fs::read(env.path("k/.git/config")).unwrap();
    let path = newer_git(&env);
    let hooks = |words: &str| {
        let mut command = env.buildkeep(&["-C", "k", "hooks", words]);
        env.shown(&command.env("PATH", &path).output().unwrap())
    };
    assert_data_eq!(
        hooks("install"),
        str![[r#"
pre-commit        installed in .git/config
pre-merge-commit  installed in .git/config
commit-msg        installed in .git/config
pre-push          installed in .git/config
post-merge        installed in .git/config, beside yours: [ROOT]/k/.git/hooks/post-merge
post-checkout     installed in .git/config
post-rewrite      installed in .git/config

"#]]
    );
    let named = env.git(&[
        "-C",
        "k",
        "config",
        "--get-regexp",
        "^hook\\.buildkeep-.*\\.event$",
    ]);
    assert_eq!(named.lines().count(), 7, "{named}");
    let command = env.git(&["-C", "k", "config", "hook.buildkeep-pre-commit.command"]);
    env.write("k/config/build.toml", BAD);
    env.git(&["-C", "k", "add", "config/build.toml"]);
    let mut shell = env.command("sh");
    let shown = shell
        .current_dir(env.path("k"))
        .args(["-c", command.trim()]);
    let shown = env.shown(&shown.output().unwrap());
    assert!(shown.contains("the commit was refused"), "{shown}");
    assert_eq!(states(&env)[0], "not_run", "the real one is older");
    let removed = hooks("remove");
    assert!(!removed.contains("installed in"), "{removed}");
    assert_eq!(std::fs::read(env.path("k/.git/config")).unwrap(), before);
    let names: Vec<_> = contents(&env.path("k/.git/hooks"))
        .into_iter()
        .map(|f| f.0)
        .collect();
    assert_eq!(names, ["post-merge"], "the user's own has its name back");
}

#[test]
fn a_newer_git_runs_ours_wherever_it_looks_for_other_hooks() {
    let env = elsewhere("hooks");
    let path = newer_git(&env);
    let mut command = env.buildkeep(&["-C", "k", "hooks", "install"]);
    let shown = env.shown(&command.env("PATH", &path).output().unwrap());
    assert!(
        shown.contains("pre-commit        installed in .git/config\n"),
        "{shown}"
    );
    assert!(!env.path("k/hooks").exists());
}
