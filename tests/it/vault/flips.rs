//! A bit flips somewhere in the vault: that is found, or does not matter, and no file comes back wrong.
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{backup, hostile, settle};
use crate::env::Env;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// All files below a folder, and what they hold: content, mode, time.
fn files(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64)> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            if meta.is_dir() {
                left.push(path);
            } else {
                let content = std::fs::read(&path).unwrap();
                let inside = path.strip_prefix(dir).unwrap().to_owned();
                found.insert(inside, (content, meta.mode(), meta.mtime_nsec()));
            }
        }
    }
    found
}

fn source(env: &Env) {
    for number in 0..12_u64 {
        let path = env.write(&format!("src/dir{}/file{number}", number % 3), "");
        std::fs::write(
            path,
            hostile::noise(200 + 300 * number as usize, number + 1),
        )
        .unwrap();
    }
    env.write("src/text", &"the same line again\n".repeat(300));
    settle();
    backup(env);
    env.write("src/text", &"another line, again\n".repeat(310));
    env.write("src/dir1/added", "only in the second\n");
    settle();
    backup(env);
    let saved = env.command("cp").args(["-a", "v", "saved"]).status();
    assert!(saved.unwrap().success());
}

/// Flips a bit of a file of the vault; tells which.
fn flip(env: &Env, numbers: &mut Numbers) -> String {
    let copy = "chmod -R u+w v 2>/dev/null; rm -rf v new; cp -a saved v && chmod -R u+w v";
    assert!(
        env.command("sh")
            .args(["-c", copy])
            .status()
            .unwrap()
            .success()
    );
    let mut all = files(&env.path("v"));
    all.retain(|_, (content, ..)| !content.is_empty());
    // Each kind of file as often as the others, whatever its size.
    let kinds: Vec<PathBuf> = all.keys().cloned().collect();
    let name = &kinds[numbers.below(kinds.len())];
    let mut content = all.remove(name).unwrap().0;
    let (at, bit) = (numbers.below(content.len()), numbers.below(8));
    content[at] ^= 1 << bit;
    std::fs::write(env.path("v").join(name), content).unwrap();
    format!("{}, byte {at}, bit {bit}", name.display())
}

#[test]
fn a_flipped_bit_is_found_or_harmless() {
    let env = Env::new();
    source(&env);
    let was = files(&env.path("src"));
    let is_long = std::env::var_os("BUILDKEEP_LONG_TESTS").is_some();
    let flips = if is_long { 10_000 } else { 24 };
    let first = std::env::var("BUILDKEEP_FLIP")
        .ok()
        .and_then(|text| text.parse().ok());
    let (mut found, mut harmless) = (0, 0);
    for number in first.unwrap_or(1_u64)..=flips {
        let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        numbers.below(2);
        let what = format!("flip {number}: {}", flip(&env, &mut numbers));
        let run = |args: &[&str]| {
            let output = env.buildkeep(args).args(["--vault", "v"]).output().unwrap();
            let (code, shown) = (output.status.code(), env.shown(&output));
            let is_orderly = code.is_some_and(|code| (0..=7).contains(&code));
            assert!(is_orderly && !shown.contains("panicked"), "{what}\n{shown}");
            (code == Some(0), shown)
        };
        let (is_whole, seen) = run(&["backup", "verify"]);
        let (is_done, said) = run(&["backup", "restore", "latest", "--to", "new"]);
        let came = files(&env.path("new"));
        for (path, content) in &came {
            assert!(
                was.get(path) == Some(content),
                "{what}: {}\n{seen}{said}",
                path.display()
            );
        }
        let is_all = came.len() == was.len();
        assert!(!is_done || is_all, "{what}\n{said}");
        assert!(!is_whole || (is_done && is_all), "{what}\n{seen}{said}");
        if is_whole {
            harmless += 1;
        } else {
            found += 1;
        }
        // The next backup believes nothing that is wrong either.
        let (is_taken, _) = run(&["backup", "create", "src"]);
        let again = is_taken && {
            std::fs::remove_dir_all(env.path("new")).ok();
            run(&["backup", "restore", "latest:src", "--to", "new"]).0
        };
        assert!(
            !again || files(&env.path("new")) == was,
            "{what}: after another backup"
        );
    }
    eprintln!("{found} found, {harmless} harmless");
    assert!(first.is_some() || (found > 0 && harmless > 0));
}
