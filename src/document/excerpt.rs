//! The lines of a text that a problem shows.
use std::ops::Range;

use super::hide::PAINT;

/// Longer lines are cut after this many bytes beyond the place shown.
const TAIL: usize = 400;

/// A text and its name.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    line_starts: Vec<usize>,
}

/// One line of a text, with the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) span: Range<usize>,
}

impl Excerpt {
    /// Hides everything from byte `at` on.
    pub(super) fn hide_from(&mut self, at: usize) {
        if self.text.len() > at {
            let all = at..self.text.len();
            paint_over(&mut self.text, &mut self.span, all);
        }
    }
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let at = self.boundary(at);
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        (line, self.text[start..at].chars().count() + 1)
    }

    /// The line on which `span` begins, with `secrets` painted over.
    pub(super) fn excerpt(&self, span: Range<usize>, secrets: &[Range<usize>]) -> Excerpt {
        let start = self.boundary(span.start);
        let (line, _) = self.position(start);
        let line_start = self.line_starts[line - 1];
        let line_end = self.line_end(start);
        let end = self.boundary(span.end).clamp(start, line_end.max(start));
        let cut = self
            .boundary(end.saturating_add(TAIL))
            .min(line_end.max(end));
        let mut text = self.text[line_start..cut].to_owned();
        let mut shown = start - line_start..end - line_start;
        let hidden = secrets.iter().rev().filter_map(|secret| {
            let start = secret.start.clamp(line_start, cut) - line_start;
            let end = secret.end.clamp(line_start, cut) - line_start;
            (start < end).then_some(start..end)
        });
        for secret in hidden {
            paint_over(&mut text, &mut shown, secret);
        }
        Excerpt {
            text,
            line,
            span: shown,
        }
    }

    /// Where the line that holds the byte `at` ends, without its line break.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let end = rest.find('\n').map_or(self.text.len(), |len| at + len);
        if end > at && self.text[..end].ends_with('\r') {
            end - 1
        } else {
            end
        }
    }

    /// The next byte at which a character begins.
    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }
}

fn paint_over(text: &mut String, shown: &mut Range<usize>, secret: Range<usize>) {
    text.replace_range(secret.clone(), PAINT);
    let moved = |at: usize| {
        if at >= secret.end {
            at - secret.len() + PAINT.len()
        } else if at > secret.start {
            secret.start
        } else {
            at
        }
    };
    let whole = shown.start >= secret.start && shown.start < secret.end;
    *shown = moved(shown.start)..moved(shown.end);
    if whole {
        *shown = secret.start..secret.start + PAINT.len();
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("f", "ä = 1\r\nbö = 2");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (1, 3));
        assert_eq!(
            source.position(1),
            (1, 2),
            "inside a character: the next one"
        );
        assert_eq!(source.position(999), (2, 7));
        assert_eq!(source.excerpt(0..2, &[]).text, "ä = 1");
    }

    #[test]
    fn secrets_are_painted_over() {
        let text = "token = \"hunter2\" # mine";
        let source = Source::new("f", text);
        let shown = source.excerpt(8..17, std::slice::from_ref(&(8..17)));
        assert_eq!(shown.text, "token = … # mine");
        assert_eq!(&shown.text[shown.span], "…");
        let key = source.excerpt(0..5, std::slice::from_ref(&(8..17)));
        assert_eq!(&key.text[key.span], "token");
    }

    #[test]
    fn a_huge_line_is_cut() {
        let text = format!("a = \"{}\"", "x".repeat(1_000_000));
        let source = Source::new("f", &text);
        assert!(source.excerpt(0..1, &[]).text.len() < 1000);
    }
}
