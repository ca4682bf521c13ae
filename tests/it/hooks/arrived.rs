//! post-merge, post-checkout, post-rewrite: one line if what came in is not valid.
use snapbox::{assert_data_eq, str};

use super::{BAD, GOOD, git, sneak};
use crate::config::keep;
use crate::env::Env;

/// A keep with a branch `bad`.
fn branched() -> Env {
    let env = keep();
    env.git(&["-C", "k", "switch", "-qc", "bad"]);
    sneak(&env, "config/build.toml", BAD, "bad");
    env.git(&["-C", "k", "switch", "-q", "main"]);
    env
}

#[test]
fn what_came_in_is_told_in_one_line() {
    let env = branched();
    assert_data_eq!(
        git(&env, &["switch", "-q", "bad"]),
        str![[r#"
--- stderr
buildkeep: the configuration is not valid now: config/build.toml:2:8: `build.jobs` must be a whole number, not text (buildkeep config validate)

"#]]
    );
    assert_eq!(git(&env, &["switch", "-q", "main"]), "");
    let merged = git(&env, &["merge", "-q", "bad"]);
    assert_eq!(merged.matches("not valid now").count(), 1, "{merged}");
    assert!(!merged.contains("--- exit"), "{merged}");
    let amended = git(&env, &["commit", "-q", "--amend", "--no-verify", "-m", "b"]);
    assert_eq!(amended.matches("not valid now").count(), 1, "{amended}");
    let files = git(
        &env,
        &["checkout", "-q", "HEAD~1", "--", "config/build.toml"],
    );
    assert_eq!(files, "");
}

#[test]
fn the_same_configuration_is_not_told_again() {
    let env = branched();
    git(&env, &["switch", "-q", "bad"]);
    assert_eq!(git(&env, &["switch", "-qc", "too"]), "");
    sneak(&env, "notes.txt", "1\n", "notes");
    assert_eq!(git(&env, &["switch", "-q", "bad"]), "");
}

#[test]
fn a_rebase_is_quiet_but_for_its_end() {
    let env = branched();
    sneak(&env, "notes.txt", "1\n", "notes");
    env.git(&["-C", "k", "switch", "-q", "bad"]);
    for number in 0..5 {
        sneak(&env, "more.txt", &format!("{number}\n"), "more");
    }
    let rebased = git(&env, &["rebase", "-q", "main"]);
    assert_eq!(rebased.matches("not valid now").count(), 1, "{rebased}");
    sneak(&env, "config/build.toml", GOOD, "good");
    env.git(&["-C", "k", "switch", "-q", "main"]);
    sneak(&env, "notes.txt", "2\n", "notes");
    env.git(&["-C", "k", "switch", "-q", "bad"]);
    assert_eq!(git(&env, &["rebase", "-q", "main"]), "");
}

#[test]
fn nothing_makes_them_fail() {
    let env = branched();
    std::fs::remove_dir_all(env.path("k/.buildkeep")).unwrap();
    let shown = git(&env, &["switch", "-q", "bad"]);
    assert!(
        shown.contains("not valid now") && !shown.contains("--- exit"),
        "{shown}"
    );
    assert!(!env.path("k/.buildkeep").exists(), "a hook makes none");
    env.git(&["-C", "k", "switch", "-q", "--orphan", "empty"]);
    for words in [
        ["hook", "post-merge"],
        ["hook", "post-rewrite"],
        ["hook", "post-checkout"],
    ] {
        let output = env.run_in("k", &words);
        assert_eq!(output, "");
    }
}
