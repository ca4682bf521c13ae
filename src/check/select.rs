//! Which checks of the sets are looked at.
use super::Error;
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
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Checks of this tier and quicker ones.
    pub tier: Tier,
    /// Only these, of whatever tier; all if there are none. `gcc*` is all that begin so.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
}

impl Selection {
    /// What is wanted of it; names that fit no check are an error.
    pub fn narrowed(mut self, wanted: &Wanted) -> Result<Self, Error> {
        for name in wanted.only.iter().chain(&wanted.skip) {
            if !self.checks.iter().any(|check| fits(name, &check.id)) {
                let ids = self.checks.iter().map(|check| check.id.as_str());
                return Err(Error::unknown_check(name, ids));
            }
        }
        self.checks.retain(|check| {
            let is_named = wanted.only.iter().any(|name| fits(name, &check.id));
            let is_in_tier = wanted.only.is_empty() && check.tier <= wanted.tier;
            let is_skipped = wanted.skip.iter().any(|name| fits(name, &check.id));
            (is_named || is_in_tier) && !is_skipped
        });
        Ok(self)
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
            let selection = Selection {
                checks: checks.clone(),
                waivers: Vec::new(),
            };
            let left = selection.narrowed(&wanted);
            left.map(|left| {
                left.checks
                    .iter()
                    .map(|check| check.id.clone())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(left(Tier::Fast, &[], &[]).unwrap(), ["a"]);
        assert_eq!(left(Tier::Normal, &[], &[]).unwrap(), ["a", "gcc"]);
        assert_eq!(left(Tier::Deep, &[], &["gcc*"]).unwrap(), ["a"]);
        assert_eq!(left(Tier::Fast, &["gcc*"], &["gcc"]).unwrap(), ["gcc-c"]);
        let error = left(Tier::Fast, &["gc"], &[]).unwrap_err();
        assert!(matches!(error, Error::UnknownCheck { nearest: Some(near), .. } if near == "gcc"));
    }
}
