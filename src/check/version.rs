//! Versions as programs print them, which are not semver: `2.5.1a`, `668`, `6.18.44-xyz`.
use std::cmp::Ordering;
use std::fmt;

/// Letters after a number that make a version older, not newer.
const BEFORE_RELEASE: &[&str] = &["rc", "pre", "alpha", "beta", "dev", "git"];

/// Numbers, perhaps letters right after them, and a tail that only its maker understands.
///
/// Equal are those that count as the same: `5.2` and `5.2.0`.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
    suffix: String,
}

impl Version {
    /// Reads a version: `5.2.15(1)-release` counts as 5.2.15, `v3.1` as 3.1.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut numbers = Vec::new();
        let mut rest = text;
        loop {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            let (digits, after) = rest.split_at(end.unwrap_or(rest.len()));
            numbers.push(digits.parse().ok()?);
            rest = after;
            match rest.strip_prefix('.') {
                Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => rest = after,
                _ => break,
            }
        }
        let tail = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (mut suffix, tail) = rest.split_at(tail.unwrap_or(rest.len()));
        let after_dash = tail.strip_prefix(['-', '~', '_']).unwrap_or_default();
        if suffix.is_empty() && is_before_release(after_dash) {
            let end = after_dash.find(|c: char| !c.is_ascii_alphanumeric());
            suffix = &after_dash[..end.unwrap_or(after_dash.len())];
        }
        Some(Self {
            text: text.to_owned(),
            numbers,
            suffix: suffix.to_lowercase(),
        })
    }

    /// The version in what a program printed.
    ///
    /// The first with a dot counts, then the first without; what stands in parentheses (who packed
    /// it) counts only if nothing else does; later lines only if the ones before have none.
    pub fn find(output: &str) -> Option<Self> {
        output.lines().take(20).find_map(|line| {
            let (outside, inside) = by_parentheses(line);
            best(&outside).or_else(|| best(&inside))
        })
    }

    /// How many numbers it has.
    fn is_dotted(&self) -> bool {
        self.numbers.len() > 1
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let padded = |version: &Self| {
            let mut numbers = version.numbers.clone();
            numbers.resize(length, 0);
            numbers
        };
        let numbers = padded(self).cmp(&padded(other));
        numbers.then_with(|| suffix_rank(&self.suffix).cmp(&suffix_rank(&other.suffix)))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Release candidates come before the release, other letters after it.
fn suffix_rank(suffix: &str) -> (i8, String, u64) {
    let digits = suffix.trim_start_matches(|c: char| !c.is_ascii_digit());
    let letters = &suffix[..suffix.len() - digits.len()];
    let side = match letters {
        "" => 0,
        _ if is_before_release(letters) => -1,
        _ => 1,
    };
    (side, letters.to_owned(), digits.parse().unwrap_or(0))
}

fn is_before_release(text: &str) -> bool {
    let text = text.to_lowercase();
    BEFORE_RELEASE.iter().any(|mark| text.starts_with(mark))
}

/// The words outside and inside of parentheses.
fn by_parentheses(line: &str) -> (String, String) {
    let (mut outside, mut inside, mut depth) = (String::new(), String::new(), 0_u32);
    let mut before = ' ';
    for c in line.chars() {
        match c {
            // `5.2.15(1)-release` is one word.
            '(' if depth > 0 || before.is_whitespace() => {
                depth += 1;
                inside.push(' ');
            }
            ')' if depth > 0 => {
                depth -= 1;
                outside.push(' ');
                inside.push(' ');
            }
            _ if depth > 0 => inside.push(c),
            _ => outside.push(c),
        }
        before = c;
    }
    (outside, inside)
}

fn best(text: &str) -> Option<Version> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '"'));
    let versions = words.filter_map(|word| Version::parse(word.trim_end_matches('.')));
    let versions: Vec<Version> = versions.collect();
    let dotted = versions.iter().find(|version| version.is_dotted());
    dotted.or(versions.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn order_is_that_of_their_makers() {
        let rising = [
            "0.9",
            "2.5",
            "2.5.1-rc1",
            "2.5.1",
            "2.5.1a",
            "2.5.1b",
            "2.5.2",
            "2.5.10",
            "2.40",
            "6.1.0-rc3",
            "6.1.0",
            "6.18.44-xyz",
            "9.2p1",
            "9.2p10",
            "668",
            "20250407",
        ];
        for pair in rising.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn what_packagers_add_does_not_count() {
        for (text, same) in [
            ("5.2.15(1)-release", "5.2.15"),
            ("12.2.0-14+deb12u1", "12.2"),
            ("v3.1", "3.1.0"),
            ("6.18.44-arch1-1", "6.18.44"),
            ("2.40.", "2.40"),
        ] {
            assert_eq!(version(text).cmp(&version(same)), Ordering::Equal, "{text}");
        }
    }

    #[test]
    fn no_number_is_no_version() {
        for text in ["", "v", "abc", ".5", "-1", "99999999999999999999999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_text_makes_it_stumble() {
        let pieces = [
            "1",
            ".",
            "-",
            "(",
            ")",
            "v",
            "é",
            " ",
            "rc",
            "\n",
            "99999999999999999999",
        ];
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let text: String = (0..8)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    pieces[(state >> 33) as usize % pieces.len()]
                })
                .collect();
            if let Some(version) = Version::find(&text) {
                assert!(text.contains(&version.to_string()), "{text}");
                assert_eq!(version, version.clone());
            }
        }
    }

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (output, found) in [
            (
                "GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)",
                "5.2.15(1)-release",
            ),
            ("GNU ld (GNU Binutils for Debian) 2.40", "2.40"),
            (
                "GNU ld (Linaro_Binutils-2019.12) 2.28.2.20170706",
                "2.28.2.20170706",
            ),
            (
                "GNU ld version 2.25.1-32.base.el7_9.2",
                "2.25.1-32.base.el7_9.2",
            ),
            (
                "gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0\nCopyright (C) 2021",
                "11.4.0",
            ),
            (
                "GNU Awk 5.1.0, API: 3.0 (GNU MPFR 4.1.0, GNU MP 6.2.1)",
                "5.1.0",
            ),
            ("less 668 (PCRE2 regular expressions)", "668"),
            ("grep (GNU grep) 2.5.1a\n\nCopyright 1988", "2.5.1a"),
            ("\n  Texinfo\ntexi2any (GNU texinfo) 7.0.2", "7.0.2"),
            (
                "BusyBox v1.36.1 (2023-11-07 18:53:09 UTC) multi-call binary.",
                "1.36.1",
            ),
            ("Python 3.13.0rc1+", "3.13.0rc1+"),
            ("tool (version 4.5)", "4.5"),
        ] {
            let version = Version::find(output).map(|version| version.to_string());
            assert_eq!(version.as_deref(), Some(found), "{output}");
        }
        assert_eq!(Version::find("no numbers\nat all"), None);
        assert_eq!(Version::find(""), None);
    }
}
