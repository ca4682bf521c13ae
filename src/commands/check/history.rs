//! Failures in the history of this machine's state.
use serde_json::{Value as Json, json};

use crate::check::{Facts, Outcome, Report, Status};
use crate::commands::{Context, facts};
use crate::failure::Failure;
use crate::store::{Batch, Keep, Message};

/// Where the state branch has the newest report.
const FILE: &str = "check.json";

/// Commits what failed, or that it does not any more, and what this machine is; nothing that is known
/// already.
pub(super) fn record(cx: &mut Context, keep: &Keep, report: &Report, facts: Option<&Facts>) {
    if keep.host().is_empty() {
        return;
    }
    if let Err(failure) = commit(cx, keep, report, facts) {
        cx.ui.warn(format!(
            "this report is not in the history: {}",
            failure.message()
        ));
    }
}

fn commit(
    cx: &mut Context,
    keep: &Keep,
    report: &Report,
    facts: Option<&Facts>,
) -> Result<(), Failure> {
    let (mut files, mut subjects) = (Vec::new(), Vec::new());
    let before = keep.state_file(FILE)?;
    let text = format!("{:#}\n", told(report)).into_bytes();
    if (!report.is_good() || before.is_some()) && before.as_ref() != Some(&text) {
        files.push((FILE.to_owned(), Some(text)));
        subjects.push(subject(report));
    }
    if let Some((file, subject)) = facts
        .map(|facts| facts::news(keep, facts))
        .transpose()?
        .flatten()
    {
        files.push(file);
        subjects.push(subject);
    }
    let Some(subject) = subjects.into_iter().next() else {
        return Ok(());
    };
    let batch = Batch {
        files,
        message: Message::new(subject, cx.trailers("check", keep)),
        ..Batch::default()
    };
    let guard = cx.lock(keep)?;
    keep.publish(&guard, &batch, &cx.signature(keep))?;
    Ok(())
}

/// What failed or warned: what changes with every look is left out.
fn told(report: &Report) -> Json {
    let wrong = [Status::Fail, Status::Waived];
    let failed = report
        .results
        .iter()
        .filter(|one| wrong.contains(&one.status));
    let one = |outcome: &Outcome| {
        json!({
            "id": outcome.id, "set": outcome.set, "status": outcome.status, "what": outcome.what,
            "found": outcome.found, "required": outcome.required, "why": outcome.why,
            "fix": outcome.fix, "waived": outcome.waived,
        })
    };
    json!({"sets": report.sets, "results": failed.map(one).collect::<Vec<_>>()})
}

fn subject(report: &Report) -> String {
    let failed = report
        .results
        .iter()
        .filter(|one| one.status == Status::Fail);
    let ids: Vec<&str> = failed.map(|one| one.id.as_str()).collect();
    let sets = report.sets.join(", ");
    match ids.as_slice() {
        [] => format!("check: nothing of {sets} fails any more"),
        few if few.len() <= 5 => format!("check: {} of {sets}", few.join(", ")),
        many => format!(
            "check: {} and {} more of {sets}",
            many[..4].join(", "),
            many.len() - 4
        ),
    }
}
