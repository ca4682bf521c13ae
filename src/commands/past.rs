//! What steps took before: the history of the state branch, and what was imported.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fs::{read_optional, write_cache};
use crate::plan::Plan;
use crate::report::estimate::{Estimates, Known};
use crate::run::Manifest;
use crate::store::{Commit, Keep, ObjectId};

/// Where imported times stand on the state branch.
pub(super) const IMPORTED: &str = "imported.json";

/// One success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Time {
    /// The step.
    pub(super) step: String,
    /// How long it took.
    pub(super) duration_s: f64,
}

/// What was built elsewhere, or before there was a keep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Imported {
    /// The version of this file's format.
    pub(super) format: u32,
    /// What is known, by step.
    pub(super) steps: BTreeMap<String, ImportedStep>,
}

/// What is known of a step that was built elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ImportedStep {
    /// How long it took.
    pub(super) duration_s: f64,
    /// The room it took.
    pub(super) disk_bytes: Option<u64>,
    /// The log that says so.
    pub(super) log: String,
}

/// All that is known of the times of steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// Successes, oldest first.
    pub(super) times: Vec<Time>,
    /// What was imported.
    pub(super) imported: Imported,
}

/// The content of the cache.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cache {
    tip: String,
    times: Vec<Time>,
}

impl Past {
    /// What this host knows; in a fresh clone, what the host knows that worked last.
    pub(super) fn of(keep: &Keep) -> Result<Self, Failure> {
        let tip = match keep.state_tip()? {
            Some(tip) => Some(tip),
            None => keep.other_states()?.into_iter().next().map(|(_, tip)| tip),
        };
        match tip {
            Some(tip) => Ok(Self {
                times: times(keep, tip)?,
                imported: imported_at(keep, tip)?,
            }),
            None => Ok(Self::default()),
        }
    }

    /// What all steps of the plan should take.
    pub(super) fn estimates(&self, plan: &Plan) -> Estimates {
        Estimates::new(&self.known(plan))
    }

    /// What is known of each step of the plan.
    pub(super) fn known(&self, plan: &Plan) -> BTreeMap<String, Known> {
        let mut known: BTreeMap<String, Known> = plan
            .steps
            .iter()
            .map(|step| {
                let imported = self.imported.steps.get(&step.id);
                let times = imported.map(|step| step.duration_s).into_iter().collect();
                (
                    step.id.clone(),
                    Known {
                        times,
                        sbu: step.sbu,
                    },
                )
            })
            .collect();
        for time in &self.times {
            if let Some(known) = known.get_mut(&time.step) {
                known.times.push(time.duration_s);
            }
        }
        known
    }

    /// The room that a step needs: as plan.toml says, or as it took the last time if that was more;
    /// else as it took elsewhere.
    pub(super) fn disk(&self, step: &crate::plan::Step, last: Option<&Manifest>) -> Option<u64> {
        let imported = self.imported.steps.get(&step.id);
        let success = last.and_then(|last| last.last_success.as_ref());
        let measured = success.and_then(|success| Some(success.taken.as_ref()?.disk_bytes));
        let known = step.disk.max(measured.filter(|bytes| *bytes > 0));
        known.or_else(|| imported.and_then(|step| step.disk_bytes))
    }
}

/// The imported times at a state commit.
pub(super) fn imported_at(keep: &Keep, tip: ObjectId) -> Result<Imported, Failure> {
    let found = keep.repo().file_at(tip, IMPORTED)?;
    Ok(found
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default())
}

/// Walks the history as far back as it is not known yet.
fn times(keep: &Keep, tip: ObjectId) -> Result<Vec<Time>, Failure> {
    let path = keep.private("cache/times");
    let cache: Cache = read_optional(&path)?
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let mut newer = Vec::new();
    let mut known = Vec::new();
    for commit in keep.repo().first_parents(tip) {
        // History may be cut off: what is there counts.
        let Ok(commit) = commit else { break };
        if is_it(commit.id, &cache.tip) {
            known = cache.times;
            break;
        }
        newer.extend(time_of(&commit));
    }
    if newer.is_empty() && is_it(tip, &cache.tip) {
        return Ok(known);
    }
    known.extend(newer.into_iter().rev());
    let cache = Cache {
        tip: tip.to_string(),
        times: known,
    };
    if let Ok(text) = serde_json::to_vec(&cache) {
        write_cache(&path, &text);
    }
    Ok(cache.times)
}

fn is_it(id: ObjectId, text: &str) -> bool {
    ObjectId::from_hex(text.as_bytes()).is_ok_and(|known| known == id)
}

fn time_of(commit: &Commit) -> Option<Time> {
    let facts = &commit.message.trailers;
    let duration = facts.get("Duration")?.strip_suffix(" s")?;
    let is_success = facts.get("State") == Some("succeeded");
    Some(Time {
        step: facts.get("Step").filter(|_| is_success)?.to_owned(),
        duration_s: duration.parse().ok()?,
    })
}
