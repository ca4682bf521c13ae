//! What a version must be.
use std::fmt;

use super::Version;

/// Limits that all must hold: `>= 2.5.1a`, `>= 5.4, < 17`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    text: String,
    limits: Vec<(Limit, Version)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    AtLeast,
    MoreThan,
    AtMost,
    LessThan,
    Exactly,
}

impl Requirement {
    /// Reads limits, divided by commas.
    pub fn parse(text: &str) -> Option<Self> {
        let limits: Option<Vec<_>> = text.split(',').map(|one| limit(one.trim())).collect();
        Some(Self {
            text: text.trim().to_owned(),
            limits: limits?,
        })
    }

    /// Whether `version` keeps all limits.
    pub fn is_met_by(&self, version: &Version) -> bool {
        self.limits.iter().all(|(limit, other)| match limit {
            Limit::AtLeast => version >= other,
            Limit::MoreThan => version > other,
            Limit::AtMost => version <= other,
            Limit::LessThan => version < other,
            Limit::Exactly => version.cmp(other).is_eq(),
        })
    }
}

fn limit(text: &str) -> Option<(Limit, Version)> {
    let operators = [
        (">=", Limit::AtLeast),
        ("<=", Limit::AtMost),
        (">", Limit::MoreThan),
        ("<", Limit::LessThan),
        ("=", Limit::Exactly),
    ];
    let (operator, limit) = operators.iter().find(|(sign, _)| text.starts_with(sign))?;
    let version = Version::parse(text[operator.len()..].trim())?;
    Some((*limit, version))
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_together() {
        let met = |requirement: &str, version: &str| {
            let version = Version::parse(version).unwrap();
            Requirement::parse(requirement).unwrap().is_met_by(&version)
        };
        assert!(met(">= 2.5.1a", "3.8") && met(">= 2.5.1a", "2.5.1a"));
        assert!(!met(">= 2.5.1a", "2.5.1") && !met(">= 2.5.1a", "2.5"));
        assert!(met(">= 5.4, <= 16.2", "16.2") && !met(">= 5.4, <= 16.2", "16.2.1"));
        assert!(met("= 3", "3.0") && met("> 1", "1.1") && met("< 2", "1.99"));
    }

    #[test]
    fn what_is_no_requirement_is_refused() {
        for text in ["", "2.5", ">= ", ">= x", "~ 3", ">= 1,"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }
}
