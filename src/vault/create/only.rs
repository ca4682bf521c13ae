//! Taking parts of a folder.
use std::collections::BTreeSet;

/// Paths from the source folder: they, and the folders on the way to them.
#[derive(Clone, Debug, Default)]
pub struct Only(BTreeSet<Vec<u8>>);

impl Only {
    pub(super) fn has(&self, path: &[u8]) -> bool {
        let below = [path, b"/"].concat();
        let next = self.0.range(below.clone()..).next();
        self.0.contains(path) || next.is_some_and(|next| next.starts_with(&below))
    }
}

impl FromIterator<Vec<u8>> for Only {
    fn from_iter<T: IntoIterator<Item = Vec<u8>>>(paths: T) -> Self {
        Self(paths.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_and_the_folders_on_the_way_are_taken() {
        let only: Only = [&b"a/b/c"[..], b"a-", b"x"]
            .map(<[u8]>::to_vec)
            .into_iter()
            .collect();
        for path in ["a", "a/b", "a/b/c", "a-", "x"] {
            assert!(only.has(path.as_bytes()), "{path}");
        }
        for path in ["a/b/c/d", "b", "a/c", "x/y", "a/b/"] {
            assert!(!only.has(path.as_bytes()), "{path}");
        }
    }
}
