//! Passwords in addresses, and in the lines of a netrc file.
use std::ops::Range;

use super::{Finding, Rule, entropy};
use crate::document::code;

static URL: Rule = Rule {
    code: code::PASSWORD,
    name: "url-password",
    what: "an address with a password in it",
};
static NETRC: Rule = Rule {
    code: code::PASSWORD,
    name: "netrc-password",
    what: "a password for a machine, as in .netrc",
};
static HEADER: Rule = Rule {
    code: code::PASSWORD,
    name: "http-authorization",
    what: "what a server takes for a password",
};

/// Finds passwords in the line `here` of `text`.
pub(super) fn find(text: &str, here: Range<usize>, found: &mut Vec<Finding>) {
    let line = &text[here.clone()];
    let mut add = |rule, at: Range<usize>| {
        let secret = here.start + at.start..here.start + at.end;
        found.push(Finding { rule, secret });
    };
    for (at, _) in line.match_indices("://") {
        if let Some(secret) = in_address(line, at) {
            add(&URL, secret);
        }
    }
    if let Some(secret) = in_netrc(line) {
        add(&NETRC, secret);
    }
    if let Some(secret) = in_header(line) {
        add(&HEADER, secret);
    }
}

/// `scheme://user:PASSWORD@host`
fn in_address(line: &str, at: usize) -> Option<Range<usize>> {
    let is_scheme = line[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let start = at + 3;
    let end = line[start..].find(|c: char| c.is_whitespace() || "/\"'<>`\\?#,;|)]}".contains(c));
    let authority = &line[start..end.map_or(line.len(), |end| start + end)];
    let (login, host) = authority.rsplit_once('@')?;
    let (user, password) = login.split_once(':')?;
    let is_told = |text: &str| text.is_empty() || text.contains(['$', '{', '%', '*']);
    let unknown = is_told(user) && !user.is_empty() || is_told(password);
    let machine = host.split(':').next().unwrap_or_default();
    let no_host = !machine.contains(|c: char| c.is_ascii_alphanumeric())
        || machine.contains("example")
        || machine.contains(['$', '{', '%']);
    let is_public = login.contains("anon") || password == "x-oauth-basic" || password.contains('@');
    let is_word = password.len() < 6 || entropy::is_placeholder(password) || password == user;
    let word = is_word || ["pass", "pwd", "pw"].contains(&password.to_ascii_lowercase().as_str());
    if !is_scheme || unknown || no_host || is_public || word {
        return None;
    }
    let from = start + user.len() + 1;
    Some(from..from + password.len())
}

/// `machine HOST login USER password PASSWORD`
fn in_netrc(line: &str) -> Option<Range<usize>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let place = |word| words.iter().position(|found| *found == word);
    let (machine, password) = (place("machine")?, place("password")?);
    let login = place("login")?;
    let value = words.get(password + 1)?;
    let told = value.starts_with(['$', '<', '{']) || entropy::is_placeholder(value);
    if machine != 0 || login > password || told {
        return None;
    }
    let at = line.rfind(value)?;
    Some(at..at + value.len())
}

/// `Authorization: Bearer TOKEN`
fn in_header(line: &str) -> Option<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let at = lower.find("authorization:")? + "authorization:".len();
    let rest = line[at..].trim_start();
    let from = line.len() - rest.len();
    let scheme = ["bearer ", "basic ", "token "];
    let scheme = scheme
        .iter()
        .find(|scheme| lower[from..].starts_with(**scheme))?;
    let from = from + scheme.len();
    let value = &line[from..];
    let is_end = |c: char| !c.is_ascii_alphanumeric() && !"._-+/=~".contains(c);
    let value = &value[..value.find(is_end).unwrap_or(value.len())];
    let is_secret =
        value.len() >= 16 && entropy::is_mixed(value) && !entropy::is_placeholder(value);
    is_secret.then_some(from..from + value.len())
}
