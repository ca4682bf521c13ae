//! Giving a key what another text has for it, lists of tables too.
use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Item, Table};

use super::{lines, positions, put};
use crate::document::code;
use crate::document::key_path::{KeyPath, Segment};
use crate::document::parse::Document;
use crate::document::problem::Problem;
use crate::document::tree::{self, Node};

/// The text with `key` as `from` has it: the same value, the same blocks, or none at all.
pub fn transplant(
    name: &str,
    text: &str,
    key: &KeyPath,
    from: &Document,
) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let (old, new) = (blocks(from, key), blocks(&document, key));
    if old.is_empty() && new.is_empty() {
        return match from.value(key) {
            Some(value) => super::set(name, text, key, &value),
            None if document.line_of(key).is_none() => Ok(text.to_owned()),
            None => super::unset(name, text, key),
        };
    }
    if let Some(value) = from.value(key) {
        let bare = without(&document, &new);
        return super::set(name, &bare, key, &value);
    }
    let text = if new.is_empty() && document.line_of(key).is_some() {
        super::unset(name, text, key)?
    } else {
        text.to_owned()
    };
    let document = Document::parse(name, &text)?;
    let moved = moved(&document, (from, &old), &new);
    proved(&document, key, moved, from)
}

/// The text with the blocks `new` replaced by the blocks `old` of another text.
fn moved(
    document: &Document,
    (from, old): (&Document, &[Range<usize>]),
    new: &[Range<usize>],
) -> String {
    let text = document.text();
    let taken: String = old
        .iter()
        .map(|block| &from.text()[block.clone()])
        .collect();
    let bare = without(document, new);
    let at = new.first().map_or(bare.len(), |first| first.start);
    let (before, after) = bare.split_at(at);
    let end = lines::ending(text);
    let closed = before.is_empty() || before.ends_with('\n');
    let gap = match (taken.is_empty(), closed, new.is_empty()) {
        (true, ..) | (false, true, false) => String::new(),
        (false, true, true) if before.trim().is_empty() => String::new(),
        (false, true, true) => end.to_owned(),
        (false, false, _) => format!("{end}{end}"),
    };
    let open = !taken.is_empty() && !taken.ends_with('\n') && !after.is_empty();
    let tail = if open { end } else { "" };
    format!("{before}{gap}{taken}{tail}{after}")
}

/// The text without some parts of it.
fn without(document: &Document, parts: &[Range<usize>]) -> String {
    let mut text = document.text().to_owned();
    for part in parts.iter().rev() {
        text.replace_range(part.clone(), "");
    }
    text
}

/// The edited text, if it says what it should.
fn proved(
    document: &Document,
    key: &KeyPath,
    text: String,
    from: &Document,
) -> Result<String, Problem> {
    let (found, depth) = tree::follow(from.root(), key.segments());
    let value = (depth == key.segments().len()).then(|| tree::to_json(found.node));
    let mut wanted = document.to_json();
    put(&mut wanted, &positions(document, key), value);
    let edited = Document::parse(document.name(), &text).map(|edited| edited.to_json());
    if edited.is_ok_and(|edited| pruned(edited) == pruned(wanted)) {
        return Ok(text);
    }
    let message = format!("`{key}` cannot be changed without touching what is around it");
    let problem = document.problem(key, code::CANNOT_EDIT, message);
    Err(problem.help(format!(
        "say `--file {}` instead of `--key`",
        document.name()
    )))
}

/// Without empty tables: a header that nothing is left under says nothing.
fn pruned(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, pruned(value)));
            let is_empty = |value: &Json| value.as_object().is_some_and(serde_json::Map::is_empty);
            fields.filter(|(_, value)| !is_empty(value)).collect()
        }
        other => other,
    }
}

/// The parts of a text that make up the list of tables at `key`, each with the comments above it.
fn blocks(document: &Document, key: &KeyPath) -> Vec<Range<usize>> {
    let (found, depth) = tree::follow(document.root(), key.segments());
    let is_list = matches!(found.node, Node::Item(Item::ArrayOfTables(_)));
    if !is_list || depth < key.segments().len() {
        return Vec::new();
    }
    let mut headers = Vec::new();
    collect(document.root(), &mut Vec::new(), &mut headers);
    headers.sort_by_key(|(at, _)| *at);
    let text = document.text();
    let begin = |at: usize| match lines::before_its_comments(text, at) {
        // What a file begins with is about the file.
        0 => lines::start(text, at),
        begin => begin,
    };
    let begins: Vec<usize> = headers.iter().map(|(at, _)| begin(*at)).collect();
    let names: Vec<&str> = key.segments().iter().filter_map(named).collect();
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (index, (_, path)) in headers.iter().enumerate() {
        if !path.starts_with(&names) {
            continue;
        }
        let part = begins[index]..begins.get(index + 1).copied().unwrap_or(text.len());
        match parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => parts.push(part),
        }
    }
    parts
}

fn named(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Key(name) => Some(name),
        Segment::Index(_) | Segment::Named(_) => None,
    }
}

/// Where each header stands, and the names in it.
fn collect<'a>(
    table: &'a Table,
    path: &mut Vec<&'a str>,
    headers: &mut Vec<(usize, Vec<&'a str>)>,
) {
    if let Some(span) = table
        .span()
        .filter(|_| !table.is_dotted() && !table.is_implicit() && !path.is_empty())
    {
        headers.push((span.start, path.clone()));
    }
    for (name, item) in table {
        path.push(name);
        match item {
            Item::Table(inner) => collect(inner, path, headers),
            Item::ArrayOfTables(tables) => {
                for inner in tables {
                    collect(inner, path, headers);
                }
            }
            _ => {}
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(text: &str, key: &str, from: &str) -> String {
        let from = Document::parse("f", from).unwrap();
        transplant("t", text, &KeyPath::parse(key).unwrap(), &from).unwrap()
    }

    const OLD: &str =
        "a = 1\n\n# first\n[[x]]\nn = 1 # one\n[x.deep]\nd = 1\n\n[[x]]\nn = 2\n\n[other]\nb = 1\n";

    #[test]
    fn a_list_of_tables_comes_and_goes_as_a_whole() {
        let new = "a = 2\n\n[[x]]\nn = 3\n\n[other]\nb = 2\n";
        assert_eq!(
            moved(new, "x", OLD),
            "a = 2\n\n# first\n[[x]]\nn = 1 # one\n[x.deep]\nd = 1\n\n[[x]]\nn = 2\n\n[other]\nb = 2\n"
        );
        assert_eq!(moved(OLD, "x", "a = 1\n"), "a = 1\n\n[other]\nb = 1\n");
        assert_eq!(
            moved("a = 2\n", "x", "[[x]]\nn = 1\n"),
            "a = 2\n\n[[x]]\nn = 1\n"
        );
        assert_eq!(moved(OLD, "x", OLD), OLD);
    }

    #[test]
    fn a_list_of_another_form_is_replaced_too() {
        assert_eq!(
            moved("x = [1]\n", "x", "[[x]]\nn = 1\n"),
            "\n[[x]]\nn = 1\n".trim_start()
        );
        assert_eq!(moved("[[x]]\nn = 1\n", "x", "x = [1]\n"), "x = [1]\n");
        assert_eq!(moved("b = 1\n", "x", "x = 5\n"), "b = 1\nx = 5\n");
        assert_eq!(moved("x = 5\n", "x", "b = 1\n"), "");
    }

    #[test]
    fn what_a_file_begins_with_stays() {
        let text = "#:schema x\n[[x]]\nn = 1\n";
        assert_eq!(moved(text, "x", "b = 1\n"), "#:schema x\n");
        assert_eq!(
            moved(text, "x", "# old\n[[x]]\nn = 2\n"),
            "#:schema x\n[[x]]\nn = 2\n"
        );
    }

    #[test]
    fn what_lies_between_stays() {
        let text = "[[a.x]]\nn = 1\n\n[b]\nk = 1\n\n[[a.x]]\nn = 2\n";
        assert_eq!(
            moved(text, "a.x", "[[a.x]]\nn = 9\n"),
            "[[a.x]]\nn = 9\n[b]\nk = 1\n\n"
        );
    }
}
