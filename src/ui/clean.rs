//! Text from logs and file names, made harmless for a terminal.
use std::borrow::Cow;

/// Replaces control characters (escape sequences among them) so that shown data stays data.
///
/// Newlines and tabs stay; `ESC` becomes `␛`, others their picture in U+2400 or `�`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| if is_harmful(c) { picture(c) } else { c })
            .collect(),
    )
}

/// The same for what must stay on its line: names, paths, subjects.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\t']) {
        return clean(text);
    }
    Cow::Owned(clean(text).replace('\n', "␊").replace('\t', "␉"))
}

fn is_harmful(c: char) -> bool {
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n' && c != '\t') || bidi
}

fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_line};

    #[test]
    fn escapes_become_pictures() {
        assert_eq!(clean("a\x1b[31mb\rc\u{9b}d"), "a␛[31mb␍c\u{fffd}d");
        assert_eq!(clean("plain\tand\nlines"), "plain\tand\nlines");
        assert_eq!(clean_line("a\tb\nc\x1bd"), "a␉b␊c␛d");
    }
}
