//! What was found and may stay, with the reason.
use std::ops::Range;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value as Json;

use super::Finding;
use crate::config::Role;
use crate::document::{Document, KeyPath, Problem};

/// What a comment begins with that allows a finding on its line or the one below.
const MARK: &str = "buildkeep: allow secret(";

/// The findings that buildkeep.toml allows: `[[secrets.allow]]`.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Waiver>);

#[derive(Clone, Debug, Deserialize)]
struct Waiver {
    path: String,
    rule: Option<String>,
    until: Option<NaiveDate>,
    #[serde(skip)]
    line: usize,
}

/// What becomes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stays,
    Refused,
    /// It was allowed, until that day, by a line of buildkeep.toml.
    Expired(NaiveDate, usize),
}

impl Allowed {
    /// Reads them from buildkeep.toml, which has been checked.
    pub fn of(settings: Option<&Document>) -> Self {
        let Some(settings) = settings else {
            return Self::default();
        };
        let json = settings.to_json();
        let all = json.pointer("/secrets/allow").and_then(Json::as_array);
        let waivers = all
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(at, json)| {
                let mut waiver: Waiver = serde_json::from_value(json.clone()).ok()?;
                let key = KeyPath::root()
                    .key("secrets")
                    .key("allow")
                    .item(at)
                    .key("path");
                waiver.line = settings.line_of(&key).map_or(0, |(line, _)| line);
                Some(waiver)
            });
        Self(waivers.collect())
    }

    /// What becomes of a finding today.
    pub(super) fn verdict(
        &self,
        path: &str,
        text: &str,
        found: &Finding,
        today: NaiveDate,
    ) -> Verdict {
        if is_allowed_here(text, found) {
            return Verdict::Stays;
        }
        let mut verdict = Verdict::Refused;
        for waiver in self.0.iter().filter(|waiver| waiver.is_for(path, found)) {
            match waiver.until {
                Some(until) if today > until => verdict = Verdict::Expired(until, waiver.line),
                _ => return Verdict::Stays,
            }
        }
        verdict
    }
}

impl Waiver {
    fn is_for(&self, path: &str, found: &Finding) -> bool {
        let rule = self
            .rule
            .as_deref()
            .is_none_or(|rule| rule == found.rule.name);
        rule && fits(self.path.as_bytes(), path.as_bytes())
    }
}

/// Whether a comment on the line of a finding, or on the one above, allows its rule.
fn is_allowed_here(text: &str, found: &Finding) -> bool {
    let start = text[..found.secret.start]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let above = text[..start].strip_suffix('\n');
    let above = above.and_then(|text| text.rsplit('\n').next());
    let allows = |line: &str| {
        let rest = line.split_once(MARK).map(|(_, rest)| rest);
        let rule = rest.and_then(|rest| rest.split_once(')'));
        rule.is_some_and(|(rule, reason)| rule == found.rule.name && !reason.trim().is_empty())
    };
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', '/', ';']);
    allows(&text[start..end]) || above.filter(is_comment).is_some_and(allows)
}

impl Verdict {
    /// The finding as a problem, without any of the `secrets` in its line.
    pub(super) fn problem(
        &self,
        path: &str,
        text: &str,
        found: &Finding,
        secrets: &[Range<usize>],
    ) -> Option<Problem> {
        let rule = found.rule;
        let help = match self {
            Self::Stays => return None,
            Self::Refused => format!(
                "{}; if it is none, add a comment: `# buildkeep: allow secret({}) WHY` \
                 (docs/guide/secrets.md)",
                instead(path),
                rule.name
            ),
            Self::Expired(until, line) => format!(
                "it was allowed until {until}, by line {line} of buildkeep.toml: look again, and give it another day"
            ),
        };
        let message = format!("this looks like {} (rule `{}`)", rule.what, rule.name);
        Some(
            Problem::new(rule.code, message)
                .found_in_text((path, text), found.secret.clone(), secrets)
                .help(help),
        )
    }
}

/// Where a secret goes that is in the file at `path`.
fn instead(path: &str) -> &'static str {
    match Role::of(path) {
        Some(Role::Base(_) | Role::Profile(_) | Role::Host(_)) => {
            "say in `[secrets]` of buildkeep.toml where it comes from, and write `secret:NAME` here"
        }
        _ => {
            "give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml"
        }
    }
}

/// Whether a path fits a pattern: `*` is anything but a slash, `**` anything.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', rest @ ..] => {
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            (0..=path.len()).any(|at| fits(rest, &path[at..]))
        }
        [b'*', rest @ ..] => {
            let end = path
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(path.len());
            (0..=end).any(|at| fits(rest, &path[at..]))
        }
        [first, rest @ ..] => path
            .split_first()
            .is_some_and(|(byte, path)| byte == first && fits(rest, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_paths() {
        for (pattern, path, expected) in [
            ("tests/*.toml", "tests/a.toml", true),
            ("tests/*.toml", "tests/b/a.toml", false),
            ("tests/**", "tests/b/a.toml", true),
            ("**/a.toml", "a.toml", true),
            ("**/a.toml", "x/y/a.toml", true),
            ("a", "ab", false),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), path.as_bytes()),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
