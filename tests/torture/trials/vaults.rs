//! Vaults: what is taken, written anew, forgotten, brought in and out, and what goes back.
use std::collections::BTreeSet;

use super::{SET, Trial, two_versions};
use crate::calls::Hands;
use crate::env::Env;

const VAULT: &str = "w/.buildkeep/vault.git";

/// Content that does not compress.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = (0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    bytes.collect()
}

/// Three snapshots of `src`, most of each its own.
fn three(env: &Env) {
    two_versions(env);
    env.write("src/etc/same", "the same\n");
    for number in 1..=3 {
        std::fs::write(env.path("src/own"), noise(100_000, number)).unwrap();
        env.stdout(&["-C", "base", "backup", "create", "src"]);
    }
}

fn snapshots(env: &Env) -> String {
    env.git(&["-C", VAULT, "for-each-ref", "--format=%(refname)"])
}

/// Nothing is damaged for Git or for us.
fn undamaged(env: &Env) -> Result<(), String> {
    let mut fsck = env.command("git");
    fsck.args(["-C", VAULT, "fsck", "--full", "--strict", "--no-dangling"]);
    let fsck = fsck.output().unwrap();
    if !fsck.status.success() {
        return Err(env.shown(&fsck));
    }
    let found = env.json(&["-C", "w", "backup", "verify"]);
    if found["damage"] == serde_json::json!([]) {
        Ok(())
    } else {
        Err(found.to_string())
    }
}

/// Nothing is damaged, and the newest snapshot is what it was taken of.
fn whole(env: &Env) -> Result<(), String> {
    undamaged(env)?;
    let out = env.path("restored");
    drop(std::fs::remove_dir_all(&out));
    env.stdout(&["-C", "w", "backup", "restore", "latest", "--to", "restored"]);
    let same = |name: &str| {
        let read = |dir: &str| std::fs::read(env.path(dir).join(name)).unwrap();
        read("src") == read("restored")
    };
    if same("own") && same("etc/same") {
        Ok(())
    } else {
        Err("the newest snapshot is another".to_owned())
    }
}

const FORGET: Trial = Trial {
    name: "backup forget",
    base: three,
    args: &["backup", "forget", "--keep-last", "1", "--yes"],
    says: "forgotten",
    seen: snapshots,
    sound: whole,
    is_gradual: true,
    ..SET
};

/// Two steps with checkpoints, built into `w.out`.
fn built(env: &Env) {
    env.script("s/01-one.sh", "#!/bin/sh -e\necho one > \"$LFS/one\"\n");
    let two =
        "#!/bin/sh -e\nmkdir \"$LFS/dir\"\necho two > \"$LFS/dir/two\"\necho two > \"$LFS/one\"\n";
    env.script("s/02-two.sh", two);
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    std::fs::create_dir(env.path("w.out")).unwrap();
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../w.out\"\ncheckpoint = \"after\"\n\
        [env]\nLFS = \"${root}\"\n";
    env.write("base/plan.toml", plan);
    env.stdout(&["-C", "base", "commit", "-m", "a plan with checkpoints"]);
    env.stdout(&["-C", "base", "run"]);
    let mut copy = env.command("cp");
    assert!(
        copy.args(["-a", "w.out", "built"])
            .status()
            .unwrap()
            .success()
    );
}

/// What is built, and which steps are done.
fn state(env: &Env) -> String {
    let script = "cd w.out && find . -type f -exec grep -H . {} + | sort";
    let files = env.command("sh").args(["-c", script]).output().unwrap();
    let status = env.json(&["-C", "w", "status"]);
    format!("{}done {}\n", env.shown(&files), status["steps"]["done"])
}

const BACK: Trial = Trial {
    name: "rollback --tree",
    base: built,
    prepare: |env| {
        let mut copy = env.command("cp");
        assert!(
            copy.args(["-a", "built", "w.out"])
                .status()
                .unwrap()
                .success()
        );
    },
    args: &["rollback", "--tree", "one", "--yes"],
    // A plan needs a thread with a stack for deep folders.
    hands: &[Hands::Many],
    says: "went back",
    seen: state,
    is_gradual: true,
    ..SET
};

/// Two snapshots of `src`, of which there is a copy, an archive of something else, and what the next
/// snapshot has to take.
fn two(env: &Env) {
    two_versions(env);
    env.write("src/etc/same", "the same\n");
    for number in 1..=2 {
        std::fs::write(env.path("src/own"), noise(100_000, number)).unwrap();
        env.stdout(&["-C", "base", "backup", "create", "src"]);
    }
    let script = "cp -a src old && cp -a src other && echo more > other/more && tar -cf other.tar -C other .";
    let made = env.command("sh").args(["-ec", script]).status().unwrap();
    assert!(made.success());
    for number in 3..=20 {
        let path = env.write(&format!("src/new/{number}"), "");
        std::fs::write(path, noise(3000 * number as usize, number)).unwrap();
    }
}

/// The trees of all snapshots, each once.
fn trees(env: &Env) -> String {
    let format = "--format=%(tree)%(*tree)";
    let trees = env.git(&["-C", VAULT, "for-each-ref", format, "refs/tags"]);
    let trees: BTreeSet<&str> = trees.lines().collect();
    trees.into_iter().collect::<Vec<_>>().join("\n")
}

/// Nothing is damaged, and the snapshot that was there before is what it was taken of.
fn has_the_old(env: &Env) -> Result<(), String> {
    undamaged(env)?;
    let script = "rm -rf restored; git -C \"$1\" for-each-ref --format='%(refname:strip=2)' 'refs/tags/*/src/*' | sed -n 2p";
    let tag = env
        .command("sh")
        .args(["-ec", script, "sh", VAULT])
        .output()
        .unwrap();
    let tag = String::from_utf8(tag.stdout).unwrap();
    let args = [
        "-C",
        "w",
        "backup",
        "restore",
        tag.trim(),
        "--to",
        "restored",
    ];
    env.stdout(&args);
    let mut compare = env.command("diff");
    let compared = compare.args(["-r", "old", "restored"]).output().unwrap();
    if compared.status.success() {
        return Ok(());
    }
    Err(env.shown(&compared))
}

const CREATE: Trial = Trial {
    name: "backup create",
    base: two,
    args: &["backup", "create", "src"],
    says: "added",
    seen: trees,
    sound: has_the_old,
    ..SET
};

const IMPORT: Trial = Trial {
    name: "backup import",
    args: &["backup", "import", "other.tar"],
    ..CREATE
};

/// The archive that was written, if it is whole, and whether the keep remembers it.
fn archives(env: &Env) -> String {
    let script = "test ! -e w.out/a.tar || tar -tf w.out/a.tar | sort";
    let listed = env.command("sh").args(["-ec", script]).output().unwrap();
    assert!(listed.status.success(), "{}", env.shown(&listed));
    let known = env.stdout(&["-C", "w", "backup", "archive", "list"]);
    let names = known.lines().filter(|line| line.ends_with("a.tar"));
    format!("{}known {}\n", env.shown(&listed), names.count())
}

const EXPORT: Trial = Trial {
    name: "backup export",
    prepare: |env| std::fs::create_dir(env.path("w.out")).unwrap(),
    args: &["backup", "export", "latest", "-o", "w.out/a.tar", "--force"],
    says: "SHA-256",
    seen: archives,
    is_gradual: true,
    ..CREATE
};

/// What is restored: every entry with its mode, its time and its content.
fn restored(env: &Env) -> String {
    let script = "test -e w.out/new || exit 0; cd w.out/new
        find . -name '.buildkeep-tmp*' -prune -o -printf '%p %y %m %n %T@ %l\\n' | sort
        find . -type f ! -name '.buildkeep-tmp*' -exec sha256sum {} + | sort";
    let listed = env.command("sh").args(["-ec", script]).output().unwrap();
    assert!(listed.status.success(), "{}", env.shown(&listed));
    env.shown(&listed)
}

/// Two snapshots of what has links, an empty folder and a hole.
fn odd(env: &Env) {
    let script =
        "mkdir -p src/empty && echo one > src/one && ln src/one src/again && ln -s one src/link
        truncate -s 1000000 src/hole && chmod 4711 src/one && touch -d @1000000000.5 src/empty";
    let made = env.command("sh").args(["-ec", script]).status().unwrap();
    assert!(made.success());
    two(env);
}

const RESTORE: Trial = Trial {
    name: "backup restore",
    base: odd,
    prepare: |env| {
        std::fs::create_dir(env.path("w.out")).unwrap();
        // The folder of notes, which is dispensable like they are.
        std::fs::create_dir_all(env.path(VAULT).join("buildkeep/restores")).unwrap();
    },
    args: &["backup", "restore", "latest", "--to", "w.out/new"],
    says: "restored",
    // A plan needs a thread with a stack for deep folders.
    hands: &[Hands::Many],
    seen: restored,
    sound: undamaged,
    is_gradual: true,
    // The folder is one with content, then.
    repeats: false,
    ..CREATE
};

/// How many packs there are.
fn packs(env: &Env) -> String {
    let packs = std::fs::read_dir(env.path(VAULT).join("objects/pack")).unwrap();
    let paths = packs.map(|pack| pack.unwrap().path());
    let count = paths
        .filter(|path| path.extension().is_some_and(|end| end == "pack"))
        .count();
    format!("{}\n{count} packs\n", trees(env))
}

const OPTIMIZE: Trial = Trial {
    name: "backup optimize",
    args: &["backup", "optimize"],
    says: "became",
    // Git does the work: one that may start nothing can only say so.
    hands: &[Hands::Many],
    seen: packs,
    is_gradual: true,
    ..CREATE
};

trials! {
    create: CREATE;
    import: IMPORT;
    export: EXPORT;
    optimize: OPTIMIZE;
}

#[test]
fn forgetting_survives_death() {
    crate::calls::torture(&FORGET, crate::calls::Fate::Killed);
}

#[test]
fn going_back_survives_death() {
    crate::calls::torture(&BACK, crate::calls::Fate::Killed);
}

#[test]
fn forgetting_survives_a_full_disk() {
    crate::calls::torture(&FORGET, crate::calls::FULL);
}

#[test]
fn restoring_survives_death() {
    crate::calls::torture(&RESTORE, crate::calls::Fate::Killed);
}

#[test]
fn restoring_survives_a_full_disk() {
    crate::calls::torture(&RESTORE, crate::calls::FULL);
}
