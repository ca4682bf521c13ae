//! The differences between two sets of files, as text.
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::words::{Part, parts};
use crate::ui::{clean, clean_line, style};

/// One file on both sides.
#[derive(Clone, Debug, Serialize)]
pub struct FileDiff {
    /// Its path.
    pub path: String,
    /// `added`, `modified` or `deleted`.
    pub kind: &'static str,
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    #[serde(skip)]
    hunks: Vec<Hunk>,
    #[serde(skip)]
    note: Option<&'static str>,
}

/// A file on one side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Its bytes.
    pub content: Vec<u8>,
    /// What is shown in the place of lines that hold secrets; lines count from 0.
    pub hidden: BTreeMap<usize, String>,
}

impl Side {
    /// A file without secrets.
    pub fn open(content: Vec<u8>) -> Self {
        Self {
            content,
            hidden: BTreeMap::new(),
        }
    }
}

/// A run of changed lines with its surroundings.
#[derive(Clone, Debug)]
struct Hunk {
    header: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    tag: ChangeTag,
    text: String,
    old: Option<usize>,
    new: Option<usize>,
}

/// Files that differ.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Differences {
    /// By path.
    pub files: Vec<FileDiff>,
}

impl FileDiff {
    /// Compares two sides; `None` is a file that is not there.
    pub fn new(path: String, before: Option<&Side>, after: Option<&Side>) -> Self {
        let kind = match (before, after) {
            (None, _) => "added",
            (_, None) => "deleted",
            _ => "modified",
        };
        let texts = (text(before), text(after));
        let (hunks, note) = match texts {
            (Some(old), Some(new)) if old == new => {
                let both = before.is_some() && after.is_some();
                (
                    Vec::new(),
                    Some(if both {
                        "only its mode changed"
                    } else {
                        "empty"
                    }),
                )
            }
            (Some(old), Some(new)) => {
                let mut hunks = hunks(old, new);
                hide(&mut hunks, before, after);
                (hunks, None)
            }
            _ => (Vec::new(), Some("binary")),
        };
        let count = |tag| {
            hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .filter(|line| line.tag == tag)
                .count()
        };
        Self {
            path,
            kind,
            added: count(ChangeTag::Insert),
            removed: count(ChangeTag::Delete),
            note,
            hunks,
        }
    }
}

/// A content as text, unless it is binary.
fn text(side: Option<&Side>) -> Option<&str> {
    let content = side.map_or(&[][..], |side| &side.content);
    if content.contains(&0) {
        None
    } else {
        std::str::from_utf8(content).ok()
    }
}

fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(before, after);
    let to_hunk = |hunk: similar::udiff::UnifiedDiffHunk<'_, '_, '_, str>| Hunk {
        header: hunk.header().to_string(),
        lines: hunk
            .iter_changes()
            .map(|change| Line {
                tag: change.tag(),
                text: change.value().trim_end_matches('\n').to_owned(),
                old: change.old_index(),
                new: change.new_index(),
            })
            .collect(),
    };
    diff.unified_diff()
        .context_radius(3)
        .iter_hunks()
        .map(to_hunk)
        .collect()
}

/// Takes secrets out of the lines.
fn hide(hunks: &mut [Hunk], before: Option<&Side>, after: Option<&Side>) {
    let hidden = |side: Option<&Side>, line: Option<usize>| side?.hidden.get(&line?).cloned();
    for line in hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
        let shown = hidden(before, line.old).or_else(|| hidden(after, line.new));
        line.text = shown.unwrap_or_else(|| std::mem::take(&mut line.text));
    }
}

impl fmt::Display for FileDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = self
            .note
            .map(|note| format!(", {note}"))
            .unwrap_or_default();
        let title = format!("{} ({}{note})", clean_line(&self.path), self.kind);
        writeln!(f, "{}", style::strong(title))?;
        for hunk in &self.hunks {
            writeln!(f, "{}", style::name(&hunk.header))?;
            for (line, parts) in hunk.lines.iter().zip(hunk.marked()) {
                let tag = line.tag;
                let line = clean(&line.text);
                match (tag, parts) {
                    (ChangeTag::Equal, _) => writeln!(f, " {line}"),
                    (ChangeTag::Insert, None) => writeln!(f, "{}", style::good(format!("+{line}"))),
                    (ChangeTag::Delete, None) => writeln!(f, "{}", style::bad(format!("-{line}"))),
                    (tag, Some(parts)) => writeln!(f, "{}", by_part(tag, &parts)),
                }?;
            }
        }
        Ok(())
    }
}

/// A line with the words marked that differ; without colour it is like any other.
fn by_part(tag: ChangeTag, parts: &[Part]) -> String {
    let sign = if tag == ChangeTag::Insert { "+" } else { "-" };
    let mut all = parts.to_vec();
    match all.first_mut() {
        Some((first, false)) => first.insert_str(0, sign),
        _ => all.insert(0, (sign.to_owned(), false)),
    }
    let shown = all.iter().map(|(text, differs)| {
        let text = clean(text);
        match (tag, differs) {
            (ChangeTag::Insert, true) => style::good_marked(text).to_string(),
            (ChangeTag::Insert, false) => style::good(text).to_string(),
            (_, true) => style::bad_marked(text).to_string(),
            (_, false) => style::bad(text).to_string(),
        }
    });
    shown.collect()
}

impl Hunk {
    /// The parts of lines that came in the place of as many others, where they are alike.
    fn marked(&self) -> Vec<Option<Vec<Part>>> {
        let mut marked: Vec<Option<Vec<Part>>> = vec![None; self.lines.len()];
        let mut at = 0;
        while at < self.lines.len() {
            let run = |from: usize, tag| {
                let lines = self.lines[from..].iter();
                lines.take_while(|line| line.tag == tag).count()
            };
            let went = run(at, ChangeTag::Delete);
            let came = run(at + went, ChangeTag::Insert);
            for offset in (0..went).filter(|_| went == came) {
                let (old, new) = (at + offset, at + went + offset);
                if let Some((a, b)) = parts(&self.lines[old].text, &self.lines[new].text) {
                    (marked[old], marked[new]) = (Some(a), Some(b));
                }
            }
            at += (went + came).max(1);
        }
        marked
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(content: &[u8]) -> Side {
        Side::open(content.to_vec())
    }

    #[test]
    fn lines_are_counted_and_escapes_are_shown_as_pictures() {
        let (before, after) = (side(b"1\n2\n"), side(b"1\n\x1b[2J\n3\n"));
        let diff = FileDiff::new("a".into(), Some(&before), Some(&after));
        assert_eq!((diff.added, diff.removed, diff.kind), (2, 1, "modified"));
        assert!(diff.to_string().contains("+␛[2J"));
    }

    #[test]
    fn secrets_are_not_shown_on_either_side() {
        let hiding = |content: &[u8]| Side {
            hidden: [(0, "k = …".to_owned())].into(),
            ..side(content)
        };
        let (before, after) = (hiding(b"k = 1\n"), hiding(b"k = 2\n"));
        let diff = FileDiff::new("a".into(), Some(&before), Some(&after)).to_string();
        assert!(diff.contains("-k = …") && diff.contains("+k = …"), "{diff}");
    }

    #[test]
    fn words_that_differ_are_marked_where_there_is_colour() {
        let (before, after) = (side(b"jobs = 4 # j\n"), side(b"jobs = 16 # j\n"));
        let diff = FileDiff::new("a".into(), Some(&before), Some(&after)).to_string();
        assert!(diff.contains("\u{1b}[7m"), "{diff:?}");
        let plain = anstream::adapter::strip_str(&diff).to_string();
        assert!(
            plain.ends_with("\n-jobs = 4 # j\n+jobs = 16 # j\n"),
            "{plain}"
        );
    }

    #[test]
    fn binary_and_mode_changes_say_so() {
        let diff = FileDiff::new("a".into(), None, Some(&side(b"\0")));
        assert_eq!(diff.note, Some("binary"));
        let same = FileDiff::new("a".into(), Some(&side(b"x")), Some(&side(b"x")));
        assert_eq!(same.note, Some("only its mode changed"));
    }
}
