//! Two long values, word by word: what went and what came, in their surroundings.
use std::fmt::Write as _;

use serde_json::Value as Json;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::config::diff::KeyChange;
use crate::ui::{clean, style};

/// Values that together are longer are compared word by word.
const LONG: usize = 60;

/// How words that differ are told from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    /// By colour alone.
    Colour,
    /// As Git does it without colour: `[-old-]{+new+}`.
    #[default]
    Brackets,
}

/// A key with its values: on one line, or word by word if they are long and much alike.
pub fn changed_key(change: &KeyChange, marks: Marks) -> String {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return clean(&change.to_string()).into_owned();
    };
    let (old, new) = (before.to_string(), after.to_string());
    if old.len() + new.len() <= LONG || !is_text(before) || !is_text(after) {
        return clean(&change.to_string()).into_owned();
    }
    match by_word(&old, &new, marks) {
        Some(words) => format!("{}: {words}", clean(&change.key)),
        None => clean(&change.to_string()).into_owned(),
    }
}

/// Only text and lists have words.
fn is_text(value: &Json) -> bool {
    value.is_string() || value.is_array()
}

/// Both texts as one, if they have as much in common as not.
pub fn by_word(old: &str, new: &str, marks: Marks) -> Option<String> {
    let (before, after) = (tokens(old), tokens(new));
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let kept = operations
        .iter()
        .filter(|operation| matches!(operation, DiffOp::Equal { .. }))
        .map(|operation| letters(&before[operation.old_range()]));
    if kept.sum::<usize>() * 3 < letters(&before).max(letters(&after)) {
        return None;
    }
    let mut text = String::new();
    for operation in operations {
        let went = before[operation.old_range()].concat();
        let came = after[operation.new_range()].concat();
        if matches!(operation, DiffOp::Equal { .. }) {
            text.push_str(&clean(&went));
            continue;
        }
        push(&mut text, &went, marks, Side::Went);
        push(&mut text, &came, marks, Side::Came);
    }
    Some(text)
}

/// How much the words are, without white space.
fn letters(words: &[&str]) -> usize {
    words.iter().map(|word| word.trim().len()).sum()
}

/// A part of a line, and whether it is what differs.
pub type Part = (String, bool);

/// The parts of two lines that are one line before and after; none if they have little in common.
pub fn parts(old: &str, new: &str) -> Option<(Vec<Part>, Vec<Part>)> {
    let (before, after) = (tokens(old), tokens(new));
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let (mut went, mut came) = (Vec::new(), Vec::new());
    let mut kept = 0;
    for operation in operations {
        let differs = !matches!(operation, DiffOp::Equal { .. });
        let old = &before[operation.old_range()];
        let new = &after[operation.new_range()];
        kept += if differs { 0 } else { letters(old) };
        went.push((old.concat(), differs));
        came.push((new.concat(), differs));
    }
    let is_alike = kept * 3 >= letters(&before).max(letters(&after));
    is_alike.then_some((went, came))
}

#[derive(Clone, Copy)]
enum Side {
    Went,
    Came,
}

fn push(text: &mut String, words: &str, marks: Marks, side: Side) {
    if words.is_empty() {
        return;
    }
    let words = clean(words);
    let _ = match (side, marks) {
        (Side::Went, Marks::Brackets) => write!(text, "{}", style::bad(format!("[-{words}-]"))),
        (Side::Came, Marks::Brackets) => write!(text, "{}", style::good(format!("{{+{words}+}}"))),
        (Side::Went, Marks::Colour) => write!(text, "{}", style::struck(words)),
        (Side::Came, Marks::Colour) => write!(text, "{}", style::good(words)),
    };
}

/// Words, the white space between them, and marks such as `,` and `=`.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |c: char| {
        if c.is_alphanumeric() || "_-./+".contains(c) {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        let here = kind(c);
        if last.is_some_and(|last| last != here || here == 2) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = Some(here);
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> String {
        let change = KeyChange {
            key: "k".into(),
            before: Some(before.into()),
            after: Some(after.into()),
        };
        let shown = changed_key(&change, Marks::Brackets);
        anstream::adapter::strip_str(&shown).to_string()
    }

    #[test]
    fn long_texts_are_told_word_by_word() {
        assert_eq!(
            change(
                "-O2 -pipe -march=x86-64 -fstack-clash-protection",
                "-O2 -pipe -march=native -fstack-clash-protection -g"
            ),
            "k: \"-O2 -pipe -march=[-x86-64-]{+native+} -fstack-clash-protection{+ -g+}\""
        );
    }

    #[test]
    fn short_texts_and_wholly_other_ones_stand_side_by_side() {
        assert_eq!(change("-O2", "-O3"), "k: \"-O2\" -> \"-O3\"");
        let (old, new) = ("a b c d e f ".repeat(4), "u v w x y z ".repeat(4));
        assert_eq!(change(&old, &new), format!("k: \"{old}\" -> \"{new}\""));
    }
}
