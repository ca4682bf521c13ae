//! How random a text looks.

/// Bits of surprise in each character, by how often each occurs in the text itself.
pub(super) fn bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len().max(1) as f64;
    let share = |count: &u32| f64::from(*count) / length;
    let counts = counts.iter().filter(|count| **count > 0).map(share);
    counts.map(|share| -share * share.log2()).sum()
}

/// Whether a text is made of letters and digits mixed, as what machines make up is.
pub(super) fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Whether a text stands for something that is to be put in its place.
pub(super) fn is_placeholder(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "example",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "password",
        "passw0rd",
        "passwd",
        "secret",
        "your",
        "dummy",
        "sample",
        "redacted",
        "insert",
        "replace",
        "xxxx",
        "****",
        "....",
        "1234567",
        "abcdef",
        "none",
        "null",
        "undefined",
        "test",
        "todo",
        "fixme",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || lower.starts_with(['<', '[', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_by_machines_is_told_from_words() {
        assert!(bits("aaaaaaaa") < 0.1);
        assert!(bits("f7Kq2ZxP9wLm") > 3.4);
        assert!(is_mixed("f7Kq") && !is_mixed("libressl") && !is_mixed("20260131"));
        assert!(is_placeholder("your-token-here") && !is_placeholder("f7Kq2ZxP9wLm"));
    }
}
