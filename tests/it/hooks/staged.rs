//! pre-commit: what is staged, whichever way.
use snapbox::{assert_data_eq, str};

use super::{BAD, git, sneak};
use crate::config::keep;

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
warning: buildkeep was not found: pre-commit checks nothing

"#]]
    );
}

#[test]
fn a_file_named_to_commit_is_judged_alone() {
    let env = keep();
    env.write("k/config/build.toml", BAD);
    env.write("k/notes.txt", "1\n");
    env.git(&["-C", "k", "add", "notes.txt", "config/build.toml"]);
    assert_eq!(git(&env, &["commit", "-qm", "notes", "notes.txt"]), "");
    let named = git(&env, &["commit", "-qm", "bad", "config/build.toml"]);
    assert!(named.contains("config/build.toml:2:8"), "{named}");
    let mut patch = env.command("git");
    patch
        .current_dir(env.path("k"))
        .args(["commit", "-qpm", "bad"])
        .stdin(std::process::Stdio::null());
    let patch = env.shown(&patch.output().unwrap());
    assert!(patch.contains("the commit was refused"), "{patch}");
    assert_eq!(env.git(&["-C", "k", "log", "--format=%s", "-1"]), "notes\n");
}

#[test]
fn what_is_only_meant_to_be_added_is_not_judged() {
    let env = keep();
    env.write("k/config/more.toml", "not toml");
    env.git(&["-C", "k", "add", "-N", "config/more.toml"]);
    let empty = git(&env, &["commit", "-qm", "x", "--allow-empty"]);
    assert_eq!(empty, "");
}

#[test]
fn a_sparse_index_hides_nothing() {
    let env = keep();
    sneak(&env, "config/build.toml", BAD, "bad");
    env.git(&["-C", "k", "config", "index.sparse", "true"]);
    env.git(&[
        "-C",
        "k",
        "sparse-checkout",
        "set",
        "--sparse-index",
        "scripts",
    ]);
    assert!(!env.path("k/config").exists());
    let shown = git(&env, &["commit", "-qm", "x", "--allow-empty"]);
    assert!(shown.contains("config/build.toml:2:8"), "{shown}");
}

#[test]
fn a_branch_that_is_no_keep_is_none_of_our_business() {
    let env = keep();
    env.git(&["-C", "k", "switch", "-q", "--orphan", "pages"]);
    env.write("k/config/build.toml", "not toml");
    env.git(&["-C", "k", "add", "-A"]);
    assert_eq!(git(&env, &["commit", "-qm", "pages"]), "");
}

#[test]
fn the_hook_goes_where_git_says_and_not_where_the_user_is() {
    let env = keep();
    env.write("k/config/build.toml", BAD);
    let elsewhere = env.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let root = env.path("k");
    let mut command = env.command("git");
    command
        .current_dir(&elsewhere)
        .env("GIT_DIR", root.join(".git"))
        .env("GIT_WORK_TREE", &root)
        .env("BUILDKEEP_DIR", "/nowhere")
        .args(["commit", "-qam", "bad"]);
    let shown = env.shown(&command.output().unwrap());
    assert!(shown.contains("config/build.toml:2:8"), "{shown}");
}

#[test]
fn a_poor_path_and_a_strange_place_of_the_program_do_not_matter() {
    let env = keep();
    let place = env.path("it's \"my\" place");
    std::fs::create_dir(&place).unwrap();
    let program = place.join("build keep");
    std::fs::copy(env!("CARGO_BIN_EXE_buildkeep"), &program).unwrap();
    let mut install = env.command(program.to_str().unwrap());
    let install = install.args(["-C", "k", "hooks", "install"]).output();
    assert!(install.unwrap().status.success());
    let git_program = env.git(&["--exec-path"]);
    env.write("k/config/build.toml", BAD);
    let mut command = env.command(&format!("{}/git", git_program.trim()));
    command
        .current_dir(env.path("k"))
        .env("PATH", "/usr/bin:/bin")
        .args(["commit", "-qam", "bad"]);
    let shown = env.shown(&command.output().unwrap());
    assert!(shown.contains("config/build.toml:2:8"), "{shown}");
}

#[test]
fn checks_are_validated_with_the_rest() {
    let env = keep();
    env.write(
        "k/checks/own.toml",
        "[[check]]\nid = \"m4\"\nkind = \"tool\"\nwhy = \"It is needed.\"\nmodules = [\"x\"]\n",
    );
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let rest: Vec<&str> = settings
        .lines()
        .filter(|line| !line.starts_with("checks"))
        .collect();
    let named = format!("checks = [\"own\", \"lfs-12.4\"]\n{}\n", rest.join("\n"));
    env.write("k/buildkeep.toml", &named);
    let expected = [
        "error[K505]: there is no set of checks `lfs-12.4`",
        "--> buildkeep.toml:1:18",
        "did you mean `lfs-12.3`?",
        "error[K501]: a check of kind `tool` does not read `modules`",
        "--> checks/own.toml:5:1",
    ];
    env.git(&["-C", "k", "add", "."]);
    for shown in [
        git(&env, &["commit", "-qm", "bad"]),
        env.run(&["-C", "k", "commit", "-m", "bad"]),
        env.run(&["-C", "k", "config", "validate"]),
    ] {
        for expected in expected {
            assert!(shown.contains(expected), "{expected}\n{shown}");
        }
    }
    env.write("k/buildkeep.toml", &named.replace("12.4", "12.3"));
    let good = "[[check]]\nid = \"m4\"\nkind = \"tool\"\nwhy = \"It is needed.\"\n";
    env.write("k/checks/own.toml", good);
    env.git(&["-C", "k", "add", "."]);
    assert_data_eq!(git(&env, &["commit", "-qm", "good"]), str![""]);
}
