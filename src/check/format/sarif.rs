//! SARIF 2.1.0, as viewers of findings read it.
use serde_json::{Value as Json, json};

use super::super::definition::Severity;
use super::super::{Outcome, Report, Status};
use super::told;

/// A report as SARIF 2.1.0: a rule for each check, and a result of each.
pub fn sarif(report: &Report) -> String {
    let rules: Vec<Json> = report.results.iter().map(rule).collect();
    let results = report.results.iter().enumerate();
    let results: Vec<Json> = results.map(|(index, one)| result(index, one)).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "buildkeep",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("check/{}", report.sets.join("+"))},
            "invocations": [{"executionSuccessful": true}],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(outcome: &Outcome) -> Json {
    let level = match outcome.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    json!({
        "id": outcome.id,
        "name": outcome.id,
        "shortDescription": {"text": outcome.what},
        "fullDescription": {"text": outcome.why},
        "help": {"text": outcome.fix.as_deref().unwrap_or(&outcome.why)},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [outcome.set]},
    })
}

fn result(index: usize, outcome: &Outcome) -> Json {
    let (kind, level) = match outcome.status {
        Status::Ok => ("pass", "none"),
        Status::Fail | Status::Waived => ("fail", "error"),
        Status::Warn => ("fail", "warning"),
        Status::Note => ("informational", "none"),
        Status::Unknown => ("open", "none"),
        Status::Skipped => ("notApplicable", "none"),
    };
    let mut result = json!({
        "ruleId": outcome.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{}\n{}", outcome.what, told(outcome))},
        "locations": [{"logicalLocations": [{
            "name": outcome.id,
            "fullyQualifiedName": format!("{}/{}", outcome.set, outcome.id),
        }]}],
        "partialFingerprints": {"check/v1": format!("{}/{}", outcome.set, outcome.id)},
    });
    if let Some(reason) = &outcome.waived {
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    result
}
