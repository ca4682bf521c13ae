//! Commits that went past validation: found by `status`, stopped on their way out.
use snapbox::{assert_data_eq, str};

use super::{BAD, GOOD, git, sneak};
use crate::config::{k, keep};
use crate::env::Env;

fn bypassed(env: &Env) -> Vec<(String, bool)> {
    let status = env.json(&["-C", "k", "status"]);
    let found = status["bypassed"].as_array().unwrap().iter();
    let subject = |commit: &serde_json::Value| commit["subject"].as_str().unwrap().to_owned();
    found
        .map(|commit| (subject(commit), commit["mended"].as_bool().unwrap()))
        .collect()
}

fn list(commits: &[(&str, bool)]) -> Vec<(String, bool)> {
    let owned = |(subject, mended): &(&str, bool)| ((*subject).to_owned(), *mended);
    commits.iter().map(owned).collect()
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

buildkeep: the push of refs/heads/main was refused: not valid since [COMMIT] (bad)
hint: mend it, commit, and push again
error: failed to push some refs to '../far.git'
--- exit 1

"#]]
    );
    assert_eq!(env.git(&["-C", "far.git", "for-each-ref"]), "");
}

#[test]
fn status_lists_them_until_they_are_pushed() {
    let env = keep();
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "notes.txt", "1\n", "innocent");
    sneak(&env, "config/more.toml", "[more]\nx = \n", "worse");
    assert_data_eq!(
        k(&env, "status"),
        str![[r#"
[ROOT]/k on box-00z9, configuration v4 ([COMMIT])
░░░░░░░░░░░░░░░░░░░░ 0 of 1 steps done, time not known yet
  next    one
  invalid configuration: nothing runs until it is mended
  2 commits went past validation:
    [COMMIT] config/more.toml:2:5 this is not a value
    [COMMIT] config/build.toml:2:8 `build.jobs` must be a whole number, not text
  last snapshot never · last push never

what you may type next:
  buildkeep config validate

"#]]
    );
    assert_eq!(bypassed(&env), list(&[("worse", false), ("bad", false)]));
    sneak(&env, "config/build.toml", GOOD, "good");
    assert_eq!(bypassed(&env), list(&[("worse", false), ("bad", true)]));
    let shown = env.run(&["-C", "k", "status"]);
    let told = shown
        .lines()
        .filter(|line| line.contains("past") || line.contains("[COMMIT] config"));
    assert_data_eq!(
        told.collect::<Vec<_>>().join("\n"),
        str![[r#"
  1 commit went past validation:
    [COMMIT] config/more.toml:2:5 this is not a value
  1 commit went past validation and was mended since (listed until it is pushed):
    [COMMIT] config/build.toml:2:8 `build.jobs` must be a whole number, not text
"#]]
    );
    env.git(&["-C", "k", "rm", "-q", "config/more.toml"]);
    env.stdout(&["-C", "k", "commit"]);
    assert_eq!(bypassed(&env), list(&[("worse", true), ("bad", true)]));
    env.git(&["init", "-q", "--bare", "far.git"]);
    env.stdout(&["-C", "k", "remote", "add", "origin", "../far.git"]);
    let pushed = env.run(&["-C", "k", "push", "--no-vault"]);
    assert!(pushed.contains("(bad) went past validation"), "{pushed}");
    assert_eq!(bypassed(&env), []);
}

#[test]
fn a_revert_and_a_merge_are_found_where_they_began() {
    let env = keep();
    env.git(&["-C", "k", "switch", "-qc", "side"]);
    sneak(&env, "config/build.toml", BAD, "bad on the side");
    sneak(&env, "notes.txt", "1\n", "notes");
    env.git(&["-C", "k", "switch", "-q", "main"]);
    sneak(&env, "other.txt", "1\n", "other");
    env.git(&["-C", "k", "merge", "-q", "--no-verify", "--no-edit", "side"]);
    assert_eq!(bypassed(&env), list(&[("bad on the side", false)]));
    sneak(&env, "config/build.toml", GOOD, "good");
    env.git(&["-C", "k", "revert", "--no-edit", "HEAD"]);
    let found = bypassed(&env);
    assert_eq!(found[0], ("Revert \"good\"".to_owned(), false), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_branch_that_was_rewritten_is_looked_at_again() {
    let env = keep();
    sneak(&env, "config/build.toml", BAD, "bad");
    assert_eq!(bypassed(&env).len(), 1);
    env.git(&["-C", "k", "reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(bypassed(&env), []);
    env.git(&["-C", "k", "reset", "-q", "--hard", "HEAD@{1}"]);
    assert_eq!(bypassed(&env).len(), 1);
    std::fs::remove_dir_all(env.path("k/.buildkeep/cache")).unwrap();
    assert_eq!(bypassed(&env).len(), 1, "the cache is only a cache");
}

#[test]
fn old_commits_are_not_read_again() {
    use buildkeep::config::{Judge, bypassed};
    let env = keep();
    let first = "[build]\njobs = 2\n";
    sneak(&env, "config/build.toml", first, "first");
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "config/build.toml", GOOD, "good");
    let repo = buildkeep::store::Repo::open(&env.path("k/.git")).unwrap();
    let objects = repo.objects();
    let root = env.path("k");
    let look = || {
        let mut judge = Judge::new(&objects, Some(&root));
        let tip = repo.head().unwrap().unwrap();
        bypassed::unpushed(&mut judge, Some(&root), tip, &[])
    };
    assert_eq!(look().unwrap().bypassed.len(), 1);
    let old = env.git(&["-C", "k", "rev-parse", "HEAD~3^{tree}"]);
    let (folder, name) = old.trim().split_at(2);
    std::fs::remove_file(env.path("k/.git/objects").join(folder).join(name)).unwrap();
    sneak(&env, "notes.txt", "1\n", "notes");
    assert_eq!(look().unwrap().bypassed.len(), 1);
    std::fs::remove_dir_all(root.join(".buildkeep/cache")).unwrap();
    assert!(look().is_err(), "without the cache the tree is missed");
}

#[test]
fn our_commands_mend_what_went_past() {
    let env = keep();
    sneak(&env, "config/build.toml", BAD, "bad");
    env.write("k/notes.txt", "1\n");
    let refused = k(&env, "commit");
    assert!(
        refused.contains("config/build.toml:2:8") && refused.ends_with("--- exit 2\n"),
        "{refused}"
    );
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "4"]);
    assert_eq!(bypassed(&env), list(&[("bad", true)]));
    env.stdout(&["-C", "k", "commit"]);
    let tip = git(
        &env,
        &[
            "log",
            "-1",
            "--format=%(trailers:key=Buildkeep-Kind,valueonly)",
        ],
    );
    assert_eq!(tip.trim(), "config");
}

#[test]
fn a_shallow_clone_has_hooks_and_a_plain_one_a_status() {
    let env = keep();
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "notes.txt", "1\n", "notes");
    let url = format!("file://{}", env.path("k").display());
    env.git(&["clone", "-q", &url, "plain"]);
    let status = env.json(&["-C", "plain", "status"]);
    assert_eq!(
        status["bypassed"].as_array().unwrap().len(),
        0,
        "the remote has it"
    );
    env.git(&["-C", "plain", "remote", "remove", "origin"]);
    let status = env.json(&["-C", "plain", "status"]);
    assert_eq!(status["bypassed"].as_array().unwrap().len(), 1);
    assert!(!env.path("plain/.buildkeep").exists());
    env.git(&["clone", "-q", "--depth=1", &url, "shallow"]);
    let installed = env.json(&["-C", "shallow", "hooks", "install"]);
    assert_eq!(installed["hooks"][0]["state"], "installed");
    env.git(&["init", "-q", "--bare", "far.git"]);
    for words in [
        &["commit", "-qm", "x", "--allow-empty"][..],
        &["push", "../far.git", "main"],
    ] {
        let mut command = env.command("git");
        command.current_dir(env.path("shallow")).args(words);
        let shown = env.shown(&command.output().unwrap());
        assert!(shown.contains("config/build.toml:2:8"), "{shown}");
    }
}

#[test]
fn a_commit_that_only_says_it_is_ours_is_found_while_it_matters() {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "5"]);
    env.write("k/config/build.toml", BAD);
    env.git(&["-C", "k", "add", "-A"]);
    env.git(&[
        "-C",
        "k",
        "commit",
        "-q",
        "--amend",
        "--no-edit",
        "--no-verify",
    ]);
    assert_eq!(bypassed(&env).len(), 1);
    env.git(&["init", "-q", "--bare", "far.git"]);
    let refused = git(&env, &["push", "-q", "../far.git", "main"]);
    assert!(refused.contains("not valid since"), "{refused}");
}

#[test]
fn a_range_is_judged_as_the_hooks_would() {
    let env = keep();
    let validate = |range: &str| env.run_in("k", &["config", "validate", "--range", range]);
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "notes.txt", "1\n", "notes");
    let mut shown = vec![validate("v1.."), validate("HEAD~1..HEAD")];
    sneak(&env, "config/build.toml", GOOD, "good");
    shown.extend([
        validate("v1.."),
        validate("HEAD~1.."),
        validate("HEAD"),
        validate("v1..."),
    ]);
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let strict = format!("{settings}\n[hooks]\nevery_commit = true\n");
    sneak(&env, "buildkeep.toml", &strict, "strict");
    shown.push(validate("v1.."));
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] bad
  config/build.toml:2:8 `build.jobs` must be a whole number, not text
not valid: 3 commits checked, 1 went past validation
--- exit 1

[COMMIT] not valid since then, before this range
  config/build.toml:2:8 `build.jobs` must be a whole number, not text
not valid: 1 commit checked
--- exit 1

[COMMIT] bad (mended since)
  config/build.toml:2:8 `build.jobs` must be a whole number, not text
valid: 4 commits checked, 1 went past validation

valid: 1 commit checked

--- stderr
error: `HEAD` is no range
hint: write it as `v3..v5`, or `origin/main..` for what is not pushed
--- exit 2

--- stderr
error: `v1...` is no range
hint: write it as `v3..v5`, or `origin/main..` for what is not pushed
--- exit 2

[COMMIT] bad (mended since)
  config/build.toml:2:8 `build.jobs` must be a whole number, not text
not valid: 5 commits checked, 1 went past validation, and `[hooks] every_commit` allows none
--- exit 1

"#]]
    );
}
