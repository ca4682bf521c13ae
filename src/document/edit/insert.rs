//! Where a new key goes, and the lines that bring it there.
use std::ops::Range;

use toml_edit::{Item, Table, TableLike, Value};

use super::{Splice, lines, written};
use crate::document::code;
use crate::document::key_path::{KeyPath, Segment, written_key};
use crate::document::parse::Document;
use crate::document::problem::Problem;
use crate::document::tree::{self, Node};

/// Where `key` and `value` go in; `key` leads to nothing yet.
pub(super) fn plan(document: &Document, key: &KeyPath, value: &Value) -> Result<Splice, Problem> {
    let path = key.segments();
    let (found, depth) = tree::follow(document.root(), path);
    let names = names(&path[depth..]).ok_or_else(|| no_item(document, key, depth))?;
    let text = document.text();
    if let Some(table) = block(found.node) {
        let anchor = anchor(document, path, depth);
        let own = written_names(&path[anchor..depth]);
        let entry = New {
            names: own.into_iter().chain(names).collect(),
            value: written::plain(value),
        };
        let headed = depth == 0 || !table.is_implicit();
        return Ok(if depth == 0 && path.len() == 1 {
            line_in_root(text, table, &entry)
        } else if table.is_dotted() || (headed && depth + 1 == path.len()) {
            line_in(text, table, &entry)
        } else {
            let holder = written_names(&path[..depth]);
            header_after(text, table, &entry.under(holder))
        });
    }
    match found.node.value() {
        Some(Value::InlineTable(_)) => {
            let anchor = anchor(document, path, depth);
            let (around, _) = tree::follow(document.root(), &path[..anchor]);
            let entry = New {
                names: written_names(&path[anchor..]),
                value: written::plain(value),
            };
            in_braces(text, around.node, &entry).ok_or_else(|| not_a_table(document, path, depth))
        }
        _ => Err(not_a_table(document, path, depth)),
    }
}

/// A key, relative to a table, and its value, as they will be written.
struct New {
    names: Vec<String>,
    value: String,
}

impl New {
    fn line(&self) -> String {
        format!("{} = {}", self.names.join("."), self.value)
    }

    /// The same key with the names of the table that holds it.
    fn under(self, holder: Vec<String>) -> Self {
        let names = holder.into_iter().chain(self.names).collect();
        Self { names, ..self }
    }
}

/// A line below the last one of `table`, which has a header or is made of dotted keys.
fn line_in(text: &str, table: &Table, entry: &New) -> Splice {
    let header = table.span().filter(|_| !table.is_dotted());
    match last_entry(table).or(header) {
        Some(above) => line_below(text, &above, entry),
        None => line_at_top(text, entry),
    }
}

/// A line below the last one of the document that is outside all tables.
fn line_in_root(text: &str, root: &Table, entry: &New) -> Splice {
    match last_entry(root) {
        Some(above) => line_below(text, &above, entry),
        None => line_at_top(text, entry),
    }
}

fn line_below(text: &str, above: &Range<usize>, entry: &New) -> Splice {
    let end = lines::ending(text);
    let indent = lines::indent(text, above.start);
    below(text, above.end, format!("{indent}{}{end}", entry.line()))
}

/// The first key of a document that has none outside its tables.
fn line_at_top(text: &str, entry: &New) -> Splice {
    let end = lines::ending(text);
    let first_header = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        })
        .find(|(_, line)| line.trim_start().starts_with('['));
    let Some((header, _)) = first_header else {
        let closed = text.is_empty() || text.ends_with('\n');
        return Splice {
            at: text.len()..text.len(),
            with: if closed {
                format!("{}{end}", entry.line())
            } else {
                format!("{end}{}", entry.line())
            },
        };
    };
    let mut at = lines::before_its_comments(text, header);
    while text[at..].starts_with("#:") {
        at = lines::next(text, at);
    }
    Splice {
        at: at..at,
        with: format!("{}{end}{end}", entry.line()),
    }
}

/// A header of its own, below all that belongs to `table`.
fn header_after(text: &str, table: &Table, entry: &New) -> Splice {
    let end = lines::ending(text);
    let extent = last_of_all(table);
    let below_it = extent.map_or(text.len(), |last| lines::next(text, last.end));
    let at = lines::after_own_comments(text, below_it);
    let (key, holder) = entry
        .names
        .split_last()
        .map_or(("", &[][..]), |(key, holder)| (key.as_str(), holder));
    let before = &text[..at];
    let closed = before.is_empty() || before.ends_with('\n');
    let spaced = before.trim().is_empty() || before.ends_with("\n\n") || before.ends_with("\n\r\n");
    let gap = match (closed, spaced) {
        (_, true) => String::new(),
        (true, false) => end.to_owned(),
        (false, false) => format!("{end}{end}"),
    };
    let with = format!(
        "{gap}[{}]{end}{key} = {}{end}",
        holder.join("."),
        entry.value
    );
    Splice { at: at..at, with }
}

/// One more pair in `{ … }`.
fn in_braces(text: &str, around: Node<'_>, entry: &New) -> Option<Splice> {
    let span = around.value()?.span()?;
    let table = around.table()?;
    let splice = match last_entry(table) {
        Some(last) => Splice {
            at: last.end..last.end,
            with: format!(", {}", entry.line()),
        },
        None => Splice {
            with: format!("{{ {} }}", entry.line()),
            at: span,
        },
    };
    text.get(splice.at.clone()).is_some().then_some(splice)
}

/// `line` put below the line that holds the byte `at`, keeping a missing last line end missing.
fn below(text: &str, at: usize, line: String) -> Splice {
    let next = lines::next(text, at);
    let with = if next == 0 || text[..next].ends_with('\n') {
        line
    } else {
        let end = lines::ending(text);
        format!("{end}{}", line.trim_end_matches(end))
    };
    Splice {
        at: next..next,
        with,
    }
}

/// From the key to the end of the value of the lowest entry of a table, its headers apart.
pub(in crate::document) fn last_entry(table: &dyn TableLike) -> Option<Range<usize>> {
    let keys = table
        .iter()
        .filter_map(|(name, _)| table.get_key_value(name));
    let spans = keys.filter_map(|(key, item)| match item {
        Item::Value(Value::InlineTable(inner)) if inner.is_dotted() => last_entry(inner),
        Item::Value(value) => Some(key.span()?.start..value.span()?.end),
        Item::Table(inner) if inner.is_dotted() => last_entry(inner),
        _ => None,
    });
    spans.max_by_key(|span| span.end)
}

/// The lowest place of all that belongs to a table, with the tables below it.
fn last_of_all(table: &Table) -> Option<Range<usize>> {
    let inner = table.iter().filter_map(|(_, item)| match item {
        Item::Table(inner) => last_of_all(inner),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .filter_map(last_of_all)
            .max_by_key(|span| span.end),
        _ => None,
    });
    let own = table.span().filter(|_| !table.is_dotted());
    let spans = inner.chain(last_entry(table)).chain(own);
    spans.max_by_key(|span| span.end)
}

fn block(node: Node<'_>) -> Option<&Table> {
    match node {
        Node::Item(item) => item.as_table(),
        Node::Table(table) => Some(table),
        Node::Value(_) => None,
    }
}

/// How much of `path` leads to the table in which the keys around `depth` are written.
pub(super) fn anchor(document: &Document, path: &[Segment], depth: usize) -> usize {
    let dotted = |depth: &usize| {
        let (found, _) = tree::follow(document.root(), &path[..*depth]);
        let inline = found.node.value().and_then(Value::as_inline_table);
        block(found.node).is_some_and(Table::is_dotted)
            || inline.is_some_and(toml_edit::InlineTable::is_dotted)
    };
    (0..=depth).rev().find(|depth| !dotted(depth)).unwrap_or(0)
}

/// The names of a path without items of lists, as they are written.
fn written_names(path: &[Segment]) -> Vec<String> {
    let keys = path.iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(written_key(key)),
        Segment::Index(_) | Segment::Named(_) => None,
    });
    keys.collect()
}

/// The names of a path that has nothing but names.
fn names(path: &[Segment]) -> Option<Vec<String>> {
    let names = written_names(path);
    (names.len() == path.len()).then_some(names)
}

fn not_a_table(document: &Document, path: &[Segment], depth: usize) -> Problem {
    let holder = KeyPath::from(&path[..depth]);
    let message = format!("`{holder}` is a value: it has no keys");
    let problem = document.problem(&holder, code::CANNOT_EDIT, message);
    problem.help(format!("to change it name `{holder}` itself"))
}

fn no_item(document: &Document, key: &KeyPath, depth: usize) -> Problem {
    let holder = KeyPath::from(&key.segments()[..depth]);
    let (found, _) = tree::follow(document.root(), holder.segments());
    let message = match (found.node.items().count(), key.segments().get(depth)) {
        (0, _) => format!("`{holder}` has no items"),
        (_, Some(Segment::Named(name))) => format!("no item of `{holder}` is called `{name}`"),
        (1, _) => format!("`{holder}` has one item: `{holder}[0]`"),
        (count, _) => format!(
            "`{holder}` has {count} items: `{holder}[0]` to `{holder}[{}]`",
            count - 1
        ),
    };
    document.problem(&holder, code::CANNOT_EDIT, message)
}
