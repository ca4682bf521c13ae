//! Tokens that say themselves what they are.
use std::ops::Range;

use super::{Finding, Rule};
use crate::document::code;

/// What the part after the prefix is made of.
#[derive(Clone, Copy)]
enum Made {
    /// Capital letters and digits.
    Capitals,
    /// Letters and digits.
    Alphanumeric,
    /// Letters, digits, `_` and `-`.
    Word,
}

/// A prefix, and what follows it.
struct Form {
    prefix: &'static str,
    made: Made,
    least: usize,
    most: usize,
    rule: Rule,
}

const fn form(
    prefix: &'static str,
    made: Made,
    lengths: (usize, usize),
    (name, what): (&'static str, &'static str),
) -> Form {
    let rule = Rule {
        code: code::TOKEN,
        name,
        what,
    };
    let (least, most) = lengths;
    Form {
        prefix,
        made,
        least,
        most,
        rule,
    }
}

const MANY: usize = 500;
const GITHUB: (&str, &str) = ("github-token", "a token of GitHub");
const GITLAB: (&str, &str) = ("gitlab-token", "a token of GitLab");
const SLACK: (&str, &str) = ("slack-token", "a token of Slack");
const AWS: (&str, &str) = ("aws-key", "an access key of AWS");

static FORMS: &[Form] = &[
    form("AKIA", Made::Capitals, (16, 16), AWS),
    form("ASIA", Made::Capitals, (16, 16), AWS),
    form("ghp_", Made::Alphanumeric, (36, 251), GITHUB),
    form("gho_", Made::Alphanumeric, (36, 251), GITHUB),
    form("ghu_", Made::Alphanumeric, (36, 251), GITHUB),
    form("ghs_", Made::Alphanumeric, (36, 251), GITHUB),
    form("ghr_", Made::Alphanumeric, (36, 251), GITHUB),
    form("github_pat_", Made::Word, (60, 251), GITHUB),
    form("glpat-", Made::Word, (20, MANY), GITLAB),
    form("glrt-", Made::Word, (20, MANY), GITLAB),
    form("gldt-", Made::Word, (20, MANY), GITLAB),
    form("glptt-", Made::Word, (20, MANY), GITLAB),
    form("xoxb-", Made::Word, (20, MANY), SLACK),
    form("xoxp-", Made::Word, (20, MANY), SLACK),
    form("xoxa-", Made::Word, (20, MANY), SLACK),
    form("xoxr-", Made::Word, (20, MANY), SLACK),
    form("xoxs-", Made::Word, (20, MANY), SLACK),
    form("xapp-", Made::Word, (20, MANY), SLACK),
    form(
        "npm_",
        Made::Alphanumeric,
        (36, 36),
        ("npm-token", "a token of npm"),
    ),
    form(
        "pypi-AgE",
        Made::Word,
        (50, MANY),
        ("pypi-token", "a token of PyPI"),
    ),
    form(
        "dckr_pat_",
        Made::Word,
        (20, 60),
        ("docker-token", "a token of Docker Hub"),
    ),
    form(
        "AIza",
        Made::Word,
        (35, 35),
        ("google-key", "a key of Google"),
    ),
    form(
        "sk_live_",
        Made::Alphanumeric,
        (24, MANY),
        ("stripe-key", "a key of Stripe"),
    ),
    form(
        "AGE-SECRET-KEY-1",
        Made::Capitals,
        (58, 58),
        ("age-key", "a private key of age"),
    ),
    form(
        "AGE-SECRET-KEY-PQ-1",
        Made::Capitals,
        (58, MANY),
        ("age-key", "a private key of age"),
    ),
];

/// Finds tokens in the line `here` of `text`.
pub(super) fn find(text: &str, here: Range<usize>, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for at in here.clone() {
        let begins = at == here.start || !is_of(bytes[at - 1], Made::Word);
        if !begins || !matches!(bytes[at], b'A' | b'g' | b'x' | b'n' | b'p' | b'd' | b's') {
            continue;
        }
        let rest = &bytes[at..here.end];
        let form = FORMS.iter().find(|form| form.fits(rest));
        if let Some((form, length)) = form.and_then(|form| Some((form, form.length(rest)?))) {
            found.push(Finding {
                rule: &form.rule,
                secret: at..at + length,
            });
        }
    }
}

impl Form {
    fn fits(&self, rest: &[u8]) -> bool {
        rest.starts_with(self.prefix.as_bytes()) && self.length(rest).is_some()
    }

    /// How long the token at the front is; examples of manuals are none.
    fn length(&self, rest: &[u8]) -> Option<usize> {
        let body = &rest[self.prefix.len()..];
        let end = body.iter().position(|byte| !is_of(*byte, self.made));
        let length = end.unwrap_or(body.len());
        let ends = body
            .get(length)
            .is_none_or(|byte| !is_of(*byte, Made::Word) && !b"+/=".contains(byte));
        let body = &body[..length];
        let repeats = body
            .first()
            .is_some_and(|first| body.iter().all(|byte| byte == first));
        let is_example = repeats
            || body
                .windows(7)
                .any(|part| part.eq_ignore_ascii_case(b"example"));
        let fits = (self.least..=self.most).contains(&length) && ends && !is_example;
        fits.then_some(self.prefix.len() + length)
    }
}

fn is_of(byte: u8, made: Made) -> bool {
    match made {
        Made::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        Made::Alphanumeric => byte.is_ascii_alphanumeric(),
        Made::Word => byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
    }
}
