//! TAP 14, as test harnesses read it.
use std::fmt::Write as _;

use super::super::{Outcome, Report, Status};
use super::short;

/// A report as TAP 14. What does not stop a build is `TODO`; what is not known is `SKIP`.
pub fn tap(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.results.len());
    for (index, outcome) in report.results.iter().enumerate() {
        point(index + 1, outcome, &mut text);
    }
    text
}

fn point(number: usize, outcome: &Outcome, text: &mut String) {
    let (ok, directive) = match outcome.status {
        Status::Ok | Status::Note => ("ok", String::new()),
        Status::Fail => ("not ok", String::new()),
        Status::Warn => ("not ok", " # TODO a warning".to_owned()),
        Status::Waived => {
            let reason = plain(outcome.waived.as_deref().unwrap_or_default());
            ("not ok", format!(" # TODO waived: {reason}"))
        }
        Status::Unknown => ("ok", format!(" # SKIP unknown: {}", found(outcome))),
        Status::Skipped => ("ok", format!(" # SKIP {}", found(outcome))),
    };
    let (id, what) = (plain(&outcome.id), plain(&outcome.what));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{ok} {number} - {id}: {what}{directive}");
    if ok == "not ok" {
        diagnosis(outcome, text);
    }
}

/// What was found, in YAML; JSON strings are YAML too.
fn diagnosis(outcome: &Outcome, text: &mut String) {
    let mut line = |name: &str, value: &str| {
        let value = serde_json::Value::from(value);
        let _ = writeln!(text, "  {name}: {value}");
    };
    line("message", &short(outcome));
    line("required", &outcome.required);
    line("why", &outcome.why);
    if let Some(fix) = &outcome.fix {
        line("fix", fix);
    }
    if let Some(undo) = &outcome.undo {
        line("undo", undo);
    }
    let at = text.rfind("  message:").unwrap_or(text.len());
    text.insert_str(at, "  ---\n");
    text.push_str("  ...\n");
}

fn found(outcome: &Outcome) -> String {
    plain(outcome.found.as_deref().unwrap_or("nothing"))
}

/// In one line, without what would begin a directive.
fn plain(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    one_line.replace('\\', "\\\\").replace('#', "\\#")
}
