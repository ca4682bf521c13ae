//! What a person wants to see first of a failure.
mod find;
mod make;
mod rules;
mod script;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::{Attempt, Error, Redactor, log_size};
use crate::fs::read_optional;
pub use rules::Trouble;
pub use script::ScriptLine;

/// How much of the end of a log is looked through.
const WINDOW: u64 = 8 << 20;
/// How many lines of the end are shown.
const TAIL: usize = 10;
/// Longer lines are cut.
const LONGEST: usize = 400;

/// Why an attempt failed, as far as its log tells. Control characters are as the script wrote them:
/// they are for whoever shows it to neutralise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// How it ended, in words.
    pub cause: String,
    /// The line of the script that failed, if the shell named it, or the error fits no other.
    pub line: Option<ScriptLine>,
    /// The line of the log that most likely tells why.
    pub error: Option<String>,
    /// What sort of trouble that is.
    pub trouble: Option<Trouble>,
    /// Which line of the log that is, from 1, if the log is not too long to be counted.
    pub error_at: Option<usize>,
    /// The lines after it that belong to it.
    pub more: Vec<String>,
    /// What to type to see the same error again, alone, or more about it.
    pub by_hand: Option<String>,
    /// The end of the log.
    pub tail: Vec<String>,
    /// Output that is missing in the log.
    pub dropped_bytes: u64,
}

/// Looks through the end of the log of an attempt, unless that succeeded.
pub fn excerpt(attempt: &Attempt) -> Result<Excerpt, Error> {
    let exit = attempt.exit.as_ref();
    let stopped = super::cause::stopped(attempt.stop.as_ref(), attempt.spec.timeout_s);
    let cause = stopped
        .or_else(|| exit.map(super::cause::words))
        .unwrap_or_else(|| attempt.state.word().to_owned());
    let dropped_bytes = exit.map_or(0, |exit| exit.dropped_bytes);
    if exit.is_some_and(super::Exit::is_success) {
        return Ok(Excerpt {
            cause,
            dropped_bytes,
            ..Excerpt::default()
        });
    }
    let bytes = Redactor::tail(&attempt.dir, WINDOW)?;
    // As it was started: by now the script may be another.
    let source = read_optional(&attempt.dir.script())?.unwrap_or_default();
    let name = attempt.spec.argv.first().map_or("", String::as_str);
    let source = String::from_utf8_lossy(&source);
    let mut excerpt = of_text(&String::from_utf8_lossy(&bytes), name, &source);
    if log_size(&attempt.dir.log())? > WINDOW {
        excerpt.error_at = None;
    }
    if exit.is_some_and(|exit| exit.oom) {
        // The kernel says so itself.
        excerpt.trouble = Some(Trouble::NoMemory);
    }
    Ok(Excerpt {
        cause,
        dropped_bytes,
        ..excerpt
    })
}

/// What a log tells of the failure of the script called `name`.
fn of_text(text: &str, name: &str, source: &str) -> Excerpt {
    let plain = anstream::adapter::strip_str(text).to_string();
    let lines: Vec<&str> = plain.lines().map(shown).collect();
    let found = find::find(&lines);
    let error = found.at.map(|at| lines[at]);
    let named = script::named(&lines, name, source);
    Excerpt {
        line: named.or_else(|| script::guessed(&found, error?, source)),
        error: error.map(|error| cut(error.trim())),
        trouble: found.trouble,
        error_at: found.at.map(|at| at + 1),
        by_hand: by_hand(&found),
        more: found.more,
        tail: tail(text),
        ..Excerpt::default()
    }
}

/// How to see the error again, or more of it.
fn by_hand(found: &find::Found) -> Option<String> {
    if let Some(folder) = &found.configured {
        return Some(format!("less {}", quoted(&format!("{folder}/config.log"))));
    }
    let (folder, target) = found.folder.as_ref().zip(found.target.as_ref())?;
    Some(format!("make -C {} {}", quoted(folder), quoted(target)))
}

/// What a progress bar overwrote was not meant to stay.
fn shown(line: &str) -> &str {
    let line = line.trim_end_matches('\r');
    line.rsplit('\r').next().unwrap_or(line)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@:,=%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn tail(text: &str) -> Vec<String> {
    let lines = text.lines().map(shown);
    let said: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    let from = said.len().saturating_sub(TAIL);
    said[from..].iter().map(|line| cut(line)).collect()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
