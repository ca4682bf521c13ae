//! Encrypted archives.
use age::secrecy::ExposeSecret as _;

use super::{export, tree_of, with_snapshot};
use crate::env::Env;

fn key(env: &Env, file: &str) -> String {
    let key = age::x25519::Identity::generate();
    env.write(file, key.to_string().expose_secret());
    key.to_public().to_string()
}

#[test]
fn only_its_recipients_read_an_archive() {
    let env = Env::new();
    with_snapshot(&env);
    let (mine, theirs) = (key(&env, "mine.key"), key(&env, "theirs.key"));
    key(&env, "other.key");
    env.write("friends", &format!("# who may read it\n{theirs}\n"));
    for form in ["tar.zst", "bundle"] {
        let file = format!("out.{form}.age");
        export(&env, &["-o", &file, "-r", &mine, "-R", "friends"]);
        let bytes = std::fs::read(env.path(&file)).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
        for who in ["mine", "theirs"] {
            let vault = format!("{who}-{form}");
            let key = format!("{who}.key");
            env.stdout(&[
                "backup",
                "import",
                &file,
                "--vault",
                &vault,
                "--identity",
                &key,
            ]);
            assert_eq!(tree_of(&env, "v"), tree_of(&env, &vault));
        }
        let said = env.run(&["backup", "import", &file, "--vault", "w", "-i", "other.key"]);
        assert!(said.contains("other keys than yours"), "{said}");
        let said = env.run(&["backup", "import", &file, "--vault", "w"]);
        assert!(said.contains("no key is named"), "{said}");
        std::fs::write(env.path("cut.age"), &bytes[..bytes.len() - 100]).unwrap();
        let said = env.run(&[
            "backup", "import", "cut.age", "--vault", "w", "-i", "mine.key",
        ]);
        assert!(said.ends_with("--- exit 2\n"), "{said}");
    }
    let tags = env
        .command("git")
        .args(["-C", "w", "tag"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&tags.stdout), "");
    let said = env.run(&["backup", "export", "latest", "--vault", "v", "-r", "age1x"]);
    assert!(said.contains("no public key of age"), "{said}");
    let said = env.run(&[
        "backup",
        "export",
        "latest",
        "--vault",
        "v",
        "-o",
        "x.tar.age",
    ]);
    assert!(said.contains("no recipient is named"), "{said}");
}

#[test]
fn the_age_program_reads_it_too() {
    let env = Env::new();
    if env.command("age").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no age");
        return;
    }
    with_snapshot(&env);
    let mine = key(&env, "mine.key");
    export(&env, &["-o", "out.tar.age", "-r", &mine]);
    let args = [
        "--decrypt",
        "-i",
        "mine.key",
        "-o",
        "plain.tar",
        "out.tar.age",
    ];
    let output = env.command("age").args(args).output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    env.stdout(&["backup", "import", "plain.tar", "--vault", "w"]);
    assert_eq!(tree_of(&env, "v"), tree_of(&env, "w"));
}
