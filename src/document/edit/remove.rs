//! Taking a key out.
use std::ops::Range;

use toml_edit::{TableLike, Value};

use super::{Splice, a_table, lines};
use crate::document::code;
use crate::document::key_path::{KeyPath, Segment};
use crate::document::parse::Document;
use crate::document::problem::Problem;
use crate::document::tree;

/// What to cut so that `key` is gone.
pub(super) fn plan(document: &Document, key: &KeyPath) -> Result<Splice, Problem> {
    let (found, depth) = tree::follow(document.root(), key.segments());
    let Some((holder, Segment::Key(name))) = key.split_last() else {
        return Err(document
            .problem(
                key,
                code::CANNOT_EDIT,
                format!("`{key}` is an item of a list"),
            )
            .help("set the whole list instead"));
    };
    if depth < key.segments().len() {
        return Err(document.problem(key, code::CANNOT_EDIT, format!("`{key}` is not set here")));
    }
    let value = found.node.value().and_then(Value::span);
    let (Some(value), Some(at)) = (value, found.key) else {
        return Err(a_table(document, key));
    };
    let (around, _) = tree::follow(document.root(), holder.segments());
    let entry = at.start..value.end;
    Ok(match around.node.value() {
        Some(Value::InlineTable(table)) if table.len() == 1 && !table.is_dotted() => Splice {
            at: table.span().unwrap_or(entry),
            with: "{}".to_owned(),
        },
        Some(Value::InlineTable(table)) => cut(pair(table, name).unwrap_or(entry)),
        _ => cut(whole_lines(document.text(), entry)),
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
        return start..end;
    }
    let above = text[..start].trim_end_matches('\n');
    above.trim_end_matches('\r').len()..end
}

/// A pair of `{ … }` with one of the commas around it.
fn pair(table: &toml_edit::InlineTable, name: &str) -> Option<Range<usize>> {
    let mut pairs: Vec<(Range<usize>, bool)> = Vec::new();
    for (key, _) in TableLike::iter(table) {
        let (written, item) = table.get_key_value(key)?;
        pairs.push((written.span()?.start..item.span()?.end, key == name));
    }
    pairs.sort_by_key(|(span, _)| span.start);
    let at = pairs.iter().position(|(_, wanted)| *wanted)?;
    let this = pairs[at].0.clone();
    if let Some((next, _)) = pairs.get(at + 1) {
        return Some(this.start..next.start);
    }
    let before = at.checked_sub(1).map(|before| pairs[before].0.end);
    Some(before.unwrap_or(this.start)..this.end)
}
