//! What a snapshot leaves out on purpose.
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::store::Trailers;

/// The file that marks a folder as a cache, and how it has to begin (bford.info/cachedir).
pub(super) const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// What a snapshot leaves out on purpose.
///
/// A snapshot says so of itself, since a restore that removes what the snapshot does not have must
/// not remove what the snapshot never was to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Patterns in the syntax of `.gitignore`.
    pub patterns: Vec<String>,
    /// Whether of folders that are marked as caches only the mark is taken.
    pub caches: bool,
    /// Files with more bytes than this.
    pub larger_than: Option<u64>,
}

impl LeftOut {
    /// What a snapshot says of itself.
    pub(super) fn of(facts: &Trailers) -> Self {
        Self {
            patterns: facts.all("Exclude").map(str::to_owned).collect(),
            caches: facts.get("Exclude-Caches").is_some(),
            larger_than: facts
                .get("Exclude-Larger")
                .and_then(|bytes| bytes.parse().ok()),
        }
    }

    pub(super) fn tell(&self, facts: &mut Trailers) {
        for pattern in &self.patterns {
            // A pattern that is cut would mean something else.
            facts.push_whole("Exclude", pattern.replace(['\n', '\r'], " "));
        }
        if self.caches {
            facts.push("Exclude-Caches", "CACHEDIR.TAG");
        }
        if let Some(bytes) = self.larger_than {
            facts.push("Exclude-Larger", bytes);
        }
    }

    /// Whether a file of this size is left out.
    pub(super) fn is_too_large(&self, size: u64) -> bool {
        self.larger_than.is_some_and(|most| size > most)
    }
}

/// Whether a folder is marked as a cache.
pub(super) fn is_cache(folder: impl AsFd) -> bool {
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(folder, CACHE_TAG, how, Mode::empty());
    opened.is_ok_and(begins_so)
}

fn begins_so(tag: OwnedFd) -> bool {
    let mut begin = [0; SIGNATURE.len()];
    let read = std::fs::File::from(tag).read_exact(&mut begin);
    read.is_ok() && begin == SIGNATURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_says_what_it_leaves_out_whole() {
        let long = "x".repeat(300);
        let told = LeftOut {
            patterns: vec!["*.o".into(), long],
            caches: true,
            larger_than: Some(1000),
        };
        let mut facts = Trailers::default();
        told.tell(&mut facts);
        assert_eq!(LeftOut::of(&facts), told);
        assert_eq!(LeftOut::of(&Trailers::default()), LeftOut::default());
    }

    #[test]
    fn only_the_right_beginning_marks_a_cache() {
        let dir = tempfile::tempdir().unwrap();
        let tag = dir.path().join("CACHEDIR.TAG");
        let is_cache = || is_cache(std::fs::File::open(dir.path()).unwrap());
        assert!(!is_cache());
        std::fs::write(&tag, "Signature: something else").unwrap();
        assert!(!is_cache());
        std::fs::write(&tag, [SIGNATURE, b"\nmore"].concat()).unwrap();
        assert!(is_cache());
    }
}
