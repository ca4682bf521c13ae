//! Values of names that say that they are secret.
use std::ops::Range;

use super::{Finding, Rule, entropy};
use crate::document::code;

static RULE: Rule = Rule {
    code: code::PASSWORD,
    name: "password",
    what: "a password or a token",
};

/// Parts of names that say so.
const SAYS_SO: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "passcode",
];
/// Two parts that say so together.
const PAIRS: &[(&str, &str)] = &[
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("auth", "key"),
    ("signing", "key"),
    ("encryption", "key"),
];
/// Last parts of names that hold something about a secret.
const ABOUT: &[&str] = &[
    "file",
    "path",
    "dir",
    "url",
    "uri",
    "name",
    "id",
    "type",
    "length",
    "len",
    "size",
    "prompt",
    "cmd",
    "command",
    "env",
    "var",
    "format",
    "regex",
    "pattern",
    "hash",
    "sum",
    "md5",
    "sha256",
    "count",
    "max",
    "min",
    "encryption",
    "expires",
    "expiry",
    "ttl",
];
/// Shorter values are words.
const LEAST: usize = 8;
/// Bits in each character of what a machine made up, for texts of some ten characters.
const RANDOM: f64 = 2.9;

/// Whether a file has assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Settings or a script of a shell.
    Assigns,
    /// Anything else.
    Other,
}

impl Kind {
    /// What the name of a file, or its first line, says.
    pub(super) fn of(path: &str, text: &str) -> Self {
        const ENDINGS: &[&str] = &[
            "toml",
            "sh",
            "bash",
            "zsh",
            "env",
            "conf",
            "cfg",
            "ini",
            "yaml",
            "yml",
            "json",
            "properties",
            "rc",
            "mk",
        ];
        let name = path.rsplit('/').next().unwrap_or(path);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let first = text.lines().next().unwrap_or_default();
        let is_script = first.starts_with("#!") && first.trim_end().ends_with("sh");
        if ENDINGS.contains(&ending) || is_script || name.starts_with(".env") {
            Self::Assigns
        } else {
            Self::Other
        }
    }
}

/// Finds such values in the line `here` of `text`.
pub(super) fn find(text: &str, here: Range<usize>, kind: Kind, found: &mut Vec<Finding>) {
    if kind == Kind::Other {
        return;
    }
    let line = &text[here.clone()];
    for (at, _) in line.match_indices(['=', ':']) {
        let Some(name) = name_before(line, at) else {
            continue;
        };
        if !says_so(name) {
            continue;
        }
        if let Some(value) =
            value_after(line, at + 1).filter(|value| is_secret(&line[value.clone()]))
        {
            let secret = here.start + value.start..here.start + value.end;
            found.push(Finding {
                rule: &RULE,
                secret,
            });
            return;
        }
    }
}

fn name_before(line: &str, at: usize) -> Option<&str> {
    let before = line[..at]
        .trim_end()
        .trim_end_matches(['"', '\'', '?', '+', ':']);
    let in_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let start = before.rfind(|c| !in_name(c)).map_or(0, |start| start + 1);
    before.get(start..).filter(|name| !name.is_empty())
}

/// `MIRROR_TOKEN`, `apiKey` and `db.password` do; `TOKEN_FILE` and `tokenizer` do not.
fn says_so(name: &str) -> bool {
    let mut parts: Vec<String> = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if "_-.".contains(c) || (was_small && c.is_ascii_uppercase()) {
            parts.push(String::new());
        }
        was_small = c.is_ascii_lowercase();
        if let Some(part) = parts.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            part.push(c.to_ascii_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    let one = |part: &String| SAYS_SO.contains(&part.as_str());
    let two = |pair: &[String]| PAIRS.contains(&(pair[0].as_str(), pair[1].as_str()));
    let about = parts
        .last()
        .is_some_and(|last| ABOUT.contains(&last.as_str()));
    !about && (parts.iter().any(one) || parts.windows(2).any(two))
}

fn value_after(line: &str, at: usize) -> Option<Range<usize>> {
    let rest = line[at..].trim_start();
    let start = line.len() - rest.len();
    let quote = rest.chars().next().filter(|c| "\"'".contains(*c));
    let (start, end) = if let Some(quote) = quote {
        (start + 1, rest[1..].find(quote)?)
    } else {
        let end = rest.find(|c: char| c.is_whitespace() || ";,&|)#".contains(c));
        (start, end.unwrap_or(rest.len()))
    };
    Some(start..start + end)
}

/// Whether a value is itself a secret, and does not only lead to one.
fn is_secret(value: &str) -> bool {
    const LEADS: &[&str] = &[
        "secret:", "$", "`", "/", "~", "./", "../", "<", "{", "(", "@", "ENC[", "env:",
    ];
    let leads = LEADS.iter().any(|start| value.starts_with(start))
        || value.contains("$(")
        || value.contains("${")
        || value.contains("://");
    let is_plain = value.chars().all(|c| c.is_ascii_graphic());
    value.len() >= LEAST
        && is_plain
        && !leads
        && entropy::is_mixed(value)
        && entropy::bits(value) >= RANDOM
        && !entropy::is_placeholder(value)
}
