//! The differences between two sets of files, as text.
use std::fmt;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::ui::{clean, style};

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

/// A run of changed lines with its surroundings.
#[derive(Clone, Debug)]
struct Hunk {
    header: String,
    lines: Vec<(ChangeTag, String)>,
}

/// Files that differ.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Differences {
    /// By path.
    pub files: Vec<FileDiff>,
}

impl FileDiff {
    /// Compares two contents; `None` is a file that is not there.
    pub fn new(path: String, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let kind = match (before, after) {
            (None, _) => "added",
            (_, None) => "deleted",
            _ => "modified",
        };
        let texts = (text(before), text(after));
        let (hunks, note) = match texts {
            (Some(before), Some(after)) if before == after => {
                (Vec::new(), Some("only its mode changed"))
            }
            (Some(before), Some(after)) => (hunks(before, after), None),
            _ => (Vec::new(), Some("binary")),
        };
        let count = |tag| {
            hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .filter(|line| line.0 == tag)
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
fn text(content: Option<&[u8]>) -> Option<&str> {
    let content = content.unwrap_or_default();
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
            .map(|change| {
                (
                    change.tag(),
                    change.value().trim_end_matches('\n').to_owned(),
                )
            })
            .collect(),
    };
    diff.unified_diff()
        .context_radius(3)
        .iter_hunks()
        .map(to_hunk)
        .collect()
}

impl fmt::Display for FileDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = self
            .note
            .map(|note| format!(", {note}"))
            .unwrap_or_default();
        let title = format!("{} ({}{note})", clean(&self.path), self.kind);
        writeln!(f, "{}", style::strong(title))?;
        for hunk in &self.hunks {
            writeln!(f, "{}", style::name(&hunk.header))?;
            for (tag, line) in &hunk.lines {
                let line = clean(line);
                match tag {
                    ChangeTag::Insert => writeln!(f, "{}", style::good(format!("+{line}")))?,
                    ChangeTag::Delete => writeln!(f, "{}", style::bad(format!("-{line}")))?,
                    ChangeTag::Equal => writeln!(f, " {line}")?,
                }
            }
        }
        Ok(())
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

    #[test]
    fn lines_are_counted_and_escapes_are_shown_as_pictures() {
        let diff = FileDiff::new("a".into(), Some(b"1\n2\n"), Some(b"1\n\x1b[2J\n3\n"));
        assert_eq!((diff.added, diff.removed, diff.kind), (2, 1, "modified"));
        assert!(diff.to_string().contains("+␛[2J"));
    }

    #[test]
    fn binary_and_mode_changes_say_so() {
        assert_eq!(
            FileDiff::new("a".into(), None, Some(b"\0")).note,
            Some("binary")
        );
        let same = FileDiff::new("a".into(), Some(b"x"), Some(b"x"));
        assert_eq!(same.note, Some("only its mode changed"));
    }
}
