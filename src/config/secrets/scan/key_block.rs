//! Private keys in their armour.
use std::ops::Range;

use super::{Finding, Rule};
use crate::document::code;

static RULE: Rule = Rule {
    code: code::PRIVATE_KEY,
    name: "private-key",
    what: "a private key",
};

/// What stands above a key, and would be nothing without it.
const HEADERS: &[&str] = &[
    "Proc-Type:",
    "DEK-Info:",
    "Version:",
    "Comment:",
    "Encryption:",
];

/// Finds the first line of a private key in the line `here` of `text`; what only talks of such lines
/// has no key below.
pub(super) fn find(text: &str, here: Range<usize>, found: &mut Vec<Finding>) {
    let line = &text[here.clone()];
    let Some(begin) = line.find("-----BEGIN ") else {
        return putty(text, here, found);
    };
    let name = &line[begin + 11..];
    let Some(end) = name.find("-----") else {
        return;
    };
    let is_private =
        name[..end].ends_with("PRIVATE KEY") || name[..end].ends_with("PRIVATE KEY BLOCK");
    let after = here.start + begin + 11 + end + 5;
    if is_private && has_body(&text[after..]) {
        let start = here.start + begin;
        found.push(Finding {
            rule: &RULE,
            secret: start..after,
        });
    }
}

fn putty(text: &str, here: Range<usize>, found: &mut Vec<Finding>) {
    // Asked first: to look for the body in every line would take the square of their number.
    if !text[here.clone()].starts_with("PuTTY-User-Key-File-") {
        return;
    }
    let body = text[here.end..].find("Private-Lines:");
    if body.is_some_and(|at| at < 8192) {
        found.push(Finding {
            rule: &RULE,
            secret: here,
        });
    }
}

/// Whether what follows goes on like a key: below it, or in the same line with `\n` for line ends.
fn has_body(rest: &str) -> bool {
    let rest = rest.strip_prefix("\\n").unwrap_or(rest);
    let mut lines = rest
        .lines()
        .map(|line| line.trim_matches([' ', '\t', '"', '\'', ',', '#', '+', '-', '\\']));
    let first = lines.find(|line| !line.is_empty());
    let Some(first) = first else { return false };
    let encoded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let run = first.bytes().take_while(encoded).count();
    HEADERS.iter().any(|header| first.starts_with(header)) || run >= 40
}
