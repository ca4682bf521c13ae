//! Permissions of files that are written anew: who may read and run them is not ours to change.
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use crate::config::{k, keep};
use crate::env::Env;

const FILE: &str = "k/config/build.toml";

fn mode(env: &Env, file: &str) -> u32 {
    let meta = std::fs::metadata(env.path(file)).unwrap();
    meta.permissions().mode() & 0o7777
}

fn chmod(env: &Env, file: &str, mode: u32) {
    std::fs::set_permissions(env.path(file), Permissions::from_mode(mode)).unwrap();
}

fn git_mode(env: &Env, file: &str) -> String {
    let line = env.git(&["-C", "k", "ls-tree", "HEAD", file]);
    line.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_private_file_stays_private_whatever_rewrites_it() {
    let env = keep();
    chmod(&env, FILE, 0o600);
    let rewrites = [
        "config set build.jobs 8",
        "config set build.jobs 16",
        "config unset build.tests",
        "undo",
        "redo",
        "rollback --to v3 --yes",
        "rollback --to v2 --key build.jobs --yes",
    ];
    for words in rewrites {
        let before = std::fs::read(env.path(FILE)).unwrap();
        let shown = k(&env, words);
        assert_ne!(std::fs::read(env.path(FILE)).unwrap(), before, "{shown}");
        assert_eq!(mode(&env, FILE), 0o600, "{words}");
    }
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    chmod(&env, FILE, 0o664);
    k(&env, "config set build.jobs 9");
    assert_eq!(mode(&env, FILE), 0o664);
}

#[test]
fn a_run_bit_of_a_configuration_file_stays_here_and_in_the_history() {
    let env = keep();
    chmod(&env, FILE, 0o750);
    k(&env, "commit");
    for words in ["config set build.jobs 8", "undo"] {
        k(&env, words);
        assert_eq!(mode(&env, FILE), 0o750, "{words}");
        assert_eq!(git_mode(&env, "config/build.toml"), "100755", "{words}");
    }
    // One that is not committed is somebody's work, and stays so.
    chmod(&env, FILE, 0o640);
    k(&env, "config set build.jobs 8");
    assert_eq!(git_mode(&env, "config/build.toml"), "100755");
    assert_eq!(mode(&env, FILE), 0o640);
    assert_eq!(
        env.git(&["-C", "k", "status", "--porcelain"]),
        " M config/build.toml\n"
    );
}

#[test]
fn a_rollback_gives_and_takes_only_the_run_bit() {
    let env = keep();
    let script = "k/scripts/01-one.sh";
    env.write("k/scripts/02-two.sh", "#!/bin/sh\n");
    k(&env, "commit -m more");
    chmod(&env, "k/scripts/02-two.sh", 0o700);
    chmod(&env, script, 0o640);
    k(&env, "commit -m bits");
    k(&env, "rollback --to HEAD~1 --all --yes");
    assert_eq!(mode(&env, "k/scripts/02-two.sh"), 0o600);
    assert_eq!(mode(&env, script), 0o750);
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn a_rendered_file_keeps_its_permissions_unless_others_are_asked_for() {
    let env = keep();
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let render = "[[render]]\nto = \"env.sh\"\nexports = \"sh\"\nkeys = [\"build\"]\n";
    env.write("k/buildkeep.toml", &format!("{settings}\n{render}"));
    k(&env, "config apply --yes");
    assert_eq!(mode(&env, "k/env.sh"), 0o644);
    chmod(&env, "k/env.sh", 0o600);
    assert!(k(&env, "config drift").ends_with("as the configuration makes it\n"));
    k(&env, "config set build.jobs 8");
    k(&env, "config apply --yes");
    assert_eq!(mode(&env, "k/env.sh"), 0o600);
    env.write(
        "k/buildkeep.toml",
        &format!("{settings}\n{render}mode = \"0755\"\n"),
    );
    k(&env, "config apply --yes");
    assert_eq!(mode(&env, "k/env.sh"), 0o755);
}

#[test]
fn a_migration_keeps_permissions() {
    let env = crate::migrate::keep();
    chmod(&env, FILE, 0o600);
    k(&env, "config migrate");
    assert_eq!(mode(&env, FILE), 0o600);
    assert_eq!(git_mode(&env, "config/build.toml"), "100644");
}
