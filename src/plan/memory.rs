//! Hashes of large files, known again by what the file system says of them.
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Smaller files are hashed sooner than looked up.
const LARGE: u64 = 64 * 1024;
/// A file that changed so short before may change again without its times changing.
const RECENT_S: i64 = 2;
/// More are not remembered.
const MOST: usize = 50_000;

/// Device, inode, size, times of content and of all else: the last cannot be set by anybody.
type Stat = (u64, u64, u64, (i64, i64), (i64, i64));

/// Hashes by path.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    files: BTreeMap<String, (Stat, String)>,
    #[serde(skip)]
    is_changed: bool,
}

impl Memory {
    /// What an earlier command remembered; nothing if that cannot be read.
    pub fn read(bytes: &[u8]) -> Self {
        Self(Mutex::new(
            serde_json::from_slice(bytes).unwrap_or_default(),
        ))
    }

    /// What is to be remembered, if it is more than before.
    pub fn changed(&self) -> Option<Vec<u8>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_changed = std::mem::take(&mut kept.is_changed);
        let text = is_changed.then(|| serde_json::to_vec(&*kept));
        text.and_then(Result::ok)
    }

    /// The hash of the file at `path`: remembered, or made by `hash`; `now` is what a file would be
    /// stamped with.
    pub(super) fn of<E>(
        &self,
        (path, meta): (&Path, &Metadata),
        now: i64,
        hash: impl FnOnce() -> Result<String, E>,
    ) -> Result<String, E> {
        let Some(name) = path.to_str().filter(|_| meta.len() >= LARGE) else {
            return hash();
        };
        let stat = stat_of(meta);
        if let Some(known) = self.find(name, &stat) {
            return Ok(known);
        }
        let found = hash()?;
        let newest = meta.ctime().max(meta.mtime());
        if newest < now - RECENT_S {
            self.keep(name, stat, &found);
        }
        Ok(found)
    }

    fn find(&self, name: &str, stat: &Stat) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, hash) = kept.files.get(name)?;
        (known == stat).then(|| hash.clone())
    }

    fn keep(&self, name: &str, stat: Stat, hash: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.files.len() >= MOST {
            kept.files.clear();
        }
        kept.files.insert(name.to_owned(), (stat, hash.to_owned()));
        kept.is_changed = true;
    }
}

fn stat_of(meta: &Metadata) -> Stat {
    (
        meta.dev(),
        meta.ino(),
        meta.size(),
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(memory: &Memory, path: &Path, (later, answer): (i64, &str)) -> String {
        let meta = path.metadata().unwrap();
        let now = meta.ctime() + later;
        memory
            .of((path, &meta), now, || Ok::<_, ()>(answer.to_owned()))
            .unwrap()
    }

    #[test]
    fn a_large_file_is_hashed_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        std::fs::write(&path, vec![0; LARGE as usize]).unwrap();
        let memory = Memory::default();
        assert_eq!(hash(&memory, &path, (9, "first")), "first");
        assert_eq!(hash(&memory, &path, (9, "second")), "first");
        let saved = memory.changed().unwrap();
        assert_eq!(memory.changed(), None, "nothing new since");
        assert_eq!(hash(&Memory::read(&saved), &path, (9, "third")), "first");
        assert_eq!(
            hash(&Memory::read(b"damaged"), &path, (9, "third")),
            "third"
        );
        std::fs::write(&path, vec![1; LARGE as usize + 1]).unwrap();
        assert_eq!(hash(&memory, &path, (9, "changed")), "changed");
    }

    #[test]
    fn what_may_still_change_is_hashed_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fresh");
        let memory = Memory::default();
        for (later, size) in [(9, LARGE - 1), (1, LARGE)] {
            std::fs::write(&path, vec![0; size as usize]).unwrap();
            assert_eq!(hash(&memory, &path, (later, "first")), "first");
            assert_eq!(hash(&memory, &path, (later, "again")), "again");
        }
    }
}
