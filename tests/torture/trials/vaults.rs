//! Vaults: what is forgotten, and what goes back.
use super::{SET, Trial, two_versions};
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

/// Nothing is damaged for Git or for us, and the newest snapshot is what it was taken of.
fn whole(env: &Env) -> Result<(), String> {
    let mut fsck = env.command("git");
    fsck.args(["-C", VAULT, "fsck", "--full", "--strict", "--no-dangling"]);
    let fsck = fsck.output().unwrap();
    if !fsck.status.success() {
        return Err(env.shown(&fsck));
    }
    let found = env.json(&["-C", "w", "backup", "verify"]);
    if found["damage"] != serde_json::json!([]) {
        return Err(found.to_string());
    }
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
    says: "went back",
    seen: state,
    is_gradual: true,
    ..SET
};

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
