//! The catalogue: where archives went, whether they are whole, when they may go.
use crate::env::Env;

fn keep(env: &Env) {
    env.stdout(&["init", "--template", "generic", "--yes"]);
    env.write("src/a", "one");
    env.json(&["backup", "create", "src"]);
}

#[test]
fn what_went_out_is_listed_and_verified() {
    let env = Env::new();
    keep(&env);
    let one = env.json(&[
        "backup",
        "export",
        "latest",
        "-o",
        "one.tar.zst",
        "--expires",
        "30d",
    ]);
    env.stdout(&["backup", "export", "latest", "-o", "two.tar"]);
    env.stdout(&["backup", "export", "latest", "-f", "dir", "-o", "three"]);
    let list = env.json(&["backup", "archive", "list"]);
    let all = list["archives"].as_array().unwrap();
    assert_eq!(all.len(), 3, "{list}");
    assert_eq!(all[0]["expires"], "2026-02-01T03:04:05.000Z");
    let sum = env
        .command("sha256sum")
        .arg("one.tar.zst")
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(one["sha256"].as_str(), sum.split(' ').next());
    assert!(
        env.stdout(&["backup", "archive", "verify"])
            .contains("3 archives looked at\n")
    );
    let log = env.stdout(&["log", "--kind", "backup"]);
    assert!(log.contains("backup: export two.tar"), "{log}");

    let mut bytes = std::fs::read(env.path("two.tar")).unwrap();
    bytes[600] ^= 1;
    std::fs::write(env.path("two.tar"), bytes).unwrap();
    env.write("three/a", "other!");
    std::fs::rename(env.path("one.tar.zst"), env.path("moved")).unwrap();
    let report = env.json(&["backup", "archive", "verify"]);
    let verdicts = report["archives"].as_array().unwrap().iter();
    let verdicts: Vec<_> = verdicts
        .map(|one| one["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["missing", "damaged", "damaged"]);
    let said = env.run(&["backup", "archive", "verify", "two.tar"]);
    assert!(said.ends_with("--- exit 1\n"), "{said}");
    env.stdout(&["backup", "archive", "forget", "two.tar"]);
    assert!(env.path("two.tar").exists());
    let list = env.json(&["backup", "archive", "list"]);
    assert_eq!(list["archives"].as_array().unwrap().len(), 2);
}

#[test]
fn only_what_expired_and_is_ours_is_deleted() {
    let env = Env::new();
    keep(&env);
    for (name, expires) in [("old.tar", "1d"), ("changed.tar", "1d"), ("new.tar", "1y")] {
        env.stdout(&[
            "backup",
            "export",
            "latest",
            "-o",
            name,
            "--expires",
            expires,
        ]);
    }
    env.write("changed.tar", "somebody else's");
    let later = |args: &[&str]| {
        let mut command = env.buildkeep(&[&["backup", "archive", "expire"], args].concat());
        let output = command
            .env("BUILDKEEP_TEST_CLOCK", "2026-03-01T00:00:00Z")
            .output();
        env.shown(&output.unwrap())
    };
    assert!(
        env.stdout(&["backup", "archive", "expire"])
            .contains("no archive has expired")
    );
    let said = later(&["--dry-run"]);
    assert!(
        said.contains("delete") && env.path("old.tar").exists(),
        "{said}"
    );
    let said = later(&[]);
    assert!(said.contains("nobody is there to ask"), "{said}");
    let said = later(&["--yes"]);
    assert!(said.ends_with("--- exit 1\n"), "what is left alone: {said}");
    assert!(!env.path("old.tar").exists());
    assert!(env.path("changed.tar").exists() && env.path("new.tar").exists());
    let list = env.json(&["backup", "archive", "list"]);
    assert_eq!(list["archives"].as_array().unwrap().len(), 2, "{list}");
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let env = Env::new();
    keep(&env);
    env.write("a.tar", "mine");
    let said = env.run(&["backup", "export", "latest", "-o", "a.tar"]);
    assert!(
        said.contains("is there already") && said.contains("--force"),
        "{said}"
    );
    env.stdout(&["backup", "export", "latest", "-o", "a.tar", "--force"]);
    env.stdout(&["backup", "export", "latest", "-o", "a.tar", "--force"]);
    let list = env.json(&["backup", "archive", "list"]);
    assert_eq!(
        list["archives"].as_array().unwrap().len(),
        1,
        "one place, one archive"
    );
    let said = env.run(&["backup", "export", "latest", "-o", "a.zip"]);
    assert!(said.contains("which form"), "{said}");
}
