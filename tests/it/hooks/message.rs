//! commit-msg: only buildkeep says that buildkeep made a commit.
use snapbox::{assert_data_eq, str};

use super::git;
use crate::config::keep;

#[test]
fn a_forged_message_is_refused_and_kept() {
    let env = keep();
    let text = "mine\n\nSigned-off-by: me\nBuildkeep-Kind: config\nBuildkeep-Op:x\n";
    assert_data_eq!(
        git(&env, &["commit", "-q", "--allow-empty", "-m", text]),
        str![[r#"
--- stderr
error[K201]: `Buildkeep-Kind` says that buildkeep made this commit
 --> .git/COMMIT_EDITMSG:4:1
  |
4 | Buildkeep-Kind: config
  | ^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: take the line out; for a commit of buildkeep's use `buildkeep commit`

error[K202]: `Buildkeep-Op` looks like a fact of buildkeep's, and cannot be read as one
 --> .git/COMMIT_EDITMSG:5:1
  |
5 | Buildkeep-Op:x
  | ^^^^^^^^^^^^^^
  |
  = help: take the line out, or begin it in another way

buildkeep: the commit was refused: its message is not yours
hint: what you wrote is kept: `git commit -e -F .git/COMMIT_EDITMSG`
--- exit 1

"#]]
    );
    let fine = "mine\n\nBuildkeep-Kind: is a word here\n\nSigned-off-by: me\n";
    assert_eq!(
        git(&env, &["commit", "-q", "--allow-empty", "-m", fine]),
        ""
    );
    let said = env.git(&["-C", "k", "log", "-1", "--format=%B"]);
    assert_eq!(said.trim(), fine.trim());
}

#[test]
fn a_commit_of_ours_can_be_amended_and_rebased() {
    let env = keep();
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "5"]);
    assert_eq!(git(&env, &["commit", "-q", "--amend", "--no-edit"]), "");
    env.git(&["-C", "k", "switch", "-qc", "side", "HEAD~1"]);
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "6"]);
    let stopped = git(&env, &["rebase", "-q", "main"]);
    assert!(stopped.contains("could not apply"), "{stopped}");
    let mended = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    let mended = mended
        .lines()
        .filter(|line| !line.starts_with(['<', '=', '>']));
    let mended: Vec<_> = mended.filter(|line| !line.contains("= 5 ")).collect();
    env.write("k/config/build.toml", &(mended.join("\n") + "\n"));
    env.git(&["-C", "k", "add", "-A"]);
    let mut command = env.command("git");
    command
        .current_dir(env.path("k"))
        .env("GIT_EDITOR", "true")
        .args(["rebase", "--continue"]);
    let shown = env.shown(&command.output().unwrap());
    assert!(!shown.contains("--- exit"), "{shown}");
    assert_eq!(
        env.json(&["-C", "k", "config", "get", "build.jobs"])["value"],
        6
    );
}
