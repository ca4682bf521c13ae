//! Forgetting snapshots: by rules with reasons, and what only they used goes, whoever kills us.
use snapbox::{assert_data_eq, str};

use super::{backup, differences, hostile, settle};
use crate::env::Env;

/// Three snapshots of `src`, each with 2 MB of its own beside what they share.
fn three() -> Env {
    let env = Env::new();
    hostile::make(&env.path("src"));
    for number in 1..=3 {
        std::fs::write(env.path("src/own"), hostile::noise(2_000_000, number)).unwrap();
        settle();
        backup(&env);
    }
    env
}

const LAST: [&str; 7] = [
    "backup",
    "forget",
    "--vault",
    "v",
    "--yes",
    "--keep-last",
    "1",
];

fn size(env: &Env) -> u64 {
    let entries = std::fs::read_dir(env.path("v/objects/pack")).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

/// The vault is whole for Git and for us, and its newest snapshot is `src`.
fn check(env: &Env) {
    env.git(&["-C", "v", "fsck", "--full", "--strict", "--no-dangling"]);
    let report = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(report["damage"], serde_json::json!([]));
    let out = env.path("out");
    if out.exists() {
        std::fs::remove_dir_all(&out).unwrap();
    }
    env.stdout(&["backup", "restore", "latest", "--to", "out", "--vault", "v"]);
    assert_eq!(differences(env, "src", "out"), "");
}

#[test]
fn what_only_forgotten_snapshots_used_is_reclaimed() {
    let env = three();
    let before = size(&env);
    let planned = env.json(&[
        "backup",
        "forget",
        "--vault",
        "v",
        "--keep-last",
        "1",
        "--dry-run",
    ]);
    assert_eq!(
        (&planned["kept"], &planned["forgotten"]),
        (&1.into(), &2.into())
    );
    assert_eq!(size(&env), before);
    let done = env.json(&LAST);
    assert_eq!(planned["bytes_freed"], done["bytes_freed"]);
    assert!(
        size(&env) + 2_000_000 < before,
        "{} of {before} left",
        size(&env)
    );
    check(&env);
    let left = env.json(&["backup", "list", "--vault", "v"]);
    assert_eq!(left["snapshots"].as_array().unwrap().len(), 1);
    let again = env.json(&LAST);
    assert_eq!(
        (&again["forgotten"], &again["bytes_freed"]),
        (&0.into(), &0.into())
    );
    // The next backup is as quick as ever, and the next forgetting finds nothing.
    let next = backup(&env);
    assert_eq!(
        (&next["bytes_read"], &next["bytes_added"]),
        (&0.into(), &0.into())
    );
}

/// Four snapshots of other days, the first with a tag of its own.
fn four() -> Env {
    let env = Env::new();
    env.write("src/file", "one");
    for day in ["2026-01-01", "2026-01-02", "2026-01-02", "2026-01-05"] {
        let output = env
            .buildkeep(&["backup", "create", "src", "--vault", "v"])
            .env("BUILDKEEP_TEST_CLOCK", format!("{day}T03:04:05Z"))
            .output()
            .unwrap();
        assert!(output.status.success());
    }
    let first = env.json(&["backup", "list", "--vault", "v"]);
    let first = first["snapshots"][0]["commit"].as_str().unwrap().to_owned();
    env.git(&["-C", "v", "tag", "precious", &first]);
    env
}

#[test]
fn rules_are_told_with_their_reasons() {
    let env = four();
    assert_data_eq!(
        env.run(&[
            "backup",
            "forget",
            "--vault",
            "v",
            "--keep-daily",
            "2",
            "--dry-run"
        ]),
        str![[r#"
20260101T030405Z  1 file     3 B  src  keep    has a tag of its own
20260102T030405Z  1 file     3 B  src  forget
20260102T030405Z-2  1 file     3 B  src  keep    daily
20260105T030405Z  1 file     3 B  src  keep    daily
1 snapshot would be forgotten, 3 kept; 0 B would be freed

"#]]
    );
    assert_data_eq!(
        env.run(&["backup", "forget", "--vault", "v"]),
        str![[r#"
--- stderr
error: snapshots are to be forgotten, and nobody is there to ask
hint: look at it first: add `--dry-run`
hint: do it without a question: add `--yes`
--- exit 2

"#]]
    );
}

#[test]
fn those_that_are_named_go_but_never_all_unless_that_is_wanted() {
    let env = four();
    let one = [
        "backup",
        "forget",
        "20260105T030405Z",
        "--vault",
        "v",
        "--yes",
    ];
    env.stdout(&one);
    env.stdout(&["backup", "show", "precious", "--vault", "v"]);
    let left = env.json(&["backup", "list", "--vault", "v"]);
    assert_eq!(left["snapshots"].as_array().unwrap().len(), 3);
    let tags = ["20260101T030405Z", "20260102T030405Z", "20260102T030405Z-2"];
    let all = [&["backup", "forget", "--vault", "v", "--yes"], &tags[..]].concat();
    assert_data_eq!(
        env.run(&all),
        str![[r#"
--- stderr
error: nothing would be left of the set src
hint: forget even the last one: `--even-the-last`
--- exit 2

"#]]
    );
    env.stdout(&[&all[..], &["--even-the-last"]].concat());
    assert!(
        env.run(&["backup", "list", "--vault", "v"])
            .starts_with("precious ")
    );
    env.git(&["-C", "v", "cat-file", "-e", "precious:file"]);
    env.stdout(&[
        "backup", "restore", "precious", "--to", "out", "--vault", "v",
    ]);
}

#[test]
fn a_damaged_vault_is_healed_first() {
    let env = three();
    let pack = std::fs::read_dir(env.path("v/objects/pack")).unwrap();
    let mut packs = pack.map(|entry| entry.unwrap().path());
    let pack = packs
        .find(|path| path.extension().unwrap() == "pack")
        .unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[2000] ^= 1;
    std::fs::remove_file(&pack).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    let found = env.run(&["backup", "verify", "--vault", "v"]);
    assert!(found.contains("exit 1"), "{found}");
    let said = env.run(&LAST);
    assert!(
        said.contains("is damaged") && said.contains("exit 2"),
        "{said}"
    );
    let left = env.json(&["backup", "list", "--vault", "v"]);
    assert_eq!(left["snapshots"].as_array().unwrap().len(), 3);
}
