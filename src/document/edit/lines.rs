//! Lines around a place of a text.

/// Where the line that holds the byte `at` begins.
pub(in crate::document) fn start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Where the line after the one that holds the byte `at` begins.
pub(in crate::document) fn next(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |len| at + len + 1)
}

/// What a line of this text ends with.
pub(in crate::document) fn ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The white space that the line at `at` begins with.
pub(in crate::document) fn indent(text: &str, at: usize) -> &str {
    let line = &text[start(text, at)..];
    let end = line.find(|c| c != ' ' && c != '\t');
    &line[..end.unwrap_or(line.len())]
}

/// The place after the comment lines at `at`, unless they belong to what follows them.
pub(in crate::document) fn after_own_comments(text: &str, at: usize) -> usize {
    let mut end = at;
    while text[end..].trim_start_matches([' ', '\t']).starts_with('#') {
        end = next(text, end);
    }
    let rest = &text[end..];
    let blank = rest
        .lines()
        .next()
        .is_none_or(|line| line.trim().is_empty());
    if only_comments(rest) {
        text.len()
    } else if blank {
        end
    } else {
        at
    }
}

/// Where the comment lines right above the line at `at` begin.
pub(in crate::document) fn before_its_comments(text: &str, at: usize) -> usize {
    let mut begin = start(text, at);
    while begin > 0 {
        let above = start(text, begin - 1);
        if !text[above..begin].trim_start().starts_with('#') {
            break;
        }
        begin = above;
    }
    begin
}

fn only_comments(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}
