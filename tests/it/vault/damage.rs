//! Damage is found, located, and does not spread.
use std::path::PathBuf;

use super::{backup, hostile};
use crate::env::Env;

/// The packs of the vault, with leave to damage them.
fn packs(env: &Env) -> Vec<PathBuf> {
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
    let noise = hostile::noise(100_000, 1);
    for pack in packs(&env) {
        let mut bytes = std::fs::read(&pack).unwrap();
        let found = bytes
            .windows(64)
            .position(|window| *window == noise[500..564]);
        if let Some(at) = found {
            bytes[at] ^= 1;
            std::fs::write(&pack, bytes).unwrap();
        }
    }
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
