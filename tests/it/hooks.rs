//! Git hooks: plain `git commit` and `git push` meet the same checks.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

/// Runs git and shows everything, whatever the exit code.
fn git(env: &Env, args: &[&str]) -> String {
    let mut command = env.command("git");
    command.current_dir(env.path("k")).args(args);
    env.shown(&command.output().unwrap())
}

#[test]
fn plain_git_commit_is_refused_if_the_staged_file_is_wrong() {
    let env = keep();
    let good = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write("k/config/build.toml", "[build]\njobs = \"16\"\n");
    env.git(&["-C", "k", "add", "config/build.toml"]);
    env.write("k/config/build.toml", &good);
    assert_data_eq!(
        git(&env, &["commit", "-m", "bad"]),
        str![[r#"
--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:2:8
  |
2 | jobs = "16"
  |        ^^^^
  |
  = help: remove the quotes: `jobs = 16`

buildkeep: the commit was refused: the configuration is not valid
hint: mend it, `git add` the file, and commit again
--- exit 1

"#]]
    );
    env.git(&["-C", "k", "add", "config/build.toml"]);
    env.write("k/config/build.toml", "broken");
    env.write("k/notes.txt", "fine\n");
    env.git(&["-C", "k", "add", "notes.txt"]);
    assert_data_eq!(
        git(&env, &["commit", "-qm", "what is staged is fine"]),
        str![""]
    );
    assert_data_eq!(
        git(&env, &["commit", "-qam", "with -a it is not"]),
        str![[r#"
--- stderr
error[K001]: this key has no value
 --> config/build.toml:1:2
  |
1 | …
  |  ^
  |
  = help: write `key = value`, or put `#` before a comment

buildkeep: the commit was refused: the configuration is not valid
hint: mend it, `git add` the file, and commit again
--- exit 1

"#]]
    );
}

#[test]
fn a_push_of_what_bypassed_the_check_is_refused() {
    let env = keep();
    env.git(&["init", "-q", "--bare", "far.git"]);
    env.write("k/config/build.toml", "[build]\njobs = \"16\"\n");
    env.git(&["-C", "k", "commit", "-qam", "bad", "--no-verify"]);
    assert_data_eq!(
        git(&env, &["push", "-q", "../far.git", "main"]),
        str![[r#"
--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:2:8
  |
2 | jobs = "16"
  |        ^^^^
  |
  = help: remove the quotes: `jobs = 16`

buildkeep: the push of refs/heads/main was refused: the configuration is not valid
hint: mend it, commit, and push again
error: failed to push some refs to '../far.git'
--- exit 1

"#]]
    );
    assert_eq!(env.git(&["-C", "far.git", "for-each-ref"]), "");
}

#[test]
fn a_hook_of_the_users_own_goes_on_to_run() {
    let env = keep();
    env.stdout(&["-C", "k", "hooks", "remove"]);
    assert_data_eq!(
        k(&env, "hooks status"),
        str![[r#"
pre-commit        not installed
pre-merge-commit  not installed
pre-push          not installed
--- exit 1

"#]]
    );
    env.script(
        "k/.git/hooks/pre-commit",
        "#!/bin/sh\necho mine >&2\n[ ! -e stop ]\n",
    );
    assert_data_eq!(
        k(&env, "hooks status"),
        str![[r#"
pre-commit        yours, without ours
pre-merge-commit  not installed
pre-push          not installed
--- exit 1

"#]]
    );
    assert_data_eq!(
        k(&env, "hooks install"),
        str![[r#"
pre-commit        installed, after yours: [ROOT]/k/.git/hooks/pre-commit.user
pre-merge-commit  installed
pre-push          installed

"#]]
    );
    env.write("k/notes.txt", "1\n");
    env.git(&["-C", "k", "add", "notes.txt"]);
    assert_data_eq!(
        git(&env, &["commit", "-qm", "one"]),
        str![[r#"
--- stderr
mine

"#]]
    );
    env.write("k/stop", "");
    assert_data_eq!(
        git(&env, &["commit", "-qm", "two", "--allow-empty"]),
        str![[r#"
--- stderr
mine
--- exit 1

"#]]
    );
    env.stdout(&["-C", "k", "hooks", "remove"]);
    let own = std::fs::read_to_string(env.path("k/.git/hooks/pre-commit")).unwrap();
    assert!(own.contains("echo mine"));
}

#[test]
fn other_work_trees_and_merges_are_checked_too() {
    let env = keep();
    env.git(&["-C", "k", "worktree", "add", "-q", "../side", "-b", "side"]);
    env.write("side/config/build.toml", "[build]\njobs = \"16\"\n");
    let mut command = env.command("git");
    command
        .current_dir(env.path("side"))
        .args(["commit", "-qam", "bad"]);
    assert_data_eq!(
        env.shown(&command.output().unwrap()),
        str![[r#"
--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:2:8
  |
2 | jobs = "16"
  |        ^^^^
  |
  = help: remove the quotes: `jobs = 16`

buildkeep: the commit was refused: the configuration is not valid
hint: mend it, `git add` the file, and commit again
--- exit 1

"#]]
    );
    env.git(&["-C", "side", "commit", "-qam", "bad", "--no-verify"]);
    env.write("k/notes.txt", "1\n");
    env.stdout(&["-C", "k", "commit", "-m", "notes"]);
    let merge = git(&env, &["merge", "-q", "side"]);
    assert!(
        merge.contains("the commit was refused") && merge.ends_with("--- exit 1\n"),
        "{merge}"
    );
}

#[test]
fn hooks_that_git_looks_for_elsewhere_are_warned_of() {
    let env = keep();
    env.git(&["-C", "k", "config", "core.hooksPath", ".husky"]);
    assert_data_eq!(
        k(&env, "hooks status"),
        str![[r#"
pre-commit        installed
pre-merge-commit  installed
pre-push          installed
--- stderr
warning: core.hooksPath is `.husky`: Git runs the hooks there, and not these

"#]]
    );
}

#[test]
fn a_missing_program_does_not_stop_git() {
    let env = keep();
    let hook = env.path("k/.git/hooks/pre-commit");
    let text = std::fs::read_to_string(&hook).unwrap();
    env.script(
        "k/.git/hooks/pre-commit",
        &text.replace(env!("CARGO_BIN_EXE_buildkeep"), "/gone"),
    );
    assert_data_eq!(
        git(&env, &["commit", "-qm", "x", "--allow-empty"]),
        str![[r#"
--- stderr
warning: buildkeep was not found: the configuration is not checked

"#]]
    );
}
