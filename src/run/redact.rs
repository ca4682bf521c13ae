//! Secrets of an attempt taken out of what its script wrote.
//!
//! The log has what the script wrote, byte for byte, and stays on this machine. Whatever is shown
//! of it or goes into the history passes here. Values are not kept for that: only their lengths,
//! and hashes under a key of the attempt, that roll over the text.
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::files::load;
use super::log::{log_size, tail_of};
use super::{AttemptDir, Error};
use crate::fs::{create_dirs_durable, write_durable_mode};

/// The prime 2^61 - 1: products of two remainders fit into 128 bits.
const PRIME: u128 = (1 << 61) - 1;
/// Shorter values are words of every log.
const LEAST: usize = 6;

/// What an attempt's script was given and must not be shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Redactor {
    base: u64,
    secrets: Vec<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Secret {
    name: String,
    length: usize,
    hash: u64,
}

impl Redactor {
    /// A redactor of these values by name; `key` is random.
    ///
    /// Of a value of several lines each line is one too.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>, key: u64) -> Self {
        let mut redactor = Self {
            base: key % (PRIME as u64 - 2) + 2,
            secrets: Vec::new(),
        };
        for (name, value) in values {
            let lines = value.lines().filter(|line| *line != value);
            for piece in [value].into_iter().chain(lines) {
                if piece.len() >= LEAST {
                    redactor.secrets.push(Secret {
                        name: name.to_owned(),
                        length: piece.len(),
                        hash: redactor.hash(piece.as_bytes()),
                    });
                }
            }
        }
        redactor
    }

    /// That of an attempt; of one that was given no secrets, it changes nothing.
    pub fn load(dir: &AttemptDir) -> Result<Self, Error> {
        Ok(load(&dir.secrets())?.unwrap_or_default())
    }

    /// Keeps it with the attempt, for the eyes of its owner only.
    pub fn save(&self, dir: &AttemptDir) -> Result<(), Error> {
        create_dirs_durable(dir.path())?;
        let text = serde_json::to_vec(self).expect("numbers and names are JSON");
        Ok(write_durable_mode(&dir.secrets(), &text, 0o600)?)
    }

    /// How many bytes may belong to a secret that has only begun.
    pub fn reach(&self) -> usize {
        let longest = self.secrets.iter().map(|secret| secret.length).max();
        longest.map_or(0, |length| length - 1)
    }

    /// The bytes with the name of each secret in its place.
    pub fn redacted(&self, bytes: &[u8]) -> Vec<u8> {
        self.redacted_from(bytes, 0)
    }

    /// The same, and where its parts stood: places in the new text, each with that in the old one.
    pub fn redacted_with_places(&self, bytes: &[u8]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let (mut shown, mut places, mut at) = (Vec::with_capacity(bytes.len()), vec![(0, 0)], 0);
        for (span, name) in self.find(bytes) {
            shown.extend_from_slice(&bytes[at..span.start]);
            shown.extend_from_slice(format!("[secret {name}]").as_bytes());
            at = span.end;
            places.push((shown.len(), at));
        }
        shown.extend_from_slice(&bytes[at..]);
        (shown, places)
    }

    /// The same from a place on; what stands before it only helps to know secrets that end later.
    fn redacted_from(&self, bytes: &[u8], from: usize) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        let mut at = from;
        for (span, name) in self.find(bytes) {
            if span.end <= from {
                continue;
            }
            shown.extend_from_slice(&bytes[at..span.start.max(at)]);
            shown.extend_from_slice(format!("[secret {name}]").as_bytes());
            at = span.end;
        }
        shown.extend_from_slice(&bytes[at..]);
        shown
    }

    /// The last `limit` bytes of an attempt's log, as they may be shown.
    pub fn tail(dir: &AttemptDir, limit: u64) -> Result<Vec<u8>, Error> {
        let redactor = Self::load(dir)?;
        let reach = redactor.reach() as u64;
        let before = log_size(&dir.log())?.saturating_sub(limit);
        let bytes = tail_of(&dir.log(), limit + reach)?;
        Ok(redactor.redacted_from(&bytes, before.min(reach) as usize))
    }

    /// Where secrets stand, by place; overlapping ones as one.
    fn find(&self, bytes: &[u8]) -> Vec<(Range<usize>, &str)> {
        let mut by_length: BTreeMap<usize, Vec<&Secret>> = BTreeMap::new();
        for secret in &self.secrets {
            by_length.entry(secret.length).or_default().push(secret);
        }
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        for (length, secrets) in by_length {
            self.roll(bytes, length, |at, hash| {
                if let Some(secret) = secrets.iter().find(|secret| secret.hash == hash) {
                    found.push((at..at + length, &secret.name));
                }
            });
        }
        found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        found.dedup_by(|(later, _), (first, _)| {
            let overlaps = later.start < first.end;
            if overlaps {
                first.end = first.end.max(later.end);
            }
            overlaps
        });
        found
    }

    /// The hash of every run of `length` bytes, each from the one before.
    fn roll(&self, bytes: &[u8], length: usize, mut visit: impl FnMut(usize, u64)) {
        if bytes.len() < length || length == 0 {
            return;
        }
        let mut hash = self.hash(&bytes[..length]);
        let base = u128::from(self.base);
        let first = (1..length).fold(1_u128, |power, _| power * base % PRIME);
        visit(0, hash);
        for at in 1..=bytes.len() - length {
            let gone = (u128::from(bytes[at - 1]) + 1) * first % PRIME;
            let rest = (u128::from(hash) + PRIME - gone) % PRIME;
            let next = u128::from(bytes[at + length - 1]) + 1;
            hash = ((rest * base + next) % PRIME) as u64;
            visit(at, hash);
        }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let base = u128::from(self.base);
        let hash = bytes.iter().fold(0, |hash, byte| {
            (hash * base + u128::from(*byte) + 1) % PRIME
        });
        hash as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &[(&str, &str)], text: &str) -> String {
        let redactor = Redactor::new(values.iter().copied(), 0x1234_5678_9abc_def0);
        String::from_utf8(redactor.redacted(text.as_bytes())).unwrap()
    }

    #[test]
    fn places_lead_back_to_what_was_there() {
        let redactor = Redactor::new([("a", "hunter2")], 0x1234_5678_9abc_def0);
        let (shown, places) = redactor.redacted_with_places(b"x hunter2y hunter2");
        assert_eq!(shown, redactor.redacted(b"x hunter2y hunter2"));
        assert_eq!(places, [(0, 0), (12, 9), (24, 18)]);
    }

    #[test]
    fn values_are_replaced_by_their_names() {
        let values = [("a", "hunter2"), ("b", "correct horse")];
        assert_eq!(shown(&values, "x hunter2y"), "x [secret a]y");
        assert_eq!(shown(&values, "hunter2hunter2"), "[secret a][secret a]");
        assert_eq!(shown(&values, "correct horse"), "[secret b]");
        assert_eq!(
            shown(&values, "hunter3 correcthorse"),
            "hunter3 correcthorse"
        );
        assert_eq!(
            shown(&[("a", "short")], "short"),
            "short",
            "too short to know"
        );
        assert_eq!(shown(&[], "hunter2"), "hunter2");
    }

    #[test]
    fn overlapping_values_leave_nothing() {
        let values = [("a", "abcdefgh"), ("b", "efghijkl"), ("c", "abcdef")];
        assert_eq!(shown(&values, "-abcdefghijkl-"), "-[secret a]-");
    }

    #[test]
    fn lines_of_a_value_are_replaced_alone_too() {
        let key = "first line\nsecond line\n";
        assert_eq!(shown(&[("k", key)], key), "[secret k]");
        assert_eq!(shown(&[("k", key)], "> second line\n"), "> [secret k]\n");
    }

    #[test]
    fn every_cut_of_a_log_is_redacted() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = AttemptDir::new(dir.path());
        let log = "0123456789 hunter2 abcdef hunter2";
        create_dirs_durable(&attempt.log()).unwrap();
        crate::fs::write_durable(&attempt.log().join("0001.log"), log.as_bytes()).unwrap();
        Redactor::new([("a", "hunter2")], 99)
            .save(&attempt)
            .unwrap();
        for limit in 0..=log.len() as u64 {
            let tail = String::from_utf8(Redactor::tail(&attempt, limit).unwrap()).unwrap();
            assert!(
                tail.len() <= 60 && !tail.contains("unter2") && !tail.contains("nter"),
                "{limit}: {tail}"
            );
        }
        let text = std::fs::read_to_string(attempt.secrets()).unwrap();
        assert!(!text.contains("hunter2"));
    }
}
