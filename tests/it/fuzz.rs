//! The corpus of `fuzz/`: every file of it through the same functions, so that it is never dead;
//! and a little mutation of it, for those who have no fuzzer.
use std::path::Path;

#[path = "../../fuzz/checks.rs"]
mod checks;

/// The files of a corpus with their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.display().to_string(), std::fs::read(path).unwrap())
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// A text like `bytes`, with something of another one.
    fn mutated(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        const ODD: &[u8] = b"\0\n\r\t \"'#.,=[]{}0aZ\x7f\x80\xc3\xff";
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(9)).min(bytes.len());
            match self.below(5) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes.insert(at, ODD[self.below(ODD.len())]),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                3 => {
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(30)).min(other.len());
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
                _ if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ => {}
            }
        }
        bytes
    }
}

fn each(target: &str, check: fn(&[u8])) {
    let files = corpus(target);
    assert!(files.len() >= 10, "{target} has {} files", files.len());
    let long = std::env::var_os("BUILDKEEP_LONG_TESTS").is_some();
    let rounds = if long { 3000 } else { 30 };
    let mut dice = Dice(7);
    let tried = |name: &str, input: &[u8]| {
        let result = std::panic::catch_unwind(|| check(input));
        assert!(result.is_ok(), "{name}: {}", input.escape_ascii());
    };
    for (name, bytes) in &files {
        tried(name, bytes);
        for end in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            tried(name, &bytes[..end]);
        }
        for _ in 0..rounds {
            let (_, other) = &files[dice.below(files.len())];
            tried(name, &dice.mutated(bytes, other));
        }
    }
}

#[test]
fn no_document_makes_the_validator_panic() {
    each("validator", checks::validator);
}

#[test]
fn no_edit_touches_what_it_is_not_about() {
    each("edit", checks::edit);
}

#[test]
fn no_message_is_read_otherwise_than_it_was_written() {
    each("trailers", checks::trailers);
}

#[test]
fn no_journal_gives_half_an_event() {
    each("journal", checks::journal);
}
