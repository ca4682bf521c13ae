//! Sums and signatures of sources, with a key that is made for the test.
use super::{Machine, lines};
use crate::env::Env;

const CHECK: &str = "[[check]]\nid = \"signed\"\nkind = \"signature\"\nfolder = \"sources\"\nkeys = \"keys\"\n\
                     why = \"Nobody is to change sources.\"\n";

/// Makes a key, and signs with it what `sign` says.
fn gpg(env: &Env, sign: &str) {
    let script = format!(
        "set -e\nexport GNUPGHOME=$PWD/gpg; mkdir -p -m 700 gpg keys sources\n\
         gpg --quiet --batch --passphrase '' --quick-generate-key ada@example.org ed25519 sign never\n\
         {sign}\ngpgconf --kill all\n"
    );
    let output = env.command("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
}

fn has_gpg() -> bool {
    ["gpg", "gpgv"]
        .iter()
        .all(|name| std::path::Path::new("/usr/bin").join(name).exists())
}

fn result(machine: &Machine) -> String {
    let mut command = machine.0.buildkeep(&["check", "own", "--deep", "--json"]);
    let output = command.output().unwrap();
    lines(&serde_json::from_slice(&output.stdout).unwrap()).concat()
}

#[test]
fn signatures_are_verified_with_the_keys_that_are_given() {
    if !has_gpg() {
        return;
    }
    let machine = Machine::new(CHECK);
    let env = &machine.0;
    assert!(result(&machine).starts_with("signed skipped there are no signatures in "));
    gpg(
        env,
        "for name in a b; do echo $name > sources/$name.tar.gz; done\n\
         gpg --quiet --batch --detach-sign sources/a.tar.gz\n\
         gpg --quiet --batch --armor --detach-sign sources/b.tar.gz\n\
         head -c 300000 /dev/urandom > sources/linux.tar\n\
         gpg --quiet --batch --output sources/linux.tar.sign --detach-sign sources/linux.tar\n\
         xz sources/linux.tar",
    );
    assert_eq!(
        result(&machine),
        "signed skipped no keys are given to verify them with"
    );
    // Another's key: nothing is known of ours.
    let export = |armour: &str| {
        let line = format!("GNUPGHOME=$PWD/gpg gpg --quiet --batch {armour} --export");
        let output = env.command("bash").args(["-c", &line]).output().unwrap();
        std::fs::write(env.path("keys/ada"), output.stdout).unwrap();
    };
    export("");
    assert_eq!(result(&machine), "signed ok all 3 signatures");
    export("--armor");
    assert_eq!(result(&machine), "signed ok all 3 signatures");
    std::fs::remove_dir_all(env.path("gpg")).unwrap();
    let ours = std::fs::read(env.path("keys/ada")).unwrap();
    gpg(env, "gpg --quiet --batch --export > keys/ada");
    let strange = result(&machine);
    assert!(
        strange.starts_with("signed unknown 0 are good; there is no key for "),
        "{strange}"
    );
    std::fs::write(env.path("keys/ada"), ours).unwrap();
    std::fs::write(env.path("sources/b.tar.gz"), "c\n").unwrap();
    let wrong = result(&machine);
    let path = env.path("sources/b.tar.gz");
    assert_eq!(
        wrong,
        format!("signed fail not what was signed: {}", path.display())
    );
    std::fs::write(env.path("keys/ada"), "no key").unwrap();
    assert!(result(&machine).starts_with("signed unknown "));
}

#[test]
fn sums_need_no_program_but_those_that_nobody_else_makes() {
    for (list, program) in [
        ("md5sums", "md5sum"),
        ("sha256sums", "sha256sum"),
        ("sha512sums", "sha512sum"),
        ("b2sums", "b2sum"),
    ] {
        let check = format!(
            "[[check]]\nid = \"sums\"\nkind = \"checksum\"\ntier = \"fast\"\npath = \"sources/{list}\"\nwhy = \"Whole.\"\n"
        );
        let machine = Machine::new(&check);
        machine.0.write("sources/a b.tar", "a");
        machine.0.write("sources/c.tar", &"c".repeat(700_000));
        let line = format!("cd sources && {program} *.tar > {list}");
        let made = machine
            .0
            .command("bash")
            .args(["-c", &line])
            .status()
            .unwrap();
        assert!(made.success());
        let none = format!("sums unknown there is no {program} to check it with");
        let good = if program == "b2sum" {
            none.as_str()
        } else {
            "sums ok all 2 files"
        };
        assert_eq!(machine.result(), good, "{list}");
        if program == "b2sum" {
            continue;
        }
        machine.0.write("sources/a b.tar", "b");
        assert_eq!(
            machine.result(),
            "sums fail missing or not the same: a b.tar",
            "{list}"
        );
        std::fs::remove_file(machine.0.path("sources/c.tar")).unwrap();
        assert!(machine.result().contains("c.tar"), "{list}");
    }
}
