//! Running checks, several at once, until a deadline.
//!
//! Whoever looks may get stuck (a disk that does not answer, a program in the kernel): each looks
//! in a thread that is left behind then, and the report says `unknown`. Programs are killed with
//! all that they started.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::cache::Cache;
use super::definition::{Check, Fix, Severity, Waiver};
use super::fix::typed;
use super::host::Machine;
use super::probe::{Finding, look};
use super::program::end_all;
use super::select::Selection;
use super::{Family, Outcome, Report, Status};

/// So many at once: most of them wait for a program.
const WORKERS: usize = 12;
/// Who gets stuck beyond its own limit by this is left behind.
const GRACE: Duration = Duration::from_secs(2);
/// Before the deadline is over there is this left to end what runs.
const MARGIN: Duration = Duration::from_millis(100);

/// What the workers share.
struct Shared {
    checks: Vec<Check>,
    machine: Machine,
    cache: Cache,
    next: AtomicUsize,
    /// When all must be over, since boot.
    until: Option<Duration>,
}

/// What a worker says.
enum Said {
    Begun(usize),
    Done(usize, Box<Seen>),
}

/// What was seen, and what it took.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) finding: Finding,
    pub(super) took: Duration,
    pub(super) is_known: bool,
}

/// Looks at all that `selection` asks for, for as long as `deadline`; `sets` is what the report
/// calls it.
pub fn run(
    sets: Vec<String>,
    selection: &Selection,
    machine: &Machine,
    deadline: Option<Duration>,
) -> Report {
    let clock = &machine.clock;
    let begun = clock.since_boot();
    let shared = Arc::new(Shared {
        checks: selection.checks.clone(),
        cache: Cache::open(machine),
        machine: machine.clone(),
        next: AtomicUsize::new(0),
        until: deadline.map(|deadline| begun + deadline),
    });
    let seen = gather(&shared);
    end_all();
    shared.cache.save();
    let mut outcomes = Vec::new();
    for (index, check) in shared.checks.iter().enumerate() {
        let seen = seen.get(&index).cloned();
        let seen = seen.unwrap_or_else(|| not_seen(deadline));
        outcomes.push(outcome(check, seen, &selection.waivers, machine));
    }
    skip_dependents(&shared.checks, &mut outcomes);
    let install = install(&shared.checks, &outcomes, machine.os.family());
    let took = clock.since_boot().saturating_sub(begun);
    Report::new(sets, outcomes, install, took)
}

/// A report that nothing could be found out, and why.
pub fn unknown(sets: Vec<String>, selection: &Selection, machine: &Machine, why: &str) -> Report {
    let seen = || Seen {
        finding: Finding::unknown(why),
        took: Duration::ZERO,
        is_known: false,
    };
    let checks = selection.checks.iter();
    let outcomes = checks.map(|check| outcome(check, seen(), &selection.waivers, machine));
    Report::new(sets, outcomes.collect(), None, Duration::ZERO)
}

fn not_seen(deadline: Option<Duration>) -> Seen {
    let why = match deadline {
        Some(limit) => format!("deadline: it was not its turn within {limit:?}"),
        None => "the check itself broke off".into(),
    };
    Seen {
        finding: Finding::unknown(why),
        took: Duration::ZERO,
        is_known: false,
    }
}

/// Has workers look, and listens to them until all is seen, or the deadline.
fn gather(shared: &Arc<Shared>) -> BTreeMap<usize, Seen> {
    let (tell, hear) = channel();
    for _ in 0..WORKERS.min(shared.checks.len()) {
        spawn(shared, &tell);
    }
    let (mut seen, mut running) = (BTreeMap::new(), BTreeMap::new());
    while seen.len() < shared.checks.len() {
        let now = shared.machine.clock.since_boot();
        if shared.until.is_some_and(|until| now >= until) {
            break;
        }
        match next(&hear, shared, &running) {
            Ok(Said::Begun(index)) => {
                let limit = shared.limit(index, now) + GRACE;
                running.insert(index, now + limit);
            }
            Ok(Said::Done(index, one)) => {
                running.remove(&index);
                seen.entry(index).or_insert(*one);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                for index in stuck(&mut running, shared.machine.clock.since_boot()) {
                    let limit = shared.checks[index].limit;
                    let finding = Finding::unknown(format!("stuck: no answer within {limit:?}"));
                    let took = limit + GRACE;
                    seen.insert(
                        index,
                        Seen {
                            finding,
                            took,
                            is_known: false,
                        },
                    );
                    spawn(shared, &tell);
                }
            }
        }
    }
    for index in running.into_keys() {
        seen.entry(index).or_insert_with(Shared::cut_off);
    }
    seen
}

/// Waits for a worker, but not beyond the deadline of anything.
fn next(
    hear: &Receiver<Said>,
    shared: &Shared,
    running: &BTreeMap<usize, Duration>,
) -> Result<Said, RecvTimeoutError> {
    let earliest = running.values().copied().chain(shared.until).min();
    let now = shared.machine.clock.since_boot();
    let patience = earliest.map_or(GRACE, |earliest| earliest.saturating_sub(now));
    hear.recv_timeout(patience.max(Duration::from_millis(1)))
}

/// Takes out who should have been done by now.
fn stuck(running: &mut BTreeMap<usize, Duration>, now: Duration) -> Vec<usize> {
    let late: Vec<usize> = running
        .iter()
        .filter(|(_, until)| **until <= now)
        .map(|(index, _)| *index)
        .collect();
    running.retain(|index, _| !late.contains(index));
    late
}

fn spawn(shared: &Arc<Shared>, tell: &Sender<Said>) {
    let (shared, tell) = (Arc::clone(shared), tell.clone());
    // Without a thread, the others look at more.
    let _ = thread::Builder::new().spawn(move || {
        while let Some(index) = Some(shared.next.fetch_add(1, Ordering::Relaxed))
            && index < shared.checks.len()
        {
            let now = shared.machine.clock.since_boot();
            if shared.until.is_some_and(|until| now >= until)
                || tell.send(Said::Begun(index)).is_err()
            {
                return;
            }
            let seen = shared.look(index, now);
            if tell.send(Said::Done(index, Box::new(seen))).is_err() {
                return;
            }
        }
    });
}

impl Shared {
    /// How long this check may take from `now` on.
    fn limit(&self, index: usize, now: Duration) -> Duration {
        let own = self.checks[index].limit;
        match self.until {
            Some(until) => own.min(until.saturating_sub(now).saturating_sub(MARGIN)),
            None => own,
        }
    }

    fn look(&self, index: usize, now: Duration) -> Seen {
        let check = &self.checks[index];
        if let Some(why) = self.machine.is_elsewhere(&check.when) {
            return self.seen(Finding::new(Status::Skipped, why), now);
        }
        let host = self.machine.host();
        let known = self.cache.find(check, &host);
        if let Some(finding) = known.finding() {
            return Seen {
                is_known: true,
                ..self.seen(finding, now)
            };
        }
        let limit = self.limit(index, now);
        let hurried = Check {
            limit,
            ..check.clone()
        };
        let finding = look(&hurried, &host);
        self.cache.learn(known, check, &finding);
        let is_cut = finding.status == Status::Unknown && limit < check.limit;
        let late = self.machine.clock.since_boot().saturating_sub(now) >= limit;
        if is_cut && late {
            return Self::cut_off();
        }
        self.seen(finding, now)
    }

    fn seen(&self, finding: Finding, begun: Duration) -> Seen {
        Seen {
            finding,
            took: self.machine.clock.since_boot().saturating_sub(begun),
            is_known: false,
        }
    }

    fn cut_off() -> Seen {
        Seen {
            finding: Finding::unknown("deadline: it was not done yet"),
            took: Duration::ZERO,
            is_known: false,
        }
    }
}

/// What builds on a check that does not hold is not told beside it.
fn skip_dependents(checks: &[Check], outcomes: &mut [Outcome]) {
    let lost = [Status::Fail, Status::Warn, Status::Waived, Status::Unknown];
    // What is only newer than anybody has tried is there, and what builds on it may not work.
    let only_new = |check: &Check, outcome: &Outcome| {
        outcome.status == Status::Warn && check.severity == Severity::Error
    };
    let lost: Vec<String> = checks
        .iter()
        .zip(outcomes.iter())
        .filter(|(check, outcome)| lost.contains(&outcome.status) && !only_new(check, outcome))
        .map(|(_, outcome)| outcome.id.clone())
        .collect();
    for (check, outcome) in checks.iter().zip(outcomes) {
        let needs = check.needs.iter().map(|need| &need.name);
        // Of checks that build on one another none would be told.
        let missing = needs
            .filter(|need| lost.contains(need))
            .find(|need| !builds_on(checks, need, &check.id));
        if let Some(missing) = missing.filter(|_| outcome.status != Status::Ok) {
            outcome.status = Status::Skipped;
            outcome.found = Some(format!("`{missing}` does not hold, on which it builds"));
            (outcome.fix, outcome.undo, outcome.mend) = (None, None, None);
        }
    }
}

/// Whether the check called `id` builds on another, directly or not.
fn builds_on(checks: &[Check], id: &str, other: &str) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![id]);
    while let Some(id) = left.pop() {
        if id == other {
            return true;
        }
        if seen.insert(id) {
            let check = checks.iter().find(|check| check.id == id);
            let needs = check.into_iter().flat_map(|check| &check.needs);
            left.extend(needs.map(|need| need.name.as_str()));
        }
    }
    false
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

fn outcome(check: &Check, seen: Seen, waivers: &[Waiver], machine: &Machine) -> Outcome {
    let mut finding = seen.finding;
    let is_wrong = matches!(finding.status, Status::Fail | Status::Warn);
    let today = machine.clock.now().format("%Y-%m-%d").to_string();
    let mut of_it = waivers
        .iter()
        .filter(|waiver| is_wrong && waiver.check.name == check.id);
    let holds = |waiver: &&Waiver| waiver.until.as_ref().is_none_or(|until| *until >= today);
    let waiver = of_it.clone().find(holds);
    let expired = of_it.find(|waiver| !holds(waiver));
    if waiver.is_some() {
        finding.status = Status::Waived;
    }
    let has_fix = is_wrong || finding.status == Status::Note;
    let outside = machine.outside.as_ref().and_then(|root| root.to_str());
    if let Some(outside) = outside.filter(|_| check.probe.is_of_root()) {
        finding.seen_from(outside);
    }
    let root = machine.root.as_ref().and_then(|root| root.to_str());
    let root = outside.or(root);
    let fix = check
        .fixes
        .here(machine.os.family(), &finding.subject, root);
    let fix = fix.filter(|_| has_fix);
    let is_inside = outside.is_some() && !check.probe.is_of_root();
    let told = |text: String| match outside.filter(|_| is_inside) {
        Some(root) => format!("in {root}: {text}"),
        None => text,
    };
    Outcome {
        id: check.id.clone(),
        set: check.set.clone(),
        status: finding.status,
        severity: check.severity,
        tier: check.tier,
        what: machine.with_places(&check.what),
        found: finding.found,
        required: machine.with_places(&check.probe.to_string()),
        why: check.why.clone(),
        fix: fix.as_ref().map(Fix::run_text).map(told),
        undo: fix.as_ref().and_then(Fix::undo_text).map(told),
        waived: waiver.map(|waiver| waiver.reason.clone()),
        waived_until: waiver.or(expired).and_then(|waiver| waiver.until.clone()),
        duration_s: seen.took.as_secs_f64(),
        cached: seen.is_known,
        // What is in a root is not mended by commands that are typed outside of it.
        mend: fix.filter(|_| !is_inside),
    }
}
