//! Taking a key out.
use std::ops::Range;

use toml_edit::{InlineTable, Item, Value};

use super::insert::anchor;
use super::{Splice, a_table, lines};
use crate::document::code;
use crate::document::key_path::{KeyPath, Segment};
use crate::document::parse::Document;
use crate::document::problem::Problem;
use crate::document::tree;

/// What to cut so that `key` is gone.
pub(super) fn plan(document: &Document, key: &KeyPath) -> Result<Splice, Problem> {
    let path = key.segments();
    let (found, depth) = tree::follow(document.root(), path);
    let Some(Segment::Key(_)) = path.last() else {
        return Err(document
            .problem(
                key,
                code::CANNOT_EDIT,
                format!("`{key}` is an item of a list"),
            )
            .help("set the whole list instead"));
    };
    if depth < path.len() {
        return Err(document.problem(key, code::CANNOT_EDIT, format!("`{key}` is not set here")));
    }
    let value = found.node.value().and_then(Value::span);
    let (Some(value), Some(at)) = (value, found.key) else {
        return Err(a_table(document, key));
    };
    let holder = &path[..anchor(document, path, path.len() - 1)];
    let (around, _) = tree::follow(document.root(), holder);
    Ok(match around.node.value() {
        Some(Value::InlineTable(table)) => out_of_braces(document.text(), table, &value),
        _ => cut(whole_lines(document.text(), at.start..value.end)),
    })
}

fn cut(at: Range<usize>) -> Splice {
    let with = String::new();
    Splice { at, with }
}

/// The lines of an entry, with the line end before it if there is none after it.
fn whole_lines(text: &str, entry: Range<usize>) -> Range<usize> {
    let start = lines::start(text, entry.start);
    let end = lines::next(text, entry.end);
    if text[..end].ends_with('\n') || start == 0 {
        return start..end + gap(text, start, end);
    }
    let above = text[..start].trim_end_matches('\n');
    above.trim_end_matches('\r').len()..end
}

/// The length of the empty line after the lines from `start` to `end`, if they stand alone before
/// more: without them two empty lines would meet, or the text begin with one.
fn gap(text: &str, start: usize, end: usize) -> usize {
    let is_empty = |line: &str| line.trim_matches(['\r', '\n']).is_empty();
    let is_blank = |line: &str| line.trim().is_empty();
    let above = text[..start].lines().next_back();
    let after = text[end..].split_inclusive('\n').next();
    match after {
        Some(line) if above.is_none_or(is_blank) && is_empty(line) => line.len(),
        _ => 0,
    }
}

/// The pair of `{ … }` whose value stands at `value`, with one of the commas around it.
fn out_of_braces(text: &str, table: &InlineTable, value: &Range<usize>) -> Splice {
    let braces = table.span().unwrap_or_default();
    let mut ends = Vec::new();
    collect_ends(table, &mut ends);
    ends.sort_unstable();
    let at = ends.iter().position(|end| *end == value.end);
    let before = at.and_then(|at| at.checked_sub(1)).map(|at| ends[at]);
    let is_last = at.is_none_or(|at| at + 1 == ends.len());
    match before {
        None if is_last => Splice {
            at: braces,
            with: "{}".to_owned(),
        },
        Some(before) if is_last => cut(before..value.end),
        None => cut(after_trivia(text, braces.start + 1)..after_comma(text, value.end)),
        Some(before) => cut(after_comma(text, before)..after_comma(text, value.end)),
    }
}

/// Where the values of all pairs end, those with dotted keys too.
fn collect_ends(table: &InlineTable, ends: &mut Vec<usize>) {
    let items = table.iter().filter_map(|(key, _)| table.get_key_value(key));
    for (_, item) in items {
        match item {
            Item::Value(Value::InlineTable(inner)) if inner.is_dotted() => {
                collect_ends(inner, ends);
            }
            other => ends.extend(other.span().map(|span| span.end)),
        }
    }
}

/// Where the pair after the one that ends at `at` begins.
pub(super) fn after_comma(text: &str, at: usize) -> usize {
    let comma = after_trivia(text, at);
    after_trivia(text, comma + 1)
}

/// The place after white space, line ends and comments.
pub(super) fn after_trivia(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at = lines::next(text, at);
    }
}
