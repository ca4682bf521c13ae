//! Values so that a shell or make reads exactly them.

/// What make takes off around a value; other white space is none to it.
const BLANK: [char; 4] = [' ', '\t', '\u{b}', '\u{c}'];

/// For a POSIX shell: in single quotes.
pub(super) fn shell(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// For the right side of `:=` in a makefile; a value of several lines has none.
pub(super) fn make(value: &str) -> Option<String> {
    if value.contains(['\n', '\r', '\0']) {
        return None;
    }
    let mut quoted = String::new();
    let mut backslashes = 0;
    for c in value.chars() {
        match c {
            '$' => quoted.push_str("$$"),
            // Before a `#` a backslash counts double.
            '#' => {
                quoted.push_str(&"\\".repeat(backslashes));
                quoted.push_str("\\#");
            }
            other => quoted.push(other),
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    // Spaces at the front would be lost, and a backslash at the end would go on in the next line.
    let front = if value.starts_with(BLANK) { "$()" } else { "" };
    let end = if value.ends_with('\\') || value.ends_with(BLANK) {
        "$()"
    } else {
        ""
    };
    Some(format!("{front}{quoted}{end}"))
}

/// What a word of a shell means, if it is quoted in a plain way.
pub(super) fn unshell(word: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = word.trim_matches([' ', '\t']);
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' => {
                let (inner, after) = rest[1..].split_once('\'')?;
                value.push_str(inner);
                after
            }
            '"' => {
                let (inner, after) = rest[1..].split_once('"')?;
                if inner.contains(['$', '`', '\\']) {
                    return None;
                }
                value.push_str(inner);
                after
            }
            '\\' => {
                let next = rest[1..].chars().next()?;
                value.push(next);
                &rest[1 + next.len_utf8()..]
            }
            c if c.is_alphanumeric() || "_-+=./:,@%".contains(c) => {
                value.push(c);
                &rest[c.len_utf8()..]
            }
            _ => return None,
        };
    }
    Some(value)
}

/// What the right side of `:=` means, if it has no variables in it.
pub(super) fn unmake(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.trim_matches(BLANK);
    while let Some(at) = rest.find(['$', '#']) {
        let before = &rest[..at];
        if let Some(after) = rest[at..].strip_prefix("$()") {
            value.push_str(before);
            rest = after;
            continue;
        }
        if let Some(after) = rest[at..].strip_prefix("$$") {
            value.push_str(before);
            value.push('$');
            rest = after;
            continue;
        }
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        if rest[at..].starts_with('$') || backslashes.is_multiple_of(2) {
            return None;
        }
        value.push_str(&before[..before.len() - backslashes / 2 - 1]);
        value.push('#');
        rest = &rest[at + 1..];
    }
    value.push_str(rest);
    Some(value)
}
