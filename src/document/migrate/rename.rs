//! A key or table under another name, with its comments.
use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Item, Table};

use super::super::edit::{self, lines, put};
use super::super::key_path::{KeyPath, Segment, written_key};
use super::super::parse::Document;
use super::super::problem::Problem;
use super::super::tree::{self, Node};
use super::step::{proved, take, value_at};
use super::{Draft, Stuck};

/// Gives what is called `from` the name `to`.
pub(super) fn rename(
    text: Draft,
    document: &Document,
    from: &KeyPath,
    to: &KeyPath,
) -> Result<Draft, Stuck> {
    let mut wanted = document.to_json();
    if value_at(&wanted, to).is_some() {
        let message = format!("both `{from}` and its new name `{to}` are set");
        return Err(Stuck::on(from, message));
    }
    let value = take(&mut wanted, from.segments());
    put(&mut wanted, to.segments(), value);
    let edited = match token(document, from, to) {
        Some(edited) => Ok(edited),
        None => headers(document, from, to).map_or_else(|| moved(document, from, to), Ok),
    };
    let edited =
        edited.and_then(|edited| proved(&text, edited.clone(), &wanted, from).map(|_| edited));
    let edited = match edited {
        Ok(edited) => edited,
        Err(_) => leaf_by_leaf(&text, document, from, to, &wanted)?,
    };
    let mut renames = text.renames;
    renames.push((from.clone(), to.clone()));
    Ok(Draft {
        name: text.name,
        text: edited,
        renames,
    })
}

/// Takes a key or a table out.
pub(super) fn remove(text: Draft, document: &Document, key: &KeyPath) -> Result<Draft, Stuck> {
    let mut wanted = document.to_json();
    take(&mut wanted, key.segments());
    let edited = if is_value(document, key) {
        let cut =
            edit::unset(&text.name, &text.text, key).map_err(|problem| stuck(key, problem))?;
        without_empty_tables(&text.name, cut, key)?
    } else {
        let cut = document.text().to_owned();
        let mut regions: Vec<Range<usize>> = Vec::new();
        each_header(document.root(), &KeyPath::root(), &mut |path, table| {
            if names(path).starts_with(&names(key)) {
                regions.extend(region(document.text(), table));
            }
        });
        let edited = without(cut, regions);
        without_empty_tables(&text.name, edited, key)?
    };
    proved(&text, edited.clone(), &wanted, key)?;
    Ok(Draft {
        text: edited,
        ..text
    })
}

fn stuck(key: &KeyPath, problem: Problem) -> Stuck {
    Stuck::on(key, problem.message)
}

fn is_value(document: &Document, key: &KeyPath) -> bool {
    tree::follow(document.root(), key.segments())
        .0
        .node
        .value()
        .is_some()
}

/// Another last name, where the old one stands.
fn token(document: &Document, from: &KeyPath, to: &KeyPath) -> Option<String> {
    let (holder, _) = from.split_last()?;
    let (new_holder, last) = to.split_last()?;
    let Segment::Key(name) = last else {
        return None;
    };
    let (found, _) = tree::follow(document.root(), from.segments());
    let span = found
        .key
        .filter(|_| holder == new_holder && is_value(document, from))?;
    let mut text = document.text().to_owned();
    text.replace_range(span, &written_key(name));
    Some(text)
}

/// Another name in every header of the table and of those below it.
fn headers(document: &Document, from: &KeyPath, to: &KeyPath) -> Option<String> {
    let (old, new) = (names(from), names(to));
    let mut spans: Vec<(Range<usize>, String)> = Vec::new();
    each_header(document.root(), &KeyPath::root(), &mut |path, table| {
        let path = names(path);
        if let (Some(rest), Some(span)) = (path.strip_prefix(old.as_slice()), table.span()) {
            let whole: Vec<String> = new
                .iter()
                .chain(rest)
                .map(|name| written_key(name))
                .collect();
            let is_list = document.text()[span.clone()].starts_with("[[");
            let (open, close) = if is_list { ("[[", "]]") } else { ("[", "]") };
            spans.push((span, format!("{open}{}{close}", whole.join("."))));
        }
    });
    if spans.is_empty() || is_value(document, from) {
        return None;
    }
    spans.sort_by_key(|(span, _)| span.start);
    let mut text = document.text().to_owned();
    for (span, header) in spans.into_iter().rev() {
        text.replace_range(span, &header);
    }
    Some(text)
}

/// The names of a path; places of lists do not stand in headers.
fn names(path: &KeyPath) -> Vec<&str> {
    let names = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) | Segment::Named(_) => None,
    });
    names.collect()
}

fn each_header<'a>(table: &'a Table, path: &KeyPath, visit: &mut dyn FnMut(&KeyPath, &'a Table)) {
    for (key, item) in table {
        let path = path.clone().key(key);
        match item {
            Item::Table(inner) => {
                if !inner.is_implicit() && !inner.is_dotted() {
                    visit(&path, inner);
                }
                each_header(inner, &path, visit);
            }
            Item::ArrayOfTables(tables) => {
                for inner in tables {
                    visit(&path, inner);
                    each_header(inner, &path, visit);
                }
            }
            _ => {}
        }
    }
}

/// An entry with its comments, taken from one table to another.
fn moved(document: &Document, from: &KeyPath, to: &KeyPath) -> Result<String, Stuck> {
    let text = document.text();
    let name = document.name();
    let (found, _) = tree::follow(document.root(), from.segments());
    let value = document
        .value(from)
        .ok_or_else(|| Stuck::on(from, format!("`{from}` is a table")))?;
    let comments = found
        .key
        .zip(found.node.span())
        .filter(|_| !is_inline(document, from))
        .map(|(key, value)| Comments::around(text, key.start..value.end))
        .unwrap_or_default();
    let cut = edit::unset(name, text, from).map_err(|problem| stuck(from, problem))?;
    let cut = comments.cut_from(cut, text);
    let cut = without_empty_tables(name, cut, from)?;
    let put = edit::set(name, &cut, to, &value).map_err(|problem| stuck(from, problem))?;
    comments.put_beside(name, put, to)
}

fn is_inline(document: &Document, key: &KeyPath) -> bool {
    let holder = key.split_last().map(|(holder, _)| holder);
    holder.is_some_and(|holder| is_value(document, &holder))
}

/// Comments that belong to an entry: the lines above it, and the rest of its own.
#[derive(Debug, Default)]
struct Comments {
    above: Range<usize>,
    lines: Vec<String>,
    beside: Option<String>,
}

impl Comments {
    fn around(text: &str, entry: Range<usize>) -> Self {
        let start = lines::start(text, entry.start);
        let mut above = lines::before_its_comments(text, start);
        while text[above..start].starts_with("#:") {
            above = lines::next(text, above);
        }
        let rest = text[entry.end..lines::next(text, entry.end)].trim();
        Self {
            above: above..start,
            lines: text[above..start]
                .lines()
                .map(|line| line.trim().to_owned())
                .collect(),
            beside: rest.starts_with('#').then(|| rest.to_owned()),
        }
    }

    /// The text `cut`, which is `old` without the entry, without the lines above it too.
    fn cut_from(&self, mut cut: String, old: &str) -> String {
        if cut.get(self.above.clone()) == old.get(self.above.clone()) {
            cut.replace_range(self.above.clone(), "");
        }
        cut
    }

    fn put_beside(&self, name: &str, mut text: String, key: &KeyPath) -> Result<String, Stuck> {
        let document = Document::parse(name, &text).map_err(|problem| stuck(key, problem))?;
        let (found, _) = tree::follow(document.root(), key.segments());
        let (Some(at), Some(value)) = (found.key, found.node.span()) else {
            return Ok(text);
        };
        if is_inline(&document, key) {
            return Ok(text);
        }
        if let Some(beside) = &self.beside {
            text.insert_str(value.end, &format!("  {beside}"));
        }
        let indent = lines::indent(&text, at.start).to_owned();
        let end = lines::ending(&text);
        let above: Vec<String> = self
            .lines
            .iter()
            .map(|line| format!("{indent}{line}{end}"))
            .collect();
        text.insert_str(lines::start(&text, at.start), &above.concat());
        Ok(text)
    }
}

/// Takes tables out that had nothing but `gone` in them; what is said beside a header stays.
fn without_empty_tables(name: &str, text: String, gone: &KeyPath) -> Result<String, Stuck> {
    let mut text = text;
    let mut holder = gone.split_last().map(|(holder, _)| holder);
    while let Some(table) =
        holder.filter(|holder| matches!(holder.segments().last(), Some(Segment::Key(_))))
    {
        let document = Document::parse(name, &text).map_err(|problem| stuck(gone, problem))?;
        let (found, depth) = tree::follow(document.root(), table.segments());
        let is_there = depth == table.segments().len();
        if is_there && found.node.table().is_none_or(|table| !table.is_empty()) {
            break;
        }
        if is_there && is_value(&document, &table) {
            text = edit::unset(name, &text, &table).map_err(|problem| stuck(gone, problem))?;
        } else if let Some(span) = found.node.span().filter(|_| is_there) {
            text = without_header(text, span);
        }
        holder = table.split_last().map(|(holder, _)| holder);
    }
    Ok(text)
}

fn without_header(mut text: String, header: Range<usize>) -> String {
    let line = lines::start(&text, header.start)..lines::next(&text, header.end);
    let rest = text[header.end..line.end].trim_start();
    let rest = if rest.trim().is_empty() {
        String::new()
    } else {
        rest.to_owned()
    };
    text.replace_range(line.clone(), &rest);
    let before = &text[..line.start];
    let doubled = rest.is_empty() && (before.is_empty() || before.ends_with("\n\n"));
    let after = text[line.start..].strip_prefix('\n').map(str::len);
    if doubled && after.is_some() {
        text.remove(line.start);
    }
    text
}

/// From the header of a table to the last line of its entries.
fn region(text: &str, table: &Table) -> Option<Range<usize>> {
    let header = table.span()?;
    let last = edit::last_entry(table).map_or(header.end, |entry| entry.end);
    Some(lines::start(text, header.start)..lines::next(text, last))
}

fn without(mut text: String, mut regions: Vec<Range<usize>>) -> String {
    regions.sort_by_key(|region| region.start);
    for region in regions.into_iter().rev() {
        text.replace_range(region.clone(), "");
        let spaced = text[..region.start].ends_with("\n\n") || region.start == 0;
        if spaced && text[region.start..].starts_with('\n') {
            text.remove(region.start);
        }
    }
    text
}

/// A table that is written in several ways goes key by key.
fn leaf_by_leaf(
    text: &Draft,
    document: &Document,
    from: &KeyPath,
    to: &KeyPath,
    wanted: &Json,
) -> Result<String, Stuck> {
    let mut edited = document.text().to_owned();
    let mut leaves = Vec::new();
    let (found, _) = tree::follow(document.root(), from.segments());
    collect(found.node, from, &mut leaves);
    for leaf in leaves {
        let rest = leaf.segments()[from.segments().len()..].iter();
        let new: KeyPath = to.segments().iter().chain(rest).cloned().collect();
        let document =
            Document::parse(&text.name, &edited).map_err(|problem| stuck(from, problem))?;
        edited = moved(&document, &leaf, &new)?;
    }
    proved(text, edited.clone(), wanted, from)?;
    Ok(edited)
}

fn collect(node: Node<'_>, path: &KeyPath, leaves: &mut Vec<KeyPath>) {
    match node.table() {
        Some(table) => {
            for (key, item) in table.iter() {
                collect(Node::Item(item), &path.clone().key(key), leaves);
            }
        }
        None => leaves.push(path.clone()),
    }
}
