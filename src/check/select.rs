//! Which checks of the sets are looked at.
use serde::{Deserialize, Serialize};

use super::definition::{Check, Tier, Waiver};

/// What to run: checks with their waivers.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Each id once.
    pub checks: Vec<Check>,
    /// Findings that are accepted.
    pub waivers: Vec<Waiver>,
}

/// What is wanted of a selection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// Checks of this tier and quicker ones.
    pub tier: Tier,
    /// Only these, of whatever tier; all if there are none. `gcc*` is all that begin so.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether `name` fits a check of it.
    pub fn knows(&self, name: &str) -> bool {
        self.checks.iter().any(|check| fits(name, &check.id))
    }

    /// Leaves what is wanted of it.
    pub fn narrow(&mut self, wanted: &Wanted) {
        self.checks.retain(|check| {
            let is_named = wanted.only.iter().any(|name| fits(name, &check.id));
            let is_in_tier = wanted.only.is_empty() && check.tier <= wanted.tier;
            let is_skipped = wanted.skip.iter().any(|name| fits(name, &check.id));
            (is_named || is_in_tier) && !is_skipped
        });
    }
}

fn fits(name: &str, id: &str) -> bool {
    match name.strip_suffix('*') {
        Some(beginning) => id.starts_with(beginning),
        None => name == id,
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    #[test]
    fn checks_are_chosen_by_tier_and_by_name() {
        let check = |id: &str, tier: &str| {
            format!("[[check]]\nid = \"{id}\"\nkind = \"tool\"\nwhy = \"y\"\ntier = \"{tier}\"\n")
        };
        let text = [
            check("a", "fast"),
            check("gcc", "normal"),
            check("gcc-c", "deep"),
        ]
        .concat();
        let checks = read("own", "own", &text).unwrap().checks;
        let left = |tier, only: &[&str], skip: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            let wanted = Wanted {
                tier,
                only: owned(only),
                skip: owned(skip),
            };
            let mut selection = Selection {
                checks: checks.clone(),
                waivers: Vec::new(),
            };
            selection.narrow(&wanted);
            let checks = selection.checks.into_iter();
            checks.map(|check| check.id).collect::<Vec<_>>()
        };
        assert_eq!(left(Tier::Fast, &[], &[]), ["a"]);
        assert_eq!(left(Tier::Normal, &[], &[]), ["a", "gcc"]);
        assert_eq!(left(Tier::Deep, &[], &["gcc*"]), ["a"]);
        assert_eq!(left(Tier::Fast, &["gcc*"], &["gcc"]), ["gcc-c"]);
        assert!(left(Tier::Fast, &["gc"], &[]).is_empty());
    }
}
