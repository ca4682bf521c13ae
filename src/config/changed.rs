//! The keys in which two texts of one file differ, found fast where only a few lines do.
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Json;

use crate::document::{Document, KeyPath, Value};

/// Values of keys before and after.
pub(super) type Changed = BTreeMap<KeyPath, (Option<Json>, Option<Json>)>;

/// The keys whose values differ. Of a text that cannot be read nothing is certain.
pub(super) fn changed(old: &str, new: &str) -> Changed {
    by_lines(old, new).unwrap_or_else(|| compared(&values(old), &values(new)))
}

/// The values of a text by key.
pub(super) type Values = BTreeMap<KeyPath, Json>;

/// The keys whose values differ.
pub(super) fn compared(old: &Values, new: &Values) -> Changed {
    let keys = old.keys().chain(new.keys());
    let differing = keys.filter(|key| old.get(*key) != new.get(*key));
    let both = |key: &KeyPath| (old.get(key).cloned(), new.get(key).cloned());
    differing.map(|key| (key.clone(), both(key))).collect()
}

fn values(text: &str) -> Values {
    let document = Document::parse("", text);
    let values = document.map(|document| document.values());
    values.unwrap_or_default().into_iter().collect()
}

/// Looks at the lines that differ and the header above them; nothing if that may not be enough.
fn by_lines(old: &str, new: &str) -> Option<Changed> {
    let quotes = |text: &str| text.contains("\"\"\"") || text.contains("'''");
    if quotes(old) || quotes(new) {
        return None;
    }
    let (before, after) = differing(old, new);
    let table = table_at(&new[..after.start])?;
    let inside = |part: &str| {
        let has_header = part.lines().any(|line| line.trim_start().starts_with('['));
        let whole = Document::parse("", part).ok().filter(|_| !has_header)?;
        let values = whole.values().into_iter().map(|(key, value)| {
            let path = table.segments().iter().chain(key.segments());
            (path.cloned().collect::<KeyPath>(), value)
        });
        Some(values.collect::<Values>())
    };
    Some(compared(&inside(&old[before])?, &inside(&new[after])?))
}

/// The whole lines in which two texts differ, from the first to the last.
fn differing(old: &str, new: &str) -> (Range<usize>, Range<usize>) {
    let lines = || old.split_inclusive('\n').zip(new.split_inclusive('\n'));
    let same = lines().take_while(|(old, new)| old == new);
    let start: usize = same.map(|(line, _)| line.len()).sum();
    let (a, b) = (&old[start..], &new[start..]);
    let tail = a
        .split_inclusive('\n')
        .rev()
        .zip(b.split_inclusive('\n').rev());
    let tail = tail.take_while(|(old, new)| old == new);
    let tail: usize = tail.map(|(line, _)| line.len()).sum();
    (start..old.len() - tail, start..new.len() - tail)
}

/// The table whose header is the last one in `text`; nothing if that cannot be told by its look.
fn table_at(text: &str) -> Option<KeyPath> {
    let mut lines = text.lines().rev();
    let Some(header) = lines.find(|line| line.trim_start().starts_with('[')) else {
        return Some(KeyPath::root());
    };
    let (name, _) = header.strip_prefix('[')?.split_once(']')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    // What reads as a value may be an item of a list that goes over several lines.
    let is_name = !name.is_empty() && name.chars().all(plain) && name.parse::<Value>().is_err();
    KeyPath::parse(name).ok().filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let changed = changed(old, new);
        assert_eq!(
            changed,
            compared(&values(old), &values(new)),
            "{old:?} {new:?}"
        );
        let shown = changed.iter().map(|(key, (before, after))| {
            let text = |value: &Option<Json>| value.as_ref().map_or("-".into(), Json::to_string);
            format!("{key}: {} {}", text(before), text(after))
        });
        shown.collect()
    }

    #[test]
    fn one_line_is_enough_to_tell_its_key() {
        let old = "a = 1\n\n[build]\njobs = 2 # j\ncflags = \"-O2\"\n\n[x]\njobs = 1\n";
        let set = old.replace("jobs = 2", "jobs = 12");
        assert_eq!(told(old, &set), ["build.jobs: 2 12"]);
        assert!(by_lines(old, &set).is_some());
        assert_eq!(
            told(old, &old.replace("cflags = \"-O2\"\n", "")),
            ["build.cflags: \"-O2\" -"]
        );
        assert_eq!(told(old, &format!("{old}n.m = 3\n")), ["x.n.m: - 3"]);
        assert_eq!(told("", "a = 1\n"), ["a: - 1"]);
        assert_eq!(told(old, &old.replace("# j", "# other")), [""; 0]);
    }

    #[test]
    fn what_lines_cannot_tell_is_read_whole() {
        let list = "x = [\n[1],\n[2]\n]\ny = 1\n[[t]]\nn = 1\n";
        assert_eq!(told(list, &list.replace("y = 1", "y = 2")), ["y: 1 2"]);
        assert_eq!(
            told(list, &list.replace("[2]", "[3]")),
            ["x: [[1],[2]] [[1],[3]]"]
        );
        assert_eq!(
            told(list, &list.replace("n = 1", "n = 2")),
            ["t: [{\"n\":1}] [{\"n\":2}]"]
        );
        let text = "x = '''\na = 1\n'''\n";
        assert_eq!(
            told(text, &text.replace('1', "2")),
            ["x: \"a = 1\\n\" \"a = 2\\n\""]
        );
        assert_eq!(
            told("[a]\nx = 1\n", "[b]\nx = 1\n"),
            ["a.x: 1 -", "b.x: - 1"]
        );
        assert_eq!(told("a = 1\n", "a = \n"), ["a: 1 -"]);
    }

    proptest! {
        #[test]
        fn lines_and_keys_agree(
            old in proptest::collection::vec(line(), 0..8),
            new in proptest::collection::vec(line(), 0..8),
        ) {
            let (old, new) = (old.concat(), new.concat());
            let is_read = |text: &str| Document::parse("", text).is_ok();
            let changed = changed(&old, &new);
            if is_read(&old) && is_read(&new) {
                prop_assert_eq!(changed, compared(&values(&old), &values(&new)));
            }
        }
    }

    fn line() -> impl Strategy<Value = String> {
        proptest::sample::select(vec![
            "a = 1\n",
            "a = 2\n",
            "b = 1\n",
            "[t]\n",
            "[u]\n",
            "[t.v]\n",
            "[[w]]\n",
            "c.d = \"ä\"\n",
            "c.d = \"ö\"\n",
            "# note\n",
            "\n",
            "l = [\n",
            "[1]\n",
            "]\n",
            "s = '''\n",
            "'''\n",
        ])
        .prop_map(str::to_owned)
    }
}
