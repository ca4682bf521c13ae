//! Hooks of the user's own: they go on to run, and get their places back byte for byte.
use std::os::unix::fs::symlink;

use snapbox::{assert_data_eq, str};

use super::{BAD, contents, git, states};
use crate::config::{k, keep};
use crate::env::Env;

/// A keep without our hooks.
fn bare_keep() -> Env {
    let env = keep();
    env.stdout(&["-C", "k", "hooks", "remove"]);
    env
}

#[test]
fn a_hook_of_the_users_own_goes_on_to_run() {
    let env = bare_keep();
    assert_eq!(states(&env), ["missing"; 7]);
    let own = "#!/bin/sh\necho mine >&2\n[ ! -e stop ]\n";
    env.script("k/.git/hooks/pre-commit", own);
    assert_eq!(states(&env)[..2], ["foreign", "missing"]);
    assert_data_eq!(
        k(&env, "hooks install"),
        str![[r#"
pre-commit        installed, after yours: [ROOT]/k/.git/hooks/pre-commit.user
pre-merge-commit  installed
commit-msg        installed
pre-push          installed
post-merge        installed
post-checkout     installed
post-rewrite      installed

"#]]
    );
    env.write("k/notes.txt", "1\n");
    env.git(&["-C", "k", "add", "notes.txt"]);
    assert_eq!(git(&env, &["commit", "-qm", "one"]), "--- stderr\nmine\n");
    env.write("k/config/build.toml", BAD);
    let both = git(&env, &["commit", "-qam", "bad"]);
    assert!(both.starts_with("--- stderr\nmine\nerror[K004]"), "{both}");
    env.write("k/stop", "");
    let stopped = git(&env, &["commit", "-qm", "two", "--allow-empty"]);
    assert_eq!(stopped, "--- stderr\nmine\n--- exit 1\n");
}

#[test]
fn everything_comes_back_byte_for_byte() {
    let env = bare_keep();
    env.script("k/.git/hooks/pre-commit", "#!/bin/sh\nexit 0");
    env.write("k/.git/hooks/commit-msg", "not executable, \u{e9}\n");
    env.script("k/tools/check", "#!/bin/sh\necho linked >&2\n");
    symlink("../../tools/check", env.path("k/.git/hooks/pre-push")).unwrap();
    symlink("nowhere", env.path("k/.git/hooks/post-merge")).unwrap();
    let folder = env.path("k/.git/hooks");
    let config = std::fs::read(env.path("k/.git/config")).unwrap();
    let before = contents(&folder);
    for _ in 0..2 {
        env.stdout(&["-C", "k", "hooks", "install"]);
    }
    assert_eq!(states(&env), ["installed script"; 7]);
    let commit = git(&env, &["commit", "-qm", "x", "--allow-empty"]);
    assert_eq!(
        commit, "",
        "what is not executable was not run before either"
    );
    env.git(&["init", "-q", "--bare", "far.git"]);
    let push = git(&env, &["push", "-q", "../far.git", "main"]);
    assert_eq!(push, "--- stderr\nlinked\n");
    for _ in 0..2 {
        env.stdout(&["-C", "k", "hooks", "remove"]);
    }
    assert_eq!(contents(&folder), before);
    assert_eq!(std::fs::read(env.path("k/.git/config")).unwrap(), config);
}

#[test]
fn two_hooks_of_the_user_are_not_mixed_up() {
    let env = bare_keep();
    env.script("k/.git/hooks/pre-commit", "#!/bin/sh\n: one\n");
    env.script("k/.git/hooks/pre-commit.user", "#!/bin/sh\n: two\n");
    assert_data_eq!(
        k(&env, "hooks install"),
        str![[r#"
--- stderr
error: [ROOT]/k/.git/hooks/pre-commit is not ours, and [ROOT]/k/.git/hooks/pre-commit.user exists too
hint: put both into one file, remove [ROOT]/k/.git/hooks/pre-commit, and try again
--- exit 2

"#]]
    );
}

#[test]
fn both_are_told_what_is_pushed_and_nobody_is_told_nothing() {
    let env = bare_keep();
    env.script("k/.git/hooks/pre-push", "#!/bin/sh\ncat >> ../told\n");
    env.stdout(&["-C", "k", "hooks", "install"]);
    env.git(&["init", "-q", "--bare", "far.git"]);
    assert_eq!(git(&env, &["push", "-q", "../far.git", "main"]), "");
    let told = std::fs::read_to_string(env.path("told")).unwrap();
    assert!(
        told.starts_with("refs/heads/main ") && told.ends_with('\n'),
        "{told:?}"
    );
    assert_eq!(git(&env, &["push", "-q", "../far.git", "main"]), "");
    let again = std::fs::read_to_string(env.path("told")).unwrap();
    assert_eq!(again, told, "nothing to push is nothing to tell");
}

#[test]
fn a_hook_runs_in_every_work_tree_and_is_installed_from_any() {
    let env = bare_keep();
    env.git(&["-C", "k", "worktree", "add", "-q", "../side", "-b", "side"]);
    env.stdout(&["-C", "side", "hooks", "install"]);
    assert_eq!(states(&env), ["installed script"; 7]);
    env.write("side/config/build.toml", BAD);
    let mut command = env.command("git");
    command
        .current_dir(env.path("side"))
        .args(["commit", "-qam", "bad"]);
    let shown = env.shown(&command.output().unwrap());
    assert!(shown.contains("the commit was refused"), "{shown}");
}
