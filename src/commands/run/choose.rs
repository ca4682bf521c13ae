//! Which steps are to be run, and why.
use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::plan::{Change, Fingerprint, Keys, Plan, Step};
use crate::run::{AttemptState, Manifest, Verdict};

/// What was asked for, as positions in the plan.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// These, and what they need; all if none is named.
    pub(super) named: Vec<usize>,
    /// None before this.
    pub(super) from: usize,
    /// None after this.
    pub(super) until: usize,
    /// Also what is done.
    pub(super) force: bool,
    /// Not only until the first failure.
    pub(super) keep_going: bool,
    /// Exactly the named ones, not what they need.
    pub(super) only: bool,
    /// How many at once, whatever the plan says.
    pub(super) jobs: Option<u32>,
    /// In an order of chance, as far as needs allow.
    pub(super) shuffle: Option<u64>,
}

/// A step that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Its position in the plan.
    pub(super) at: usize,
    /// Whether it is run, and why.
    pub(super) reason: Reason,
}

/// Why a step is run.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands) enum Reason {
    /// It is not: it is done.
    Done,
    /// It never was.
    New,
    /// What it is built from changed.
    Changed(Vec<Change>),
    /// It ended otherwise than with success.
    Again(AttemptState),
    /// Somebody says that it is not done.
    Unmarked(String),
    /// Somebody wants it.
    Forced,
}

impl Choice {
    pub(super) fn is_done(&self) -> bool {
        self.reason == Reason::Done
    }

    /// Whether it is run, and does not run already.
    pub(super) fn is_to_begin(&self) -> bool {
        !self.is_done() && !matches!(self.reason, Reason::Again(state) if state.is_live())
    }
}

impl Wanted {
    /// The steps asked for, in build order.
    pub(super) fn scope(&self, plan: &Plan) -> Vec<usize> {
        let needed = (!self.named.is_empty()).then(|| {
            if self.only {
                self.named.iter().copied().collect()
            } else {
                closure(plan, &self.named)
            }
        });
        (0..plan.steps.len())
            .filter(|at| (self.from..=self.until).contains(at))
            .filter(|at| needed.as_ref().is_none_or(|needed| needed.contains(at)))
            .collect()
    }

    /// Whether a step is run even if it is done: with names, only what is named.
    pub(super) fn forces(&self, at: usize) -> bool {
        self.force && (self.named.is_empty() || self.named.contains(&at))
    }
}

fn closure(plan: &Plan, named: &[usize]) -> BTreeSet<usize> {
    let positions: BTreeMap<&str, usize> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| (step.id.as_str(), at))
        .collect();
    let mut needed = BTreeSet::new();
    let mut open = named.to_vec();
    while let Some(at) = open.pop() {
        if needed.insert(at) {
            let needs = plan.steps[at].needs.iter();
            open.extend(needs.filter_map(|need| positions.get(need.as_str())));
        }
    }
    needed
}

/// Decides about all steps asked for, as things are now.
pub(super) fn choose(
    plan: &Plan,
    keys: &Keys,
    manifests: &BTreeMap<String, Manifest>,
    wanted: &Wanted,
) -> Result<Vec<Choice>, Failure> {
    let fingerprints = plan.fingerprints(keys)?;
    let decide = |at: usize| {
        let step = &plan.steps[at];
        let reason = if wanted.forces(at) {
            Reason::Forced
        } else {
            reason(step, manifests.get(&step.id), &fingerprints[&step.id])
        };
        Choice { at, reason }
    };
    Ok(wanted.scope(plan).into_iter().map(decide).collect())
}

/// Why a step is to be run, by its manifest and what it would be built from.
pub(in crate::commands) fn reason(
    step: &Step,
    manifest: Option<&Manifest>,
    now: &Fingerprint,
) -> Reason {
    debug_assert!(manifest.is_none_or(|manifest| manifest.step == step.id));
    let known = manifest.map(|manifest| now.comparable(&manifest.fingerprint));
    match Manifest::verdict(manifest.zip(known.as_ref()), &now.that_count()) {
        Verdict::Done => Reason::Done,
        Verdict::New => Reason::New,
        Verdict::Again(state) => Reason::Again(state),
        Verdict::Unmarked(why) => Reason::Unmarked(why),
        Verdict::Stale(parts) => Reason::Changed(now.changes(&Fingerprint { parts })),
    }
}
