//! Looking into snapshots: what differs, where a path is, what a file held.
use snapbox::{assert_data_eq, str};

use super::backup;
use crate::env::Env;

/// Three snapshots of `src`: a file that comes, changes and goes, and others.
fn three() -> Env {
    let env = Env::new();
    env.write("src/etc/conf", "one\n");
    env.write("src/stays", "as it is");
    backup(&env);
    env.write("src/etc/conf", "two\n");
    env.write("src/new/deep/conf", "deep");
    backup(&env);
    std::fs::remove_file(env.path("src/etc/conf")).unwrap();
    std::fs::remove_file(env.path("src/stays")).unwrap();
    std::os::unix::fs::symlink("etc", env.path("src/stays")).unwrap();
    backup(&env);
    env
}

#[test]
fn snapshots_are_compared_in_content_and_kind() {
    let env = three();
    assert_data_eq!(
        env.run(&[
            "backup",
            "diff",
            "20260102T030405Z",
            "latest",
            "--vault",
            "v"
        ]),
        str![[r#"
- etc/conf  4 B
+ new/
+ new/deep/
+ new/deep/conf  4 B
~ stays  file to link, mode 0644 to 0777
3 added, 1 changed, 1 removed; 8 B less
from 20260102T030405Z to 20260102T030405Z-3

"#]]
    );
    let back = env.json(&[
        "backup",
        "diff",
        "latest",
        "20260102T030405Z",
        "--vault",
        "v",
    ]);
    assert_eq!(
        (&back["added"], &back["removed"], &back["bytes"]),
        (&1.into(), &3.into(), &8.into())
    );
    let same = env.run(&["backup", "diff", "latest", "latest", "--vault", "v"]);
    assert!(same.starts_with("nothing differs"), "{same}");
    let part = [
        "backup",
        "diff",
        "20260102T030405Z",
        "latest",
        "etc/conf",
        "--vault",
        "v",
    ];
    assert_eq!(env.json(&part)["entries"].as_array().unwrap().len(), 1);
    let part = [
        "backup",
        "diff",
        "20260102T030405Z",
        "latest",
        "nothing",
        "--vault",
        "v",
    ];
    assert!(env.run(&part).contains("has no `nothing`"));
}

#[test]
fn a_path_is_found_with_all_that_it_was() {
    let env = three();
    let found = env.json(&["backup", "find", "conf", "--vault", "v"]);
    let found = found["found"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    let versions = found[0]["versions"].as_array().unwrap();
    let ends = |version: &serde_json::Value| {
        let name = |end: &str| {
            version[end]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        };
        (
            name("first"),
            name("last"),
            version["snapshots"].as_u64().unwrap(),
        )
    };
    let first = "20260102T030405Z".to_owned();
    let second = format!("{first}-2");
    assert_eq!(found[0]["path"], "etc/conf");
    assert_eq!(ends(&versions[0]), (first.clone(), first, 1));
    assert_eq!(ends(&versions[1]), (second.clone(), second.clone(), 1));
    assert_eq!(found[1]["path"], "new/deep/conf");
    assert_eq!(
        ends(&found[1]["versions"][0]),
        (second.clone(), second.replace("-2", "-3"), 2)
    );
    let anchored = env.json(&["backup", "find", "/etc/*", "--vault", "v"]);
    assert_eq!(anchored["found"].as_array().unwrap().len(), 1);
    let none = env.run(&["backup", "find", "*.so", "--vault", "v"]);
    assert!(
        none.contains("no path of a snapshot fits") && none.contains("exit 1"),
        "{none}"
    );
}

#[test]
fn a_file_is_written_out_as_it_was_holes_and_chunks_included() {
    let env = Env::new();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|n| (n / 7).to_le_bytes())
        .collect();
    env.write("src/small", "hello");
    std::fs::write(env.path("src/large"), &bytes).unwrap();
    let sparse = std::fs::File::create(env.path("src/sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 4 << 20).unwrap();
    sparse.set_len(6 << 20).unwrap();
    backup(&env);
    for name in ["small", "large", "sparse"] {
        let output = env
            .buildkeep(&["backup", "cat", "latest", name, "--vault", "v"])
            .output()
            .unwrap();
        assert!(
            output.stdout == std::fs::read(env.path("src").join(name)).unwrap(),
            "{name}"
        );
    }
    let folder = env.run(&["backup", "cat", "latest", ".", "--vault", "v"]);
    assert!(
        folder.contains("is no file") && folder.contains("exit 2"),
        "{folder}"
    );
}
