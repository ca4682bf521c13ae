//! Patterns in the syntax of `.gitignore`.
use gix::bstr::ByteSlice as _;
use gix::glob::pattern::Case;
use gix::ignore::Search;

/// What is to be left out.
#[derive(Clone, Debug, Default)]
pub struct Excludes(Option<Search>);

impl Excludes {
    /// Patterns as a `.gitignore` in the top folder would have them, one each.
    pub fn new(patterns: &[String]) -> Self {
        if patterns.is_empty() {
            return Self(None);
        }
        let parse = gix::ignore::search::Ignore::default();
        Self(Some(Search::from_overrides(patterns, parse)))
    }

    /// Whether a path from the top folder is to be left out.
    pub fn matches(&self, path: &[u8], is_dir: bool) -> bool {
        let Some(search) = &self.0 else {
            return false;
        };
        let found =
            search.pattern_matching_relative_path(path.as_bstr(), Some(is_dir), Case::Sensitive);
        found.is_some_and(|found| !found.pattern.is_negative())
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        let patterns = ["*.o", "!keep.o", "/top", "cache/"].map(str::to_owned);
        let excludes = Excludes::new(&patterns);
        let left_out = |path: &str| excludes.matches(path.as_bytes(), false);
        assert!(left_out("a/b.o") && left_out("top") && excludes.matches(b"x/cache", true));
        assert!(!left_out("a/keep.o") && !left_out("a/top") && !left_out("x/cache"));
        assert!(!Excludes::new(&[]).matches(b"a", false));
    }
}
