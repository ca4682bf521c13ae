//! Text as a shell wants it, for commands that people are to type.
use std::borrow::Cow;

/// Quotes `text` for a POSIX shell, if it needs that; control characters by bash's `$'…'`.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(char::is_control) {
        return Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")));
    }
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    Cow::Owned(format!("$'{escaped}'"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_what_needs_it_is_quoted() {
        let shown =
            ["a/b-1.sh", "", "a b", "it's $x", "a\n'\u{1b}"].map(|text| quoted(text).into_owned());
        assert_eq!(
            shown,
            [
                "a/b-1.sh",
                "''",
                "'a b'",
                r"'it'\''s $x'",
                r"$'a\u000a\'\u001b'"
            ]
        );
    }
}
