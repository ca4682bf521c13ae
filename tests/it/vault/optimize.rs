//! A vault that is made smaller holds what it held.
use super::{backup, differences, settle};
use crate::env::Env;

#[test]
fn what_is_alike_is_stored_as_changes_and_comes_back() {
    let env = Env::new();
    let line = |number: u32| format!("{:08x}\n", number.wrapping_mul(2_654_435_761));
    let text: String = (0..20_000).map(line).collect();
    for number in 0..8 {
        env.write(&format!("src/{number}"), &format!("{text}{number}\n"));
    }
    settle();
    backup(&env);
    let done = env.json(&["backup", "optimize", "--vault", "v"]);
    let bytes = |key: &str| done[key].as_u64().unwrap();
    assert!(bytes("bytes_after") * 4 < bytes("bytes_before"), "{done}");
    env.git(&["-C", "v", "fsck", "--strict"]);
    let verified = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(verified["damage"], serde_json::json!([]));
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(&env, "src", "new"), "");
    let again = env.json(&["backup", "optimize", "--vault", "v"]);
    assert_eq!(again["packs"], 0, "{again}");
}

#[test]
fn what_was_left_by_one_that_was_killed_is_in_nobodys_way() {
    let env = Env::new();
    env.write("src/a", "a\n");
    settle();
    backup(&env);
    env.write("v/buildkeep/optimize/pack-0.pack", "half of it");
    env.write("src/b", "b\n");
    settle();
    backup(&env);
    env.stdout(&["backup", "optimize", "--vault", "v"]);
    assert!(!env.path("v/buildkeep/optimize").exists());
    backup(&env);
    env.git(&["-C", "v", "fsck", "--strict"]);
    env.git(&["init", "--quiet", "--bare", "b.git"]);
    let sent = env.json(&["backup", "push", "b.git", "--vault", "v"]);
    assert_eq!(sent["refs"].as_array().unwrap().len(), 3, "{sent}");
    env.git(&["-C", "b.git", "fsck", "--strict"]);
}
