//! pre-receive: a bare repository on the other side checks what comes in.
use snapbox::{assert_data_eq, str};

use super::{BAD, GOOD, contents, git, sneak};
use crate::config::keep;
use crate::env::Env;

/// A keep whose `origin` is `far.git`, with our hook there.
fn served() -> Env {
    let env = keep();
    env.git(&["init", "-q", "--bare", "far.git"]);
    env.stdout(&["hooks", "install", "--server", "far.git"]);
    env.git(&["-C", "k", "remote", "add", "origin", "../far.git"]);
    env
}

fn push(env: &Env, refs: &[&str]) -> String {
    git(
        env,
        &[&["push", "-q", "--no-verify", "origin"], refs].concat(),
    )
}

#[test]
fn what_bypassed_every_other_check_is_refused_there() {
    let env = served();
    assert_eq!(push(&env, &["main"]), "");
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "notes.txt", "1\n", "notes");
    assert_data_eq!(
        push(&env, &["main"]),
        str![[r#"
--- stderr
remote: error[K004]: `build.jobs` must be a whole number, not text        
remote:  --> config/build.toml:2:8        
remote:   |        
remote: 2 | jobs = "16"        
remote:   |        ^^^^        
remote:   |        
remote:   = help: remove the quotes: `jobs = 16`        
remote: 
remote: buildkeep: the push of refs/heads/main was refused: not valid since [COMMIT] (bad)        
remote: hint: mend it, commit, and push again        
To ../far.git
 ! [remote rejected] main -> main (pre-receive hook declined)
error: failed to push some refs to '../far.git'
--- exit 1

"#]]
    );
    env.write("k/config/build.toml", GOOD);
    env.stdout(&["-C", "k", "commit"]);
    let mended = push(&env, &["main"]);
    assert!(
        mended.contains(
            "(bad) went past validation (config/build.toml:2:8); a later commit mends it"
        ),
        "{mended}"
    );
    assert!(!mended.contains("--- exit"), "{mended}");
    env.git(&["-C", "far.git", "fsck", "--strict"]);
}

#[test]
fn every_commit_must_be_valid_if_the_keep_says_so() {
    let env = served();
    env.write(
        "k/buildkeep.toml",
        "schema = 1\n[hooks]\nevery_commit = true\n",
    );
    env.stdout(&["-C", "k", "commit"]);
    assert_eq!(push(&env, &["main"]), "");
    sneak(&env, "config/build.toml", BAD, "bad");
    sneak(&env, "config/build.toml", GOOD, "good");
    let shown = push(&env, &["main"]);
    assert!(
        shown.contains("`[hooks] every_commit` wants every commit to be"),
        "{shown}"
    );
    assert!(shown.contains("git rebase -i "), "{shown}");
    let here = git(&env, &["push", "-q", "origin", "main"]);
    assert!(
        here.contains("every_commit") && !here.contains("remote:"),
        "{here}"
    );
}

#[test]
fn only_branches_with_configuration_are_looked_at() {
    let env = served();
    sneak(&env, "config/build.toml", BAD, "bad");
    assert_eq!(push(&env, &["main:refs/heads/state/other"]), "");
    env.git(&["-C", "k", "tag", "t"]);
    assert_eq!(push(&env, &["t"]), "");
    assert!(push(&env, &["main:refs/heads/other"]).contains("was refused"));
    assert!(push(&env, &["HEAD:other"]).contains("was refused"));
    let here = git(&env, &["push", "-q", "origin", "HEAD:refs/heads/other"]);
    assert!(
        here.contains("the push of refs/heads/other was refused"),
        "{here}"
    );
    env.git(&["-C", "k", "switch", "-q", "--orphan", "pages"]);
    sneak(&env, "config/build.toml", "not toml", "pages");
    assert_eq!(push(&env, &["pages"]), "", "it is no keep");
    assert_eq!(push(&env, &[":pages"]), "", "and can be deleted");
}

#[test]
fn a_large_push_comes_as_a_pack_and_is_read_from_quarantine() {
    let env = served();
    env.git(&["-C", "far.git", "config", "receive.unpackLimit", "1"]);
    env.git(&["-C", "far.git", "config", "receive.fsckObjects", "true"]);
    sneak(&env, "config/build.toml", BAD, "bad");
    assert!(push(&env, &["main"]).contains("config/build.toml:2:8"));
    sneak(&env, "config/build.toml", GOOD, "good");
    assert!(!push(&env, &["main"]).contains("--- exit"));
    sneak(&env, "config/build.toml", BAD, "bad again");
    assert!(
        push(&env, &["--force", "main"]).contains("(bad again)"),
        "a thin pack"
    );
}

#[test]
fn without_the_program_the_server_takes_nothing() {
    let env = served();
    let hook = env.path("far.git/hooks/pre-receive");
    let text = std::fs::read_to_string(&hook).unwrap();
    let text = text.replace(env!("CARGO_BIN_EXE_buildkeep"), "/gone");
    env.script("far.git/hooks/pre-receive", &text);
    let shown = push(&env, &["main"]);
    assert!(
        shown.contains("the program that does so is not there: /gone"),
        "{shown}"
    );
    assert!(shown.contains("(pre-receive hook declined)"), "{shown}");
}

#[test]
fn a_hook_of_the_servers_own_goes_on_to_run_and_comes_back() {
    let env = served();
    env.stdout(&["hooks", "remove", "--server", "far.git"]);
    env.script(
        "far.git/hooks/pre-receive",
        "#!/bin/sh\ncat > told\necho theirs >&2\n",
    );
    let before = contents(&env.path("far.git/hooks"));
    assert_data_eq!(
        env.run(&["hooks", "status", "--server", "far.git"]),
        str![[r#"
pre-receive       yours, without ours
--- exit 1

"#]]
    );
    env.stdout(&["hooks", "install", "--server", "far.git"]);
    assert_data_eq!(
        push(&env, &["main"]).replace("        \n", "\n"),
        "--- stderr\nremote: theirs\n"
    );
    let told = std::fs::read_to_string(env.path("far.git/told")).unwrap();
    assert!(told.ends_with(" refs/heads/main\n"), "{told}");
    env.stdout(&["hooks", "remove", "--server", "far.git"]);
    assert_eq!(contents(&env.path("far.git/hooks")), before);
}

#[test]
fn our_own_push_shows_what_the_server_says() {
    let env = served();
    let own = "#!/bin/sh\necho 'no pushes on Fridays' >&2\nexit 1\n";
    env.script("far.git/hooks/pre-receive.user", own);
    assert_data_eq!(
        env.run(&["-C", "k", "push", "--no-vault"]),
        str![[r#"
--- stderr
error: origin refused the push
hint: remote: no pushes on Fridays
--- exit 5

"#]]
    );
}
