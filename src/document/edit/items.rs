//! One item of a list: put at its end, or taken out of it.
use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Array, Value};

use super::remove::{after_comma, after_trivia};
use super::{Splice, at, lines, positions, proved_as, put, with_mark_of, written};
use crate::document::code;
use crate::document::key_path::KeyPath;
use crate::document::parse::Document;
use crate::document::problem::Problem;
use crate::document::tree::{self, Node};

/// The text with one more item at the end of the list `key`.
pub fn push(name: &str, text: &str, key: &KeyPath, value: &Value) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let (array, span) = list(&document, key)?;
    let splice = one_more(document.text(), (array, span), &written::plain(value));
    let item = tree::to_json(Node::Value(value));
    let edited = proved(&document, key, &splice, |items| items.push(item))?;
    Ok(with_mark_of(text, edited))
}

/// The text without an item of the list `key`.
pub fn take(name: &str, text: &str, key: &KeyPath, index: usize) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let (array, span) = list(&document, key)?;
    let splice = one_less(document.text(), (array, span), index);
    let edited = proved(&document, key, &splice, |items| {
        if index < items.len() {
            items.remove(index);
        }
    })?;
    Ok(with_mark_of(text, edited))
}

fn list<'a>(document: &'a Document, key: &KeyPath) -> Result<(&'a Array, Range<usize>), Problem> {
    let (found, depth) = tree::follow(document.root(), key.segments());
    let value = found.node.value().filter(|_| depth == key.segments().len());
    let list = value.and_then(|value| Some((value.as_array()?, value.span()?)));
    list.ok_or_else(|| {
        document
            .problem(
                key,
                code::CANNOT_EDIT,
                format!("`{key}` is no list of values"),
            )
            .help("change it with an editor: `buildkeep config edit`")
    })
}

fn proved(
    document: &Document,
    key: &KeyPath,
    splice: &Splice,
    change: impl FnOnce(&mut Vec<Json>),
) -> Result<String, Problem> {
    let mut wanted = document.to_json();
    let path = positions(document, key);
    if let Some(Json::Array(items)) = at(&wanted, &path) {
        let mut items = items.clone();
        change(&mut items);
        put(&mut wanted, &path, Some(Json::Array(items)));
    }
    proved_as(document, key, splice, |found| *found == wanted)
}

fn spans(array: &Array) -> Vec<Range<usize>> {
    array.iter().filter_map(Value::span).collect()
}

/// Whether nothing but white space stands before a place on its line.
fn begins_its_line(text: &str, at: usize) -> bool {
    text[lines::start(text, at)..at].trim().is_empty()
}

fn one_more(text: &str, (array, span): (&Array, Range<usize>), item: &str) -> Splice {
    let end = lines::ending(text);
    let closing = span.end - 1;
    let Some(last) = spans(array).pop() else {
        return if begins_its_line(text, closing) {
            let start = lines::start(text, closing);
            let with = format!("{}  {item},{end}", &text[start..closing]);
            splice(start..start, with)
        } else {
            splice(closing..closing, item.to_owned())
        };
    };
    if !begins_its_line(text, last.start) {
        return splice(last.end..last.end, format!(", {item}"));
    }
    let indent = lines::indent(text, last.start);
    if !begins_its_line(text, closing) {
        return splice(last.end..last.end, format!(",{end}{indent}{item}"));
    }
    let comma = after_trivia(text, last.end);
    if text[comma..].starts_with(',') {
        let below = lines::next(text, comma);
        return splice(below..below, format!("{indent}{item},{end}"));
    }
    let below = lines::next(text, last.end);
    let rest = &text[last.end..below];
    splice(last.end..below, format!(",{rest}{indent}{item}{end}"))
}

fn one_less(text: &str, (array, span): (&Array, Range<usize>), index: usize) -> Splice {
    let spans = spans(array);
    let Some(item) = spans.get(index).cloned() else {
        return splice(span.start..span.start, String::new());
    };
    let has_comment = text[span.clone()].contains('#');
    if spans.len() == 1 && !has_comment {
        return splice(span, "[]".to_owned());
    }
    let comma = after_trivia(text, item.end);
    let has_comma = text[comma..].starts_with(',');
    let past = if has_comma { comma + 1 } else { item.end };
    let below = lines::next(text, past);
    let rest = text[past..below].trim();
    if begins_its_line(text, item.start) && (rest.is_empty() || rest.starts_with('#')) {
        return splice(lines::start(text, item.start)..below, String::new());
    }
    let before = index.checked_sub(1).map(|before| spans[before].end);
    let is_last = index + 1 == spans.len();
    let cut = match before {
        Some(before) if is_last => before..item.end,
        Some(before) => after_comma(text, before)..after_comma(text, item.end),
        None if has_comma => item.start..after_comma(text, item.end),
        None => item,
    };
    splice(cut, String::new())
}

fn splice(at: Range<usize>, with: String) -> Splice {
    Splice { at, with }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str) -> String {
        let key = KeyPath::parse("a.l").unwrap();
        push("t", text, &key, &Value::from("new")).unwrap()
    }

    fn taken(text: &str, index: usize) -> String {
        take("t", text, &KeyPath::parse("a.l").unwrap(), index).unwrap()
    }

    #[test]
    fn an_item_is_added_as_the_list_is_written() {
        let cases = [
            ("l = []", "l = [\"new\"]"),
            ("l = [ 'x' ] # c", "l = [ 'x', \"new\" ] # c"),
            ("l = ['x', ]", "l = ['x', \"new\", ]"),
            (
                "l = [\n  1, # one\n  2, # two\n  # end\n]",
                "l = [\n  1, # one\n  2, # two\n  \"new\",\n  # end\n]",
            ),
            (
                "l = [\n  1, # one\n  2 # two\n]",
                "l = [\n  1, # one\n  2, # two\n  \"new\"\n]",
            ),
            ("l = [1,\n     2]", "l = [1,\n     2,\n     \"new\"]"),
            (
                "l = [\n  # none yet\n]",
                "l = [\n  # none yet\n  \"new\",\n]",
            ),
            ("l = [[1], [2]]", "l = [[1], [2], \"new\"]"),
        ];
        for (before, after) in cases {
            assert_eq!(
                pushed(&format!("[a]\n{before}\nz = 1\n")),
                format!("[a]\n{after}\nz = 1\n")
            );
            let crlf = |text: &str| format!("[a]\n{text}\n").replace('\n', "\r\n");
            assert_eq!(pushed(&crlf(before)), crlf(after));
        }
        assert_eq!(pushed("a = { l = [1] }"), "a = { l = [1, \"new\"] }");
    }

    #[test]
    fn an_item_is_taken_out_with_its_line_and_comma() {
        let cases = [
            ("l = [1]", 0, "l = []"),
            ("l = [1, 2, 3]", 0, "l = [2, 3]"),
            ("l = [1, 2, 3]", 1, "l = [1, 3]"),
            ("l = [1, 2, 3]", 2, "l = [1, 2]"),
            ("l = [ 1, ]", 0, "l = []"),
            (
                "l = [\n  1, # one\n  2, # two\n]",
                0,
                "l = [\n  2, # two\n]",
            ),
            ("l = [\n  1, # one\n  2 # two\n]", 1, "l = [\n  1, # one\n]"),
            ("l = [1, # one\n  2]", 0, "l = [2]"),
            ("l = [1, 2,\n  3, 4]", 1, "l = [1, 3, 4]"),
            ("l = [\n  # why\n  1,\n]", 0, "l = [\n  # why\n]"),
        ];
        for (before, index, after) in cases {
            assert_eq!(
                taken(&format!("[a]\n{before}\n"), index),
                format!("[a]\n{after}\n")
            );
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let key = KeyPath::parse("a").unwrap();
        for text in ["a = 1\n", "[[a]]\nb = 1\n", "[a]\nb = 1\n", ""] {
            let problem = push("t", text, &key, &Value::from(1)).unwrap_err();
            assert_eq!(problem.message, "`a` is no list of values");
        }
    }
}
