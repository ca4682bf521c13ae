//! What people should know of what runs.
use std::collections::BTreeMap;

use crate::fs::is_full;
use crate::report::notice::{Notice, needed, of_samples, of_status};
use crate::report::status::Status;
use crate::run::{Attempt, AttemptState, Manifest, samples, waits_for_input};
use crate::store::Keep;

/// So many of the newest samples tell whether a step moves, and of what it had too little for a minute.
const NEWEST: u64 = 120;

/// All of it, as things are now.
pub(super) fn look(
    keep: &Keep,
    (attempts, known): (&[Attempt], &BTreeMap<String, Manifest>),
    status: &Status,
) -> Vec<Notice> {
    let mut notices = of_status(status);
    if is_full(&keep.private("")) {
        let message = "the disk of the keep is full: what runs goes on, and nothing new is started";
        notices.push(Notice::new("keep", None, message.to_owned()));
    }
    let running = attempts
        .iter()
        .filter(|attempt| attempt.state == AttemptState::Running);
    notices.extend(running.filter_map(|attempt| of_attempt(attempt, known)));
    notices
}

fn of_attempt(attempt: &Attempt, known: &BTreeMap<String, Manifest>) -> Option<Notice> {
    let name = attempt.spec.name();
    let step = &attempt.spec.step;
    if let Some(program) = waits_for_input(attempt) {
        let message = format!("{name} waits for somebody to type: `{program}` reads its terminal");
        return Some(Notice::new("input", Some(step), message));
    }
    // Of one that was never built before, nothing is known.
    let manifest = known.get(step);
    let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
    let taken = success.and_then(|success| success.taken.as_ref());
    let quiet_s = taken.map(|taken| taken.quiet_s);
    let file = attempt.dir.samples();
    let newest = samples(&file, NEWEST).ok()?;
    let samples = match needed(&newest, quiet_s) {
        Some(needed) => samples(&file, needed).ok()?,
        None => newest,
    };
    of_samples(&name, &samples, quiet_s).map(|notice| Notice {
        step: Some(step.clone()),
        ..notice
    })
}
