//! Taking one change of a file back while keeping the changes that came later.
use std::collections::BTreeSet;

use serde_json::Value as Json;
use similar::TextMerge;

use super::sources::{leaves, value_at};
use crate::document::{self, Document, KeyPath, Problem};

/// Three contents of one file; a file that is not there has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Three<'a> {
    /// After the change that is taken back.
    pub(super) base: Option<&'a [u8]>,
    /// Before it.
    pub(super) wanted: Option<&'a [u8]>,
    /// As the file is now.
    pub(super) now: Option<&'a [u8]>,
}

/// Why a file cannot have both.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Clash {
    /// The keys that two changes set; none if it is not told by key.
    Overlap(Vec<KeyPath>),
    /// As it is now, it cannot be read.
    Unreadable(Problem),
}

impl Clash {
    fn whole() -> Self {
        Self::Overlap(Vec::new())
    }
}

/// The content of `path` with the change taken back, and everything later kept.
pub(super) fn merged(path: &str, three: Three<'_>) -> Result<Option<Vec<u8>>, Clash> {
    let owned = |content: Option<&[u8]>| content.map(<[u8]>::to_vec);
    if three.now == three.base {
        return Ok(owned(three.wanted));
    }
    if three.now == three.wanted {
        return Ok(owned(three.now));
    }
    let is_toml = std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "toml");
    let texts = || {
        let text = |content: Option<&'_ [u8]>| {
            let text = std::str::from_utf8(content.unwrap_or_default()).ok()?;
            Some(text.to_owned())
        };
        Some([text(three.base)?, text(three.wanted)?, text(three.now)?])
    };
    let everywhere = three.base.is_some() && three.wanted.is_some() && three.now.is_some();
    match texts() {
        Some([base, wanted, now]) if is_toml => {
            let merged = by_key(path, &base, &wanted, &now)?;
            let is_gone = three.wanted.is_none() && merged.trim().is_empty();
            Ok((!is_gone).then(|| merged.into_bytes()))
        }
        Some([base, wanted, now]) if everywhere => {
            let merged = by_line(&base, &wanted, &now).ok_or_else(Clash::whole)?;
            Ok(Some(merged.into_bytes()))
        }
        _ => Err(Clash::whole()),
    }
}

/// Lines, as Git merges them.
fn by_line(base: &str, wanted: &str, now: &str) -> Option<String> {
    let merge = TextMerge::from_lines(base, now, wanted);
    (!merge.is_conflicted()).then(|| merge.to_string())
}

/// The keys decide what changes; the lines, if they agree with the keys, how it is written.
fn by_key(path: &str, base: &str, wanted: &str, now: &str) -> Result<String, Clash> {
    let parse = |text| Document::parse(path, text).map_err(|_| Clash::whole());
    let here = Document::parse(path, now).map_err(Clash::Unreadable)?;
    let (old, target) = (parse(base)?, parse(wanted)?);
    let (old, aim, json) = (old.to_json(), target.to_json(), here.to_json());
    let mut back = Vec::new();
    let mut overlap = Vec::new();
    let keys: BTreeSet<KeyPath> = leaves(&old).into_iter().chain(leaves(&aim)).collect();
    for key in keys {
        let value = |json| value_at(json, &key);
        let (before, after, present) = (value(&old), value(&aim), value(&json));
        if before == after || present == after {
            continue;
        }
        if present == before {
            back.push(key);
        } else {
            overlap.push(key);
        }
    }
    if !overlap.is_empty() {
        return Err(Clash::Overlap(overlap));
    }
    let mut text = now.to_owned();
    for key in &back {
        text = document::transplant(path, &text, key, &target)
            .map_err(|_| Clash::Overlap(vec![key.clone()]))?;
    }
    let lines = by_line(base, wanted, now);
    let said = |text: &str| Document::parse(path, text).map(|document| values(&document.to_json()));
    let by_keys = said(&text).map_err(|_| Clash::whole())?;
    match lines.filter(|lines| said(lines).is_ok_and(|values| values == by_keys)) {
        Some(lines) => Ok(lines),
        None => Ok(text),
    }
}

/// What a text says, its empty tables apart.
fn values(json: &Json) -> Vec<(Json, KeyPath)> {
    let keys = leaves(json).into_iter();
    let mut values: Vec<_> = keys
        .filter_map(|key| Some((value_at(json, &key)?.clone(), key)))
        .collect();
    values.sort_by(|(_, a), (_, b)| a.cmp(b));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml(base: &str, wanted: &str, now: &str) -> Result<String, Vec<String>> {
        let three = Three {
            base: Some(base.as_bytes()),
            wanted: Some(wanted.as_bytes()),
            now: Some(now.as_bytes()),
        };
        let merged = merged("config/a.toml", three).map(Option::unwrap_or_default);
        let merged = merged.map(|bytes| String::from_utf8(bytes).unwrap());
        merged.map_err(|clash| match clash {
            Clash::Overlap(keys) => keys.iter().map(KeyPath::to_string).collect(),
            Clash::Unreadable(problem) => vec![problem.code.to_owned()],
        })
    }

    #[test]
    fn a_later_change_of_another_key_is_kept() {
        assert_eq!(
            toml(
                "a = 2\nb = 1 # x\n",
                "a = 1 # one\nb = 1 # x\n",
                "a = 2\nb = 9 # x\n"
            )
            .unwrap(),
            "a = 1\nb = 9 # x\n"
        );
        assert_eq!(
            toml(
                "a = 2\n\nk = 0\n\nb = 1\n",
                "a = 1 # one\n\nk = 0\n\nb = 1\n",
                "a = 2\n\nk = 0\n\nb = 9\n"
            )
            .unwrap(),
            "a = 1 # one\n\nk = 0\n\nb = 9\n"
        );
    }

    #[test]
    fn what_came_and_what_went_is_taken_back() {
        assert_eq!(
            toml("a = 1\nb = 2\n", "a = 1\n", "a = 3\nb = 2\n").unwrap(),
            "a = 3\n"
        );
        assert_eq!(
            toml("a = 1\n", "a = 1\nb = 2\n", "a = 3\n").unwrap(),
            "a = 3\nb = 2\n"
        );
        assert_eq!(
            toml(
                "[[x]]\nn = 1\n",
                "[[x]]\nn = 1\n[[x]]\nn = 2\n",
                "a = 1\n[[x]]\nn = 1\n"
            )
            .unwrap(),
            "a = 1\n[[x]]\nn = 1\n[[x]]\nn = 2\n"
        );
    }

    #[test]
    fn two_changes_of_one_key_are_told() {
        assert_eq!(toml("a = 2\n", "a = 1\n", "a = 3\n").unwrap_err(), ["a"]);
        assert_eq!(toml("a = 2\n", "a = 1\n", "b = 3\n").unwrap_err(), ["a"]);
        assert_eq!(toml("a = 2\n", "a = 1\n", "a =\n").unwrap_err(), ["K001"]);
    }

    #[test]
    fn a_file_that_was_made_goes_only_if_nothing_else_is_in_it() {
        let three = |now: &'static str| Three {
            base: Some(b"a = 1\n"),
            wanted: None,
            now: Some(now.as_bytes()),
        };
        assert_eq!(merged("config/a.toml", three("a = 1\n")), Ok(None));
        assert_eq!(
            merged("config/a.toml", three("a = 1\nb = 1\n")),
            Ok(Some(b"b = 1\n".to_vec()))
        );
        assert_eq!(merged("script", three("a = 2\n")), Err(Clash::whole()));
    }
}
