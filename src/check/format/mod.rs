//! A report as other programs read it.
mod junit;
mod sarif;
mod tap;

pub use junit::junit;
pub use sarif::sarif;
pub use tap::tap;

use super::{Outcome, Status};

/// What was found and what mends it, in a few lines.
fn told(outcome: &Outcome) -> String {
    let mut lines = vec![format!(
        "found: {}",
        outcome.found.as_deref().unwrap_or("nothing")
    )];
    lines.push(format!("required: {}", outcome.required));
    lines.push(format!("why: {}", outcome.why));
    lines.extend(outcome.fix.as_ref().map(|fix| format!("fix: {fix}")));
    lines.extend(outcome.undo.as_ref().map(|undo| format!("undo: {undo}")));
    lines.join("\n")
}

/// In one line: what is required, and what is there instead.
fn short(outcome: &Outcome) -> String {
    let found = outcome.found.as_deref().unwrap_or("nothing");
    match outcome.status {
        Status::Ok => outcome.what.clone(),
        _ => format!("{}; found: {found}", outcome.what),
    }
}
