//! A log line by line: searched, or for programs.
use std::borrow::Cow;
use std::fmt;

use chrono::DateTime;
use regex::Regex;
use serde::Serialize;

use crate::commands::Context;
use crate::failure::Failure;
use crate::run::{Attempt, LogReader, LogTimes, Redactor};
use crate::ui::clean;
use crate::world::rfc3339;

/// A line that is longer is shown in parts.
const LONGEST: usize = 1 << 20;

/// A line of a log.
#[derive(Debug, Serialize)]
struct LogLine<'a> {
    step: &'a str,
    attempt: &'a str,
    number: u32,
    /// Where it begins in the log.
    offset: u64,
    /// When it was written, within a second.
    time: Option<String>,
    /// Without what could change a terminal.
    text: Cow<'a, str>,
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)
    }
}

/// The lines of an attempt's log.
pub(super) struct Lines<'a> {
    attempt: &'a Attempt,
    reader: LogReader,
    times: LogTimes,
    redactor: Redactor,
    pattern: Option<Regex>,
    /// What was read and not shown yet, and where it begins.
    held: Vec<u8>,
    at: u64,
    /// Whether any line was shown.
    pub(super) has_shown: bool,
}

impl<'a> Lines<'a> {
    /// From `start` on; those that have `pattern`.
    pub(super) fn of(
        attempt: &'a Attempt,
        (reader, start): (LogReader, u64),
        pattern: Option<Regex>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            attempt,
            reader,
            times: LogTimes::of(&attempt.dir.log())?,
            redactor: Redactor::load(&attempt.dir)?,
            pattern,
            held: Vec::new(),
            at: start,
            has_shown: false,
        })
    }

    /// Shows the lines that are whole by now.
    pub(super) fn copy(&mut self, cx: &mut Context) -> Result<(), Failure> {
        while self.reader.read_more(&mut self.held)? > 0 {
            self.times.refresh()?;
            self.show(cx, End::Open)?;
        }
        Ok(())
    }

    /// Shows what is left.
    pub(super) fn end(&mut self, cx: &mut Context) -> Result<(), Failure> {
        self.times.refresh()?;
        self.show(cx, End::Closed)
    }

    fn show(&mut self, cx: &mut Context, end: End) -> Result<(), Failure> {
        let (text, places) = self.redactor.redacted_with_places(&self.held);
        // In what comes last, a secret may have begun.
        let sure = match end {
            End::Open => text.len().saturating_sub(self.redactor.reach()),
            End::Closed => text.len(),
        };
        let place = |at: usize| {
            let after = places.partition_point(|(shown, _)| *shown <= at);
            let (shown, was) = places[after.saturating_sub(1)];
            was + (at - shown)
        };
        let mut start = 0;
        while let Some(stop) = next_end(&text[start..sure], end) {
            let offset = self.at + place(start) as u64;
            self.tell(cx, offset, &text[start..start + stop])?;
            start += stop;
        }
        let shown = place(start).min(self.held.len());
        self.held.drain(..shown);
        self.at += shown as u64;
        Ok(())
    }

    fn tell(&mut self, cx: &mut Context, offset: u64, line: &[u8]) -> Result<(), Failure> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(&text))
        {
            return Ok(());
        }
        self.has_shown = true;
        let spec = &self.attempt.spec;
        let time = self
            .times
            .at(offset)
            .and_then(DateTime::from_timestamp_millis);
        cx.ui.stream(&LogLine {
            step: &spec.step,
            attempt: &spec.attempt,
            number: spec.number,
            offset,
            time: time.map(rfc3339),
            text: clean(&text),
        })?;
        Ok(())
    }
}

/// Whether more may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Closed,
}

/// Where the first line of a text ends, its newline included, if it is whole.
fn next_end(text: &[u8], end: End) -> Option<usize> {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => Some(at + 1),
        None if text.is_empty() => None,
        None if end == End::Closed || text.len() > LONGEST => Some(text.len()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_a_newline_and_the_last_one_with_the_log() {
        let ends = |text: &[u8]| [next_end(text, End::Open), next_end(text, End::Closed)];
        assert_eq!(ends(b"ab\ncd"), [Some(3), Some(3)]);
        assert_eq!(ends(b"cd"), [None, Some(2)]);
        assert_eq!(ends(b""), [None, None]);
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(ends(&long), [Some(LONGEST + 1), Some(LONGEST + 1)]);
    }
}
