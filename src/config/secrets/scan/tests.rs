use chrono::NaiveDate;
use snapbox::{assert_data_eq, str};

use super::*;
use crate::document::{Document, render};

/// A made-up token: put together here, so that no scanner finds it in this file.
fn token(prefix: &str, length: usize) -> String {
    let body = "f7Kq2ZxP9wLmR4tYb8NcV1sDg6HjA3uE5oWiQ0pXyTzBkMrCnFvGhJlSdUaOeIwq7P2";
    format!("{prefix}{}", &body[..length])
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()
}

fn problems(path: &str, text: &str) -> Vec<Problem> {
    let file = Scanned {
        path,
        content: text.as_bytes(),
        literals: Vec::new(),
    };
    scan([file], &Allowed::default(), today())
}

fn rules(path: &str, text: &str) -> Vec<String> {
    let of = |problem: Problem| {
        let rule = problem.message.split('`').nth(1).unwrap().to_owned();
        format!(
            "{}:{} {} {rule}",
            problem.line, problem.column, problem.code
        )
    };
    problems(path, text).into_iter().map(of).collect()
}

#[test]
fn tokens_are_known_by_their_form() {
    for (text, rule) in [
        (token("ghp_", 36), "github-token"),
        (token("github_pat_", 66), "github-token"),
        (token("glpat-", 20), "gitlab-token"),
        (token("xoxb-", 30), "slack-token"),
        (token("npm_", 36), "npm-token"),
        (token("pypi-AgEIcHlwaS5vcmc", 60), "pypi-token"),
        (token("AIza", 35), "google-key"),
        (format!("AKIA{}", token("", 16).to_uppercase()), "aws-key"),
        (
            format!("AGE-SECRET-KEY-1{}", token("", 58).to_uppercase()),
            "age-key",
        ),
    ] {
        let found = rules("notes.txt", &format!("a\n  x={text};\n"));
        assert_eq!(found, [format!("2:5 K302 {rule}")], "{rule}");
        assert_eq!(
            rules("x", &format!("a{text}")),
            [""; 0],
            "within a word: {rule}"
        );
        assert_eq!(
            rules("x", &format!("{text}/Zz")),
            [""; 0],
            "within base64: {rule}"
        );
    }
}

#[test]
fn passwords_are_found_where_they_are_used() {
    let secret = token("", 14);
    let found = |path: &str, text: &str| rules(path, &text.replace("SECRET", &secret));
    for (path, text, rule) in [
        ("a.sh", "MIRROR_TOKEN=SECRET\n", "1:14 K303 password"),
        (
            "a.sh",
            "export DB_PASSWORD='SECRET'\n",
            "1:21 K303 password",
        ),
        ("a.toml", "password = \"SECRET\"\n", "1:13 K303 password"),
        ("a.yml", "apiKey: SECRET\n", "1:9 K303 password"),
        (
            "a.json",
            "{\"auth_token\": \"SECRET\"}\n",
            "1:17 K303 password",
        ),
        (
            "a.c",
            "// https://me:SECRET@host.org/x\n",
            "1:15 K303 url-password",
        ),
        (
            "a",
            "machine h login me password SECRET\n",
            "1:29 K303 netrc-password",
        ),
        (
            "a.c",
            "Authorization: Bearer SECRET99\n",
            "1:23 K303 http-authorization",
        ),
    ] {
        assert_eq!(found(path, text), [rule], "{text}");
    }
}

#[test]
fn what_only_leads_to_a_secret_is_none() {
    for text in [
        "TOKEN=$(cat /run/token)\n",
        "TOKEN=\"${MIRROR_TOKEN}\"\n",
        "token = \"secret:mirror\"\n",
        "password_file = \"/etc/keys/f7Kq2ZxP9wLm\"\n",
        "TOKEN_FILE=f7Kq2ZxP9wLmR4tY\n",
        "PASSWORD=\n",
        "password = \"changeme1234\"\n",
        "tokenizer = \"f7Kq2ZxP9wLmR4tY\"\n",
        "url = \"https://user:$PASS@host.org\"\n",
        "url = \"https://user:password@host.org\"\n",
        "url = \"https://user:f7Kq2ZxP9@example.org\"\n",
        "url = \"ftp://anonymous:me@host.org\"\n",
        "echo \"-----BEGIN RSA PRIVATE KEY-----\" >expected\n",
        "grep -q 'machine .* login .* password' ~/.netrc\n",
        "[ -n \"$TOKEN\" ] || read -s TOKEN\n",
    ] {
        assert_eq!(rules("a.sh", text), [""; 0], "{text}");
    }
}

#[test]
fn sums_patches_and_encoded_data_are_none() {
    for text in [
        "md5=e0b1f0b2a2b4d9b0cdd0a1a2e3f4b5c6\n",
        "sha256sum: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  a.tar.xz\n",
        "index 8f2a9c1d..3b4e5f6a 100644\n",
        "echo 'H4sIAAAAAAAAA+3OMQ6AIAwF0M6coieQQtHzkBhXE+X+sjg5uLi9N7U/v2l6zPWKVURVe5qh5XY=' | base64 -d\n",
        "commit 1f7Kq2ZxP9wLmR4tYb8NcV1sDg6HjA3uE5oWiQ0\n",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQ\n",
        "-----BEGIN PGP SIGNATURE-----\n\niQIzBAABCAAdFiEE\n",
    ] {
        assert_eq!(rules("a.sh", text), [""; 0], "{text}");
    }
}

#[test]
fn a_finding_does_not_show_what_it_found() {
    let (one, two) = (token("", 14), token("ghp_", 36));
    let text = format!("A_TOKEN={one} B={two} # why\n");
    let shown = anstream::adapter::strip_str(&render(&problems("a.sh", &text))).to_string();
    assert_data_eq!(
        shown,
        str![[r#"
error[K303]: this looks like a password or a token (rule `password`)
 --> a.sh:1:9
  |
1 | A_TOKEN=… B=… # why
  |         ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)

error[K302]: this looks like a token of GitHub (rule `github-token`)
 --> a.sh:1:13
  |
1 | A_TOKEN=… B=… # why
  |             ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(github-token) WHY` (docs/guide/secrets.md)
"#]]
    );
}

#[test]
fn private_keys_count_with_their_body() {
    let body = token("", 60);
    let block = |name: &str, body: &str| {
        format!("x\n-----BEGIN {name}-----\n{body}\n-----END {name}-----\n")
    };
    for name in ["OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"] {
        let found = rules("id", &block(name, &body));
        assert_eq!(found, ["2:1 K301 private-key"], "{name}");
    }
    let pgp = block("PGP PRIVATE KEY BLOCK", &format!("\n{body}"));
    assert_eq!(rules("k", &pgp), ["2:1 K301 private-key"]);
    let json = format!("\"key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n\"\n");
    assert_eq!(rules("k.json", &json), ["1:9 K301 private-key"]);
    assert_eq!(rules("id", &block("OPENSSH PRIVATE KEY", "…")), [""; 0]);
    assert_eq!(rules("id", &block("PUBLIC KEY", &body)), [""; 0]);
}

#[test]
fn data_and_endless_lines_are_left_out() {
    let secret = token("ghp_", 36);
    assert_eq!(rules("a", &format!("\0{secret}")), [""; 0]);
    assert_eq!(
        rules("a", &format!("{}{secret}", "x ".repeat(20_000))),
        [""; 0]
    );
    assert_eq!(
        rules("a", &format!("{}\n{secret}", "x\n".repeat(600_000))),
        [""; 0]
    );
}

#[test]
fn a_finding_is_allowed_with_a_reason_until_a_day() {
    let secret = token("", 14);
    let line = format!("A_TOKEN={secret}");
    for (text, found) in [
        (
            format!("{line} # buildkeep: allow secret(password) of a test\n"),
            0,
        ),
        (
            format!("# buildkeep: allow secret(password) of a test\n{line}\n"),
            0,
        ),
        (format!("{line} # buildkeep: allow secret(password)\n"), 1),
        (format!("{line} # buildkeep: allow secret(aws-key) no\n"), 1),
        (
            format!("# buildkeep: allow secret(password) of a test\n\n{line}\n"),
            1,
        ),
    ] {
        assert_eq!(rules("a.sh", &text).len(), found, "{text}");
    }
    let settings = "\
[[secrets.allow]]
path = \"tests/**\"
rule = \"password\"
reason = \"made up\"
[[secrets.allow]]
path = \"old.sh\"
reason = \"gone soon\"
until = \"2026-01-30\"
";
    let settings = Document::parse("buildkeep.toml", settings).unwrap();
    let allowed = Allowed::of(Some(&settings));
    let at = |path: &str| {
        let file = Scanned {
            path,
            content: line.as_bytes(),
            literals: Vec::new(),
        };
        scan([file], &allowed, today())
    };
    assert_eq!(at("tests/a/b.sh").len(), 0);
    let expired = at("old.sh");
    assert_eq!(
        expired[0].help.as_deref(),
        Some(
            "it was allowed until 2026-01-30, by line 6 of buildkeep.toml: look again, and give it another day"
        )
    );
    assert_eq!(at("b.sh").len(), 1);
}
