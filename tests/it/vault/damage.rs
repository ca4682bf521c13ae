//! Damage is found, located, and does not spread.
use std::path::PathBuf;

use super::{backup, differences, hostile, settle};
use crate::env::Env;

/// The packs of the vault, with leave to damage them.
pub(super) fn packs(env: &Env) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let entries = std::fs::read_dir(env.path("v/objects/pack")).unwrap();
    let mut packs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    packs.retain(|path| path.extension().is_some_and(|ext| ext == "pack"));
    for path in &packs {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    packs.sort();
    packs
}

#[test]
fn a_whole_vault_is_whole() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    let report = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(report["damage"], serde_json::json!([]));
    let counted = env.git(&["-C", "v", "count-objects", "-v"]);
    let number = |key: &str| -> u64 {
        let line = counted.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().trim().parse().unwrap()
    };
    assert_eq!(report["objects"], number("count:") + number("in-pack:"));
}

#[test]
fn a_damaged_file_is_named_and_the_others_are_restored() {
    let env = Env::new();
    env.write("src/good", &"good ".repeat(1000));
    std::fs::write(env.path("src/bad"), hostile::noise(100_000, 1)).unwrap();
    backup(&env);
    damage_bad(&env);
    let output = env
        .buildkeep(&["backup", "verify", "--vault", "v", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["damage"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["damage"][0]["path"], "bad");
    assert!(report["damage"][0]["offset"].as_u64().is_some());
    let said = env.run(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert!(
        said.contains("damaged in the vault") && said.contains("exit 1"),
        "{said}"
    );
    assert!(env.path("new/good").exists() && !env.path("new/bad").exists());
}

#[test]
fn a_cut_pack_and_a_missing_pack_are_found() {
    let env = Env::new();
    hostile::make(&env.path("src"));
    backup(&env);
    for pack in packs(&env) {
        let whole = std::fs::read(&pack).unwrap();
        std::fs::write(&pack, &whole[..whole.len() / 2]).unwrap();
        let said = env.run(&["backup", "verify", "--vault", "v"]);
        assert!(
            said.contains("damaged") && said.contains("exit 1"),
            "{said}"
        );
        std::fs::remove_file(&pack).unwrap();
        let said = env.run(&["backup", "verify", "--vault", "v"]);
        assert!(
            said.contains("missing") && said.contains("exit 1"),
            "{said}"
        );
        std::fs::write(&pack, whole).unwrap();
    }
    env.stdout(&["backup", "verify", "--vault", "v"]);
}

#[test]
fn no_damage_to_an_index_makes_us_panic() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = Env::new();
    env.write("src/file", "one");
    backup(&env);
    let index = packs(&env)[0].with_extension("idx");
    std::fs::set_permissions(&index, std::fs::Permissions::from_mode(0o644)).unwrap();
    let whole = std::fs::read(&index).unwrap();
    for at in [
        0,
        4,
        8,
        8 + 4 * 100,
        8 + 4 * 255,
        1032,
        1040,
        whole.len() - 41,
        whole.len() - 1,
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x81;
        std::fs::write(&index, bytes).unwrap();
        let said = env.run(&["backup", "verify", "--vault", "v"]);
        assert!(said.contains("exit 1"), "byte {at}: {said}");
    }
}

/// Flips a bit in the content of `src/bad`, which is `noise(100_000, 1)`.
pub(super) fn damage_bad(env: &Env) {
    let noise = hostile::noise(100_000, 1);
    for pack in packs(env) {
        let mut bytes = std::fs::read(&pack).unwrap();
        let found = bytes
            .windows(64)
            .position(|window| *window == noise[500..564]);
        if let Some(at) = found {
            bytes[at] ^= 1;
            std::fs::write(&pack, bytes).unwrap();
        }
    }
}

#[test]
fn the_backup_after_a_verification_heals_what_is_still_in_the_source() {
    let env = Env::new();
    env.write("src/good", &"good ".repeat(1000));
    env.write("src/gone", &"gone ".repeat(1000));
    std::fs::write(env.path("src/bad"), hostile::noise(100_000, 1)).unwrap();
    settle();
    let first = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    std::fs::remove_file(env.path("src/gone")).unwrap();
    damage_bad(&env);
    let found = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(found["damage"][0]["path"], "bad");
    backup(&env);
    env.stdout(&["backup", "verify", "--vault", "v"]);
    env.git(&["-C", "v", "fsck", "--strict", "--full"]);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
    env.stdout(&["backup", "restore", &first, "--to", "old", "--vault", "v"]);
    assert!(env.path("old/gone").exists(), "what was whole is kept");
    settle();
    let next = backup(&env);
    assert_eq!(next["bytes_read"], 0, "trusted again: {next}");
}

#[test]
fn what_cannot_be_healed_is_set_aside_and_the_rest_is_kept() {
    let env = Env::new();
    env.write("src/good", &"good ".repeat(1000));
    std::fs::write(env.path("src/bad"), hostile::noise(100_000, 1)).unwrap();
    settle();
    backup(&env);
    std::fs::remove_file(env.path("src/bad")).unwrap();
    damage_bad(&env);
    env.json(&["backup", "verify", "--vault", "v"]);
    backup(&env);
    assert!(env.path("v/buildkeep/damaged").exists());
    let said = env.run(&["backup", "verify", "--vault", "v"]);
    assert!(
        said.contains("1 damaged") && said.contains("missing"),
        "{said}"
    );
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
}

#[test]
fn a_damaged_index_is_made_again_from_its_pack() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = Env::new();
    hostile::make(&env.path("src"));
    settle();
    backup(&env);
    for (number, at) in [4_usize, 8 + 4 * 100, 1040, 1100].into_iter().enumerate() {
        for pack in packs(&env) {
            let index = pack.with_extension("idx");
            std::fs::set_permissions(&index, std::fs::Permissions::from_mode(0o644)).unwrap();
            let mut bytes = std::fs::read(&index).unwrap();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x81;
            }
            std::fs::write(&index, bytes).unwrap();
        }
        let new = format!("new{number}");
        env.stdout(&["backup", "restore", "latest", "--to", &new, "--vault", "v"]);
        assert_eq!(differences(&env, "src", &new), "");
        let said = env.run(&["backup", "verify", "--vault", "v"]);
        assert!(said.contains("its index is damaged"), "byte {at}: {said}");
        backup(&env);
        env.stdout(&["backup", "verify", "--vault", "v"]);
        env.git(&["-C", "v", "fsck", "--strict", "--full"]);
    }
}

#[test]
fn a_damaged_folder_is_named_and_the_others_are_restored() {
    let env = Env::new();
    env.write("src/a/file", "one");
    env.write("src/b/file", &"two ".repeat(1000));
    let tag = backup(&env)["snapshot"].as_str().unwrap().to_owned();
    let tree = env.git(&["-C", "v", "rev-parse", &format!("{tag}:a")]);
    env.git(&["init", "-q", "--bare", "copy"]);
    env.git(&[
        "-C",
        "copy",
        "fetch",
        "-q",
        "../v",
        "refs/tags/*:refs/tags/*",
    ]);
    let (begin, end) = tree.trim().split_at(2);
    std::fs::remove_file(env.path("copy/objects").join(begin).join(end)).unwrap();
    let said = env.run(&[
        "backup", "restore", "latest", "--to", "new", "--vault", "copy",
    ]);
    assert!(
        said.contains("1 damaged in the vault") && said.contains("exit 1"),
        "{said}"
    );
    assert!(env.path("new/b/file").exists() && !env.path("new/a").exists());
}
