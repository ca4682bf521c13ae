//! Running checks, several at once.
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::catalogue::Selection;
use super::definition::{Check, Fix, Waiver};
use super::fix::typed;
use super::probe::{Finding, look};
use super::{Family, Host, Outcome, Report, Status};

/// So many at once: most of them wait for a program.
const WORKERS: usize = 12;

/// Looks at all that `selection` asks for; `sets` is what the report calls it.
pub fn run(sets: Vec<String>, selection: &Selection, host: &Host<'_>) -> Report {
    let checks = &selection.checks;
    let next = AtomicUsize::new(0);
    let found: Vec<Mutex<Option<Finding>>> = checks.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(checks.len()) {
            scope.spawn(|| {
                while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed))
                    && let (Some(check), Some(place)) = (checks.get(at), found.get(at))
                {
                    let finding = look(check, host);
                    if let Ok(mut place) = place.lock() {
                        *place = Some(finding);
                    }
                }
            });
        }
    });
    let found = found
        .into_iter()
        .map(|place| place.into_inner().ok().flatten());
    let outcomes: Vec<Outcome> = checks
        .iter()
        .zip(found)
        .map(|(check, finding)| outcome(check, finding, &selection.waivers, host))
        .collect();
    let install = install(checks, &outcomes, host.family);
    Report::new(sets, outcomes, install)
}

/// What installs all that is missing, if that is more than one package.
fn install(checks: &[Check], outcomes: &[Outcome], family: Option<Family>) -> Option<String> {
    let failed = checks.iter().zip(outcomes);
    let failed = failed.filter(|(_, outcome)| outcome.status == Status::Fail);
    let packages: BTreeSet<&String> = failed
        .filter_map(|(check, _)| check.fixes.package(family))
        .flatten()
        .collect();
    let packages: Vec<String> = packages.into_iter().cloned().collect();
    if packages.len() < 2 {
        return None;
    }
    Some(typed(&[family?.install(&packages)]))
}

fn outcome(
    check: &Check,
    finding: Option<Finding>,
    waivers: &[Waiver],
    host: &Host<'_>,
) -> Outcome {
    let mut finding = finding.unwrap_or_else(|| Finding {
        status: Status::Unknown,
        found: Some("the check itself broke off".into()),
        subject: String::new(),
    });
    let wrong = matches!(finding.status, Status::Fail | Status::Warn);
    let today = host.clock.now().format("%Y-%m-%d").to_string();
    let waiver = waivers.iter().find(|waiver| {
        let holds = waiver.until.as_ref().is_none_or(|until| *until >= today);
        wrong && waiver.check.name == check.id && holds
    });
    if waiver.is_some() {
        finding.status = Status::Waived;
    }
    let fix = wrong
        .then(|| {
            let root = host.root.as_ref().and_then(|root| root.to_str());
            check.fixes.here(host.family, &finding.subject, root)
        })
        .flatten();
    Outcome {
        id: check.id.clone(),
        set: check.set.clone(),
        status: finding.status,
        what: check.what.clone(),
        found: finding.found,
        required: check.probe.to_string(),
        why: check.why.clone(),
        fix: fix.as_ref().map(Fix::run_text),
        undo: fix.as_ref().and_then(Fix::undo_text),
        waived: waiver.map(|waiver| waiver.reason.clone()),
    }
}
