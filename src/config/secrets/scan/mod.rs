//! Looking for secrets in files before they are in the history for ever.
//!
//! The rules are few and sure rather than many and loud: forms that nothing else has (a private
//! key, a token with a prefix of its own), and assignments to names that say what they hold. Sums,
//! patches and encoded data have neither. A finding never shows what it found.

mod assigned;
mod entropy;
mod key_block;
mod token;
mod url;
mod waiver;

#[cfg(test)]
mod tests;

use std::ops::Range;

use chrono::NaiveDate;

use crate::document::{Problem, code};
pub use waiver::Allowed;

/// Larger files are data.
const MOST_BYTES: usize = 1 << 20;
/// Longer lines are data.
const MOST_IN_LINE: usize = 16 << 10;

/// A file to look at.
#[derive(Clone, Debug)]
pub struct Scanned<'a> {
    /// Its path from the root of the keep.
    pub path: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
    /// Where values stand that a schema marks secret.
    pub literals: Vec<Range<usize>>,
}

static LITERAL: Rule = Rule {
    code: code::LITERAL,
    name: "literal",
    what: "a secret itself: its schema wants a reference here",
};

/// Something that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static Rule,
    /// Where the secret stands in the text.
    secret: Range<usize>,
}

/// A kind of secret.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    code: &'static str,
    /// What waivers call it.
    name: &'static str,
    /// What it is, in a sentence.
    what: &'static str,
}

/// Looks through `files`; `allowed` says what may stay, and `today` until when.
pub fn scan<'a>(
    files: impl IntoIterator<Item = Scanned<'a>>,
    allowed: &Allowed,
    today: NaiveDate,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files {
        if is_data(file.content) {
            continue;
        }
        let text = String::from_utf8_lossy(file.content);
        let mut findings: Vec<Finding> = file.literals.iter().map(literal).collect();
        findings.extend(find(file.path, &text));
        settle(&mut findings);
        let secrets: Vec<Range<usize>> =
            findings.iter().map(|found| found.secret.clone()).collect();
        for found in &findings {
            let waiver = allowed.verdict(file.path, &text, found, today);
            problems.extend(waiver.problem(file.path, &text, found, &secrets));
        }
    }
    problems
}

fn is_data(content: &[u8]) -> bool {
    content.len() > MOST_BYTES || content.iter().take(8192).any(|byte| *byte == 0)
}

/// All findings in a text, line by line.
fn find(path: &str, text: &str) -> Vec<Finding> {
    let kind = assigned::Kind::of(path, text);
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() <= MOST_IN_LINE {
            let here = start..start + line.trim_end().len();
            token::find(text, here.clone(), &mut found);
            key_block::find(text, here.clone(), &mut found);
            url::find(text, here.clone(), &mut found);
            assigned::find(text, here, kind, &mut found);
        }
        start += line.len();
    }
    found
}

fn literal(secret: &Range<usize>) -> Finding {
    Finding {
        rule: &LITERAL,
        secret: secret.clone(),
    }
}

/// By place; of several about the same characters, the first.
fn settle(findings: &mut Vec<Finding>) {
    findings.sort_by_key(|finding| finding.secret.start);
    findings.dedup_by(|later, first| later.secret.start < first.secret.end);
}
