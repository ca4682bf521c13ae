//! The lines of a text that hold secrets, as they may be shown.
use std::collections::BTreeMap;
use std::ops::Range;

use super::key_path::{KeyPath, Segment};
use super::{Document, Schema, validate};

/// What stands in the place of a secret.
pub(super) const PAINT: &str = "…";

/// The lines of `text`, counted from 0, that hold what `schema` marks secret, without it.
///
/// A text that is not TOML has no values that could be told apart: names decide, and lines without
/// a `=` may go on with a value that began before.
pub fn hidden_lines(text: &str, schema: &Schema) -> BTreeMap<usize, String> {
    if !schema.has_secrets() {
        return BTreeMap::new();
    }
    match Document::parse("", text) {
        Ok(document) => by_span(text, &validate::secrets(&document, schema)),
        Err(_) => by_name(text, &names(schema)),
    }
}

/// The same for a document that was read; of one that was migrated, the lines of the old text.
pub fn hidden_lines_of(document: &Document, schema: &Schema) -> BTreeMap<usize, String> {
    by_span(
        &document.source().text,
        &validate::secrets(document, schema),
    )
}

fn by_span(text: &str, secrets: &[Range<usize>]) -> BTreeMap<usize, String> {
    let mut hidden = BTreeMap::new();
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        let mut shown = text[start..end].to_owned();
        for secret in secrets.iter().rev() {
            let (from, to) = (secret.start.max(start), secret.end.min(end));
            if from < to {
                shown.replace_range(from - start..to - start, PAINT);
                hidden.insert(number, shown.clone());
            }
        }
        start += line.len();
    }
    hidden
}

fn by_name(text: &str, names: &[String]) -> BTreeMap<usize, String> {
    let shown = |line: &str| {
        let is_plain = line.is_empty() || line.starts_with(['[', '#']);
        let is_named = names.iter().any(|name| line.contains(name.as_str()));
        match line.split_once('=') {
            Some((key, _)) if is_named => Some(format!("{key}= {PAINT}")),
            None if is_named || !is_plain => Some(PAINT.to_owned()),
            _ => None,
        }
    };
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(number, line)| Some((number, shown(line)?)))
        .collect()
}

/// The last names of all secret keys.
pub(super) fn names(schema: &Schema) -> Vec<String> {
    let secret = |key: &KeyPath| schema.is_secret(key);
    let keys = schema.keys().into_iter().filter(secret);
    keys.filter_map(|key| match key.segments().last()? {
        Segment::Key(name) => Some(name.clone()),
        Segment::Index(_) | Segment::Named(_) => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let json = serde_json::json!({"properties": {"a": {"properties": {
            "token": {"x-buildkeep-secret": true}, "open": {}
        }}}});
        Schema::from_json("s", json).unwrap()
    }

    #[test]
    fn only_secret_values_are_hidden() {
        let text = "[a]\nopen = 1\ntoken = \"x\" # why\n";
        let lines = hidden_lines(text, &schema());
        assert_eq!(lines, [(2, "token = … # why".to_owned())].into());
        let long = hidden_lines("[a]\ntoken = \"\"\"\nx\ny\"\"\"\n", &schema());
        assert_eq!(
            long.into_values().collect::<Vec<_>>(),
            ["token = …", "…", "…"]
        );
    }

    #[test]
    fn a_broken_text_hides_more() {
        let lines = hidden_lines("[a]\nopen = 1\ntoken = \"x\nrest\n", &schema());
        assert_eq!(
            lines,
            [(2, "token = …".to_owned()), (3, "…".to_owned())].into()
        );
    }
}
