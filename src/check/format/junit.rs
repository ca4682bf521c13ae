//! JUnit, as CI servers read it.
use std::fmt::Write as _;

use super::super::{Outcome, Report, Status};
use super::{short, told};

/// A report as JUnit XML: a suite for each set. Only what fails is a failure.
pub fn junit(report: &Report) -> String {
    let mut sets: Vec<&str> = Vec::new();
    for outcome in &report.results {
        if !sets.contains(&outcome.set.as_str()) {
            sets.push(&outcome.set);
        }
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failures) = (report.results.len(), report.summary.fail);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<testsuites name=\"buildkeep check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{:.3}\">",
        report.duration_s
    );
    for set in sets {
        let of_set = report.results.iter().filter(|outcome| outcome.set == set);
        suite(set, &of_set.collect::<Vec<_>>(), &mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(set: &str, outcomes: &[&Outcome], text: &mut String) {
    let count = |wanted: &[Status]| {
        let of_it = outcomes.iter().filter(|one| wanted.contains(&one.status));
        of_it.count()
    };
    let failures = count(&[Status::Fail]);
    let skipped = count(&[Status::Skipped, Status::Waived, Status::Unknown]);
    let time: f64 = outcomes.iter().map(|outcome| outcome.duration_s).sum();
    let (set, tests) = (xml(set), outcomes.len());
    let _ = writeln!(
        text,
        "  <testsuite name=\"{set}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">"
    );
    for outcome in outcomes {
        case(outcome, &set, text);
    }
    text.push_str("  </testsuite>\n");
}

fn case(outcome: &Outcome, set: &str, text: &mut String) {
    let (id, time) = (xml(&outcome.id), outcome.duration_s);
    let _ = write!(
        text,
        "    <testcase name=\"{id}\" classname=\"{set}\" time=\"{time:.3}\""
    );
    let (message, told) = (xml(&short(outcome)), xml(&told(outcome)));
    let inside = match outcome.status {
        Status::Ok => {
            text.push_str("/>\n");
            return;
        }
        Status::Fail => format!("<failure message=\"{message}\" type=\"fail\">{told}</failure>"),
        Status::Warn | Status::Note => format!("<system-out>{told}</system-out>"),
        Status::Unknown => format!("<skipped message=\"unknown: {message}\"/>"),
        Status::Skipped => format!("<skipped message=\"{message}\"/>"),
        Status::Waived => {
            let reason = xml(outcome.waived.as_deref().unwrap_or_default());
            format!("<skipped message=\"waived: {reason}; {message}\"/>")
        }
    };
    let _ = writeln!(text, ">{inside}</testcase>");
}

/// Text as XML has it; what XML cannot have is replaced.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
