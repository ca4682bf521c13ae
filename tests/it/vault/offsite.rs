//! Vaults at a remote: packs as they are, batches, broken connections.
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use super::{differences, hostile, settle};
use crate::env::Env;

/// So many files of noise, one batch each.
const FILES: u64 = 6;
/// The size of each.
const SIZE: usize = 300_000;

/// A keep `k` with a vault of what `src` holds, and an empty bare repository.
fn with_vault() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\n:\n");
    env.stdout(&["init", "k", "--scripts", "s", "--root", "r", "--yes"]);
    for number in 0..FILES {
        let path = env.write(&format!("src/{number}/file"), "");
        std::fs::write(path, hostile::noise(SIZE, number)).unwrap();
    }
    settle();
    env.stdout(&["-C", "k", "backup", "create", "src"]);
    env.git(&["init", "--quiet", "--bare", "bare.git"]);
    env
}

/// The packs of a repository, with their inodes.
fn packs(env: &Env, repository: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(env.path(repository).join("objects/pack")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_pack = |name: &String| {
        name.rsplit_once('.')
            .is_some_and(|(_, kind)| kind == "pack")
    };
    names.filter(is_pack).collect()
}

/// Pushes and expects this exit code; returns what is shown.
fn push(env: &Env, args: &[&str], code: i32) -> String {
    let all = [&["-C", "k", "push"], args].concat();
    let output = env.buildkeep(&all).output().unwrap();
    let shown = env.shown(&output);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    shown
}

/// Restores what a clone of the keep holds and compares it with the source.
fn clone_has_all(env: &Env, url: &str) {
    env.stdout(&["clone", url, "k2"]);
    env.stdout(&["-C", "k2", "backup", "restore", "latest", "--to", "new"]);
    assert_eq!(differences(env, "src", "new"), "");
}

#[test]
fn a_plain_repository_gets_copies_of_our_packs() {
    let env = with_vault();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    push(&env, &[], 0);
    let ours = packs(&env, "k/.buildkeep/vault.git");
    assert!(packs(&env, "bare.git").is_superset(&ours));
    env.git(&["-C", "bare.git", "fsck", "--strict"]);
    let before = packs(&env, "bare.git");
    env.write("src/0/more", "more\n");
    env.stdout(&["-C", "k", "backup", "create", "src"]);
    push(&env, &[], 0);
    let after = packs(&env, "bare.git");
    let new = after.difference(&before).map(|name| {
        let path = env.path("bare.git/objects/pack").join(name);
        path.metadata().unwrap().size()
    });
    let new: u64 = new.sum();
    assert!(new < 10_000, "{new} bytes for one small file");
    env.git(&["-C", "bare.git", "fsck", "--strict"]);
    clone_has_all(&env, "bare.git");
}

#[test]
fn a_damaged_pack_is_not_copied() {
    let env = with_vault();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    let vault = "k/.buildkeep/vault.git";
    let largest = packs(&env, vault).into_iter().max_by_key(|name| {
        let path = env.path(vault).join("objects/pack").join(name);
        path.metadata().unwrap().size()
    });
    let pack = env.path(vault).join("objects/pack").join(largest.unwrap());
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&pack).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    let shown = push(&env, &[], 2);
    assert!(
        shown.contains("damaged") && shown.contains("backup verify"),
        "{shown}"
    );
    let refs = env.git(&["-C", "bare.git", "for-each-ref", "refs/vaults"]);
    assert_eq!(refs, "");
}

#[test]
fn a_repository_with_a_hook_is_pushed_to_by_git() {
    let env = with_vault();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env.script(
        "bare.git/hooks/pre-receive",
        "#!/bin/sh\nwhile read -r old new ref; do echo \"$ref\" >> seen; done\n",
    );
    push(&env, &["--batch", "400kB"], 0);
    let seen = std::fs::read_to_string(env.path("bare.git/seen")).unwrap();
    let carried = seen.matches("refs/buildkeep/carried/").count() as u64;
    // One for each batch but the last, and one when the ref goes.
    assert_eq!(carried, FILES, "{seen}");
    assert!(seen.contains("refs/vaults/default/"), "{seen}");
    nothing_carried(&env);
    let again = push(&env, &[], 0);
    assert_eq!(again, "origin has everything already\n");
    clone_has_all(&env, "bare.git");
}

fn nothing_carried(env: &Env) {
    for repository in ["bare.git", "k/.buildkeep/vault.git"] {
        let refs = env.git(&["-C", repository, "for-each-ref", "refs/buildkeep"]);
        assert_eq!(refs, "", "{repository}");
    }
}

/// Stands for ssh: runs what it is told here, notes how many bytes go there, and breaks the
/// connection whose number is in `break` after 100,000 bytes.
const SSH: &str = r#"#!/bin/sh
[ "$1" = -G ] && exit 1
for command; do :; done
case $command in
*receive-pack*) ;;
*) exec sh -c "$command" ;;
esac
number=$(($(cat connections 2>/dev/null || echo 0) + 1))
echo $number > connections
if [ "$number" = "$(cat break 2>/dev/null)" ]; then
    head -c 100000 | tee "bytes-$number" | sh -c "$command"
else
    tee "bytes-$number" | sh -c "$command"
fi
"#;

#[test]
fn a_connection_that_breaks_loses_one_batch() {
    let env = with_vault();
    let ssh = env.script(
        "ssh",
        &SSH.replace("connections", "$W/connections")
            .replace("cat break", "cat $W/break")
            .replace("\"bytes-", "\"$W/bytes-"),
    );
    let ssh = format!("W={} {}", env.work().display(), ssh.display());
    let url = format!("ssh://box{}", env.path("bare.git").display());
    env.stdout(&["-C", "k", "remote", "add", "origin", &url]);
    let push = |code| {
        let args = ["-C", "k", "push", "--batch", "400kB"];
        let mut command = env.buildkeep(&args);
        let output = command.env("GIT_SSH_COMMAND", &ssh).output().unwrap();
        let shown = env.shown(&output);
        assert_eq!(output.status.code(), Some(code), "{shown}");
        shown
    };
    // The first connection is that of the keep, the next three are batches.
    env.write("break", "5\n");
    let shown = push(5);
    assert!(shown.contains("49 % of the vault were sent"), "{shown}");
    assert!(shown.contains("type it again, and it goes on"), "{shown}");
    let sent = |env: &Env| -> u64 {
        let sizes = (1..40).filter_map(|number| {
            let path = env.path(format!("bytes-{number}"));
            Some(path.metadata().ok()?.len())
        });
        sizes.sum()
    };
    let before = sent(&env);
    push(0);
    let after = sent(&env) - before;
    let most = (FILES / 2) * SIZE as u64 + 50_000;
    assert!(
        after < most,
        "{after} bytes the second time, {before} the first"
    );
    nothing_carried(&env);
    env.git(&["-C", "bare.git", "fsck", "--strict"]);
    clone_has_all(&env, "bare.git");
}

#[test]
fn a_remote_that_deletes_nothing_is_pushed_to_again() {
    let env = with_vault();
    env.git(&["-C", "bare.git", "config", "receive.denyDeletes", "true"]);
    env.git(&["-C", "bare.git", "config", "receive.fsckObjects", "true"]);
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    push(&env, &["--batch", "400kB"], 0);
    env.write("src/0/more", "more\n");
    std::fs::write(env.path("src/1/file"), hostile::noise(SIZE, 77)).unwrap();
    std::fs::write(env.path("src/2/file"), hostile::noise(SIZE, 78)).unwrap();
    env.stdout(&["-C", "k", "backup", "create", "src"]);
    push(&env, &["--batch", "400kB"], 0);
    clone_has_all(&env, "bare.git");
}

/// The objects in a repository of which only parts were fetched.
fn fetched(env: &Env, repository: &str) -> u64 {
    let counted = env.git(&["-C", repository, "count-objects", "-v"]);
    let number = |key: &str| -> u64 {
        let line = counted.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().trim().parse().unwrap()
    };
    number("count:") + number("in-pack:")
}

#[test]
fn one_folder_of_a_remote_snapshot_comes_without_the_rest() {
    let env = with_vault();
    env.write("src/etc/deep/fstab", "/dev/sda1 /\n");
    env.write("src/etc/deep/hosts", "127.0.0.1 localhost\n");
    env.stdout(&["-C", "k", "backup", "create", "src"]);
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    push(&env, &[], 0);
    // An empty machine: no keep, nothing but the URL.
    let bare = env.path("bare.git");
    let bare = bare.to_str().unwrap();
    let there = |args: &[&str]| env.stdout(&[args, &["--remote", bare]].concat());
    let listed = there(&["backup", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    there(&["backup", "restore", "latest", "etc/deep", "--to", "new"]);
    assert_eq!(differences(&env, "src/etc/deep", "new/etc/deep"), "");
    assert!(!env.path("new/0").exists());
    let cache = std::fs::read_dir(env.path("../home/.cache/buildkeep")).unwrap();
    let cache = cache.map(|entry| entry.unwrap().path()).next().unwrap();
    // Two snapshots are a tag and a commit each; three folders are a tree and metadata each.
    let objects = fetched(&env, cache.to_str().unwrap());
    assert_eq!(objects, 2 * 2 + 3 * 2 + 2, "{objects} objects were fetched");
    assert!(there(&["backup", "show", "latest", "etc"]).contains("deep/"));
    assert_eq!(
        there(&["backup", "cat", "latest", "etc/deep/hosts"]),
        "127.0.0.1 localhost\n"
    );
    assert_eq!(fetched(&env, cache.to_str().unwrap()), objects);
    there(&["backup", "restore", "latest", "--to", "all"]);
    assert_eq!(differences(&env, "src", "all"), "");
}

#[test]
fn a_keep_reads_a_vault_at_one_of_its_remotes() {
    let env = with_vault();
    env.stdout(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    push(&env, &[], 0);
    env.stdout(&["clone", "--no-vault", "bare.git", "k2"]);
    let origin = ["--remote", "origin"];
    let restore = [
        "-C", "k2", "backup", "restore", "latest", "3", "--to", "new",
    ];
    env.stdout(&[&restore[..], &origin].concat());
    assert_eq!(differences(&env, "src/3", "new/3"), "");
    let nothing = env.run(&[&["-C", "k2", "backup", "show", "latest", "x"][..], &origin].concat());
    assert!(nothing.contains("has no `x`"), "{nothing}");
    let list = env.json(&[&["-C", "k2", "checkpoint", "list"][..], &origin].concat());
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 0);
}
