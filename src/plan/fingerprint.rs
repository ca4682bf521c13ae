//! What a step is built from, and how two such lists differ.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest;

/// What a part is called that says what came before, where only the order of scripts says so.
const AFTER: &str = "after:";
/// What a part is called that names a step that is needed.
const NEED: &str = "need:";

/// All that a step is built from: `script`, `interpreter`, `root`, `workdir`, `key:build.cflags`,
/// `env:CFLAGS`, `input:src/x.c`, `need:libs`, each with a short value or a hash; and `after:libs`,
/// which makes nothing stale (`docs/design/order.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint {
    /// The parts by name.
    pub parts: BTreeMap<String, String>,
}

impl Fingerprint {
    /// One hash over all parts that count for the steps that need this one.
    pub fn digest(&self) -> String {
        let mut parts = self.parts.clone();
        parts.retain(|name, _| !name.starts_with(AFTER));
        digest::parts(&parts)
    }

    /// One hash over all parts, and so over all that came before in the order of scripts.
    ///
    /// It is the same whether that order counts as a need or not.
    pub fn chain(&self) -> String {
        let counted = |(name, value): (&String, &String)| {
            let name = name.strip_prefix(AFTER).map(|step| format!("{NEED}{step}"));
            (name, value.clone())
        };
        let named = self.parts.iter().map(|part| {
            let (name, value) = counted(part);
            (name.unwrap_or_else(|| part.0.clone()), value)
        });
        digest::parts(&named.collect())
    }

    /// The parts of `old` that can be compared with these: what only came before is left out, and is a
    /// need if it is one now.
    pub fn comparable(&self, old: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let is_by_order = self.parts.keys().any(|name| name.starts_with(AFTER));
        let kept = old.iter().filter_map(|(name, value)| {
            let needed = name.strip_prefix(AFTER).map(|step| format!("{NEED}{step}"));
            let name = match needed {
                Some(need) => need,
                None if is_by_order && name.starts_with(NEED) => return None,
                None => return Some((name.clone(), value.clone())),
            };
            self.parts
                .contains_key(&name)
                .then(|| (name, value.clone()))
        });
        kept.collect()
    }

    /// Whether something before it in the order of scripts is not what it was when this was built from
    /// `old`: the step before it.
    pub fn outdated_by(&self, old: &BTreeMap<String, String>) -> Option<&str> {
        let mut before = self.parts.iter();
        let (step, now) =
            before.find_map(|(name, value)| Some((name.strip_prefix(AFTER)?, value)))?;
        let then = old.get(&format!("{AFTER}{step}"));
        let then = then.or_else(|| old.get(&format!("{NEED}{step}")));
        (then != Some(now)).then_some(step)
    }

    /// All parts that make a step stale if they change.
    pub fn that_count(&self) -> BTreeMap<String, String> {
        let mut parts = self.parts.clone();
        parts.retain(|name, _| !name.starts_with(AFTER));
        parts
    }

    /// What became different since `old`, by name; the step's own parts before its needs.
    pub fn changes(&self, old: &Self) -> Vec<Change> {
        let (now, old) = (self.that_count(), self.comparable(&old.parts));
        let names: BTreeSet<&String> = now.keys().chain(old.keys()).collect();
        let mut changes: Vec<Change> = names
            .into_iter()
            .filter(|name| now.get(*name) != old.get(*name))
            .map(|name| Change::of(name, old.get(name), now.get(name)))
            .collect();
        changes.sort_by_key(|change| change.kind);
        changes
    }
}

/// What sort of thing changed, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The bytes of the script.
    Script,
    /// A configuration key that the step reads.
    Key,
    /// A variable as plan.toml sets it.
    Env,
    /// A declared input.
    Input,
    /// The program that runs the script.
    Interpreter,
    /// A tool that counts, by plan.toml.
    Tool,
    /// Where the step runs.
    Workdir,
    /// What is built.
    Root,
    /// Something that a newer or older buildkeep knows.
    Other,
    /// A step that this one needs.
    Need,
}

/// One difference between what a step was built from and what it would be built from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What sort of thing.
    pub kind: ChangeKind,
    /// The key, variable, path or step; the file for a script.
    pub name: String,
    /// As it was; nothing if it is new.
    pub before: Option<String>,
    /// As it is; nothing if it is gone.
    pub after: Option<String>,
}

impl Change {
    fn of(part: &str, before: Option<&String>, after: Option<&String>) -> Self {
        let (kind, name) = part.split_once(':').unwrap_or((part, part));
        let kind = match kind {
            "script" => ChangeKind::Script,
            "key" => ChangeKind::Key,
            "env" => ChangeKind::Env,
            "input" => ChangeKind::Input,
            "interpreter" => ChangeKind::Interpreter,
            "tool" => ChangeKind::Tool,
            "workdir" => ChangeKind::Workdir,
            "root" => ChangeKind::Root,
            "need" => ChangeKind::Need,
            _ => ChangeKind::Other,
        };
        Self {
            kind,
            name: name.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }
    }

    /// `from A to B`, `added (B)`, `removed (A)`.
    fn values(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                write!(f, "changed from {} to {}", shown(before), shown(after))
            }
            (None, Some(after)) => write!(f, "is new ({})", shown(after)),
            (Some(before), None) => write!(f, "is gone (was {})", shown(before)),
            (None, None) => f.write_str("is unchanged"),
        }
    }

    fn content(&self) -> &'static str {
        let absent = |value: &Option<String>| value.as_deref().is_none_or(|v| v == digest::ABSENT);
        match (absent(&self.before), absent(&self.after)) {
            (true, false) => "is new",
            (false, true) => "is gone",
            _ => "changed",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ChangeKind::Script => f.write_str("script changed"),
            ChangeKind::Key => {
                write!(f, "`{}` ", self.name)?;
                match (&self.before, &self.after) {
                    (None, Some(after)) => write!(f, "is read now ({})", shown(after)),
                    (Some(_), None) => f.write_str("is no longer read"),
                    (Some(_), Some(after)) if after.starts_with("secret ") => {
                        // Digests tell nobody anything.
                        let name = after.split(' ').nth(1).unwrap_or_default();
                        write!(f, "changed (secret {name})")
                    }
                    _ => self.values(f),
                }
            }
            ChangeKind::Env => {
                write!(f, "variable {} ", self.name)?;
                self.values(f)
            }
            ChangeKind::Tool => {
                write!(f, "tool {} ", self.name)?;
                self.values(f)
            }
            ChangeKind::Input => write!(f, "input {} {}", self.name, self.content()),
            ChangeKind::Need => match (&self.before, &self.after) {
                (None, _) => write!(f, "needs `{}` now", self.name),
                (_, None) => write!(f, "no longer needs `{}`", self.name),
                _ => write!(f, "needs `{}`, which changed", self.name),
            },
            ChangeKind::Interpreter | ChangeKind::Workdir | ChangeKind::Root => {
                write!(f, "{} ", self.name)?;
                self.values(f)
            }
            ChangeKind::Other => write!(f, "{} {}", self.name, self.content()),
        }
    }
}

/// A value as it reads in a sentence.
fn shown(value: &str) -> String {
    if value.is_empty() {
        "nothing".into()
    } else if value.contains(char::is_whitespace) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(parts: &[(&str, &str)]) -> Fingerprint {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fingerprint {
            parts: parts.iter().map(owned).collect(),
        }
    }

    #[test]
    fn changes_read_as_sentences() {
        let old = fingerprint(&[
            ("script", "1"),
            ("key:build.cflags", "-O2"),
            ("key:build.flags", "-g -O2"),
            ("env:LC_ALL", "C"),
            ("input:src/x.c", "1"),
            ("input:src/y.c", "absent"),
            ("need:libs", "1"),
            ("need:a", "1"),
            ("interpreter", "/usr/bin/dash"),
            ("root", "/mnt/a"),
        ]);
        let new = fingerprint(&[
            ("script", "2"),
            ("key:build.cflags", "-O3"),
            ("key:build.flags", ""),
            ("key:build.jobs", "4"),
            ("input:src/x.c", "2"),
            ("input:src/y.c", "1"),
            ("need:libs", "2"),
            ("need:b", "1"),
            ("interpreter", "/usr/bin/bash"),
            ("root", "/mnt/a"),
        ]);
        let said: Vec<String> = new.changes(&old).iter().map(Change::to_string).collect();
        assert_eq!(
            said,
            [
                "script changed",
                "`build.cflags` changed from -O2 to -O3",
                "`build.flags` changed from \"-g -O2\" to nothing",
                "`build.jobs` is read now (4)",
                "variable LC_ALL is gone (was C)",
                "input src/x.c changed",
                "input src/y.c is new",
                "interpreter changed from /usr/bin/dash to /usr/bin/bash",
                "no longer needs `a`",
                "needs `b` now",
                "needs `libs`, which changed",
            ]
        );
        assert_eq!(new.changes(&new), []);
    }

    #[test]
    fn the_digest_follows_names_and_values() {
        let a = fingerprint(&[("a", "bc")]);
        assert_eq!(a.digest(), a.clone().digest());
        for other in [
            &[("ab", "c")][..],
            &[("a", "bd")],
            &[("a", "bc"), ("b", "")],
        ] {
            assert_ne!(a.digest(), fingerprint(other).digest());
        }
    }

    #[test]
    fn order_makes_nothing_stale_unless_it_is_a_need() {
        let loose = |before: &str| fingerprint(&[("script", "1"), ("after:a", before)]);
        let strict = |before: &str| fingerprint(&[("script", "1"), ("need:a", before)]);
        assert_eq!(loose("2").changes(&loose("1")), []);
        assert_eq!(loose("2").digest(), loose("1").digest());
        assert_ne!(loose("2").chain(), loose("1").chain());
        assert_eq!(loose("2").outdated_by(&loose("1").parts), Some("a"));
        assert_eq!(loose("1").outdated_by(&loose("1").parts), None);
        // As it was before order was told from needs, and when plan.toml changes its mind.
        assert_eq!(loose("2").changes(&strict("1")), []);
        assert_eq!(loose("1").outdated_by(&strict("1").parts), None);
        assert_eq!(strict("1").changes(&loose("1")), []);
        assert_eq!(strict("2").changes(&loose("1")).len(), 1);
        assert_eq!(strict("1").chain(), loose("1").chain());
        let moved = fingerprint(&[("script", "1"), ("after:b", "1")]);
        assert_eq!(moved.changes(&loose("1")), []);
        assert_eq!(moved.outdated_by(&loose("1").parts), Some("b"));
    }

    #[test]
    fn json_has_the_fields_of_why() {
        let (old, new) = (
            fingerprint(&[("key:a.b", "1")]),
            fingerprint(&[("key:a.b", "2")]),
        );
        assert_eq!(
            serde_json::to_string(&new.changes(&old)).unwrap(),
            r#"[{"kind":"key","name":"a.b","before":"1","after":"2"}]"#
        );
    }
}
