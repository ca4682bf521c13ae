//! A line of the file `substeps`: a name, and what `buildkeep step` adds to it behind tabs.
use crate::run::Redactor;

/// Longer names are cut.
const NAME: usize = 80;
/// So much of a line is looked at.
const LINE: usize = 1024;

/// What one line tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    /// How many parts there will be.
    pub(super) of: Option<u32>,
    /// When it was written, in milliseconds since boot.
    pub(super) at_ms: Option<u64>,
    /// Whether it ends a part, and begins none.
    pub(super) is_end: bool,
}

/// The whole lines of `bytes` that tell something, each with where it ends.
pub(super) fn lines(bytes: &[u8], redactor: &Redactor) -> Vec<(u64, Line)> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len() as u64;
        let whole = line.strip_suffix(b"\n");
        found.extend(whole.and_then(|line| Some((at, parse(line, redactor)?))));
    }
    found
}

fn parse(line: &[u8], redactor: &Redactor) -> Option<Line> {
    let line = &line[..line.len().min(LINE)];
    let line = redactor.redacted(line);
    let text = String::from_utf8_lossy(&line);
    let mut fields = text.split('\t');
    let mut line = Line {
        name: fit(fields.next().unwrap_or_default()),
        ..Line::default()
    };
    for field in fields {
        match field.split_once('=') {
            Some(("of", count)) => line.of = count.parse().ok(),
            Some(("at", ms)) => line.at_ms = ms.parse().ok(),
            None if field == "done" => line.is_end = true,
            _ => {}
        }
    }
    (line.is_end || !line.name.is_empty()).then_some(line)
}

/// The line as it is written.
pub(super) fn print(line: &Line) -> String {
    let mut text = fit(&line.name);
    if let Some(of) = line.of {
        text.push_str(&format!("\tof={of}"));
    }
    if let Some(ms) = line.at_ms {
        text.push_str(&format!("\tat={ms}"));
    }
    if line.is_end {
        text.push_str("\tdone");
    }
    text.push('\n');
    text
}

/// A name that fits into a line and does nothing to it.
fn fit(name: &str) -> String {
    let harmless = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let name = name.trim().chars().map(harmless);
    name.take(NAME).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_printed_is_read(name in ".{0,90}", of in proptest::option::of(0_u32..), at in proptest::option::of(0_u64..)) {
            let line = Line { name: fit(&name), of, at_ms: at, is_end: name.is_empty() };
            let read = lines(print(&line).as_bytes(), &Redactor::default());
            if line.name.is_empty() && !line.is_end {
                assert_eq!(read, []);
            } else {
                assert_eq!(read, [(print(&line).len() as u64, line)]);
            }
        }
    }

    #[test]
    fn a_secret_is_no_name() {
        let redactor = Redactor::new([("token", "hunter22")], 7);
        let read = lines(b"fetch with hunter22\n", &redactor);
        assert_eq!(read[0].1.name, "fetch with [secret token]");
    }
}
