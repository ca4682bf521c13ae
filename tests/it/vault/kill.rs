//! A killed backup leaves nothing that matters, and what it did is not done again.
use std::process::Stdio;

use super::{backup, differences, hostile, settle};
use crate::env::Env;

#[test]
fn a_killed_backup_continues_where_it_was() {
    let env = Env::new();
    for number in 0..60_u64 {
        let path = env.write(&format!("src/{number}/file"), "");
        std::fs::write(path, hostile::noise(3_000_000, number)).unwrap();
    }
    settle();
    let mut kept = 0;
    for _ in 0..6 {
        let mut child = env
            .buildkeep(&["backup", "create", "src", "--vault", "v"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Killed as soon as it has written something more than there was.
        while child.try_wait().unwrap().is_none() && packs_and_parts(&env) <= kept {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kept = packs_and_parts(&env);
        if env.path("v/HEAD").exists() {
            env.git(&["-C", "v", "fsck", "--strict", "--no-dangling"]);
        }
    }
    let taken = backup(&env);
    assert_eq!(taken["problems"], serde_json::json!([]));
    env.git(&["-C", "v", "fsck", "--strict", "--no-dangling"]);
    let names = std::fs::read_dir(env.path("v/objects/pack")).unwrap();
    let left: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tmp_"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

/// The bytes in the folder of packs.
fn packs_and_parts(env: &Env) -> u64 {
    let entries = std::fs::read_dir(env.path("v/objects/pack"));
    let sizes = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.metadata().ok()?.len()));
    sizes.sum()
}

#[test]
fn whole_packs_of_a_killed_backup_are_used_again() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    // As if it had been killed before the tag was written.
    let tags = env.git(&["-C", "v", "for-each-ref", "--format=%(refname)"]);
    for tag in tags.lines() {
        env.git(&["-C", "v", "update-ref", "-d", tag]);
    }
    let again = backup(&env);
    assert_eq!(again["bytes_added"], 0, "{again}");
    assert!(
        again["bytes_read"].as_u64().unwrap() > 0,
        "the cache of a lost snapshot is not trusted"
    );
    let report = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(report["damage"], serde_json::json!([]));
}
