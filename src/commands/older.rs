//! Steps that are done, and were built before something changed that only comes before them.
use std::collections::BTreeMap;

use super::run::{Reason, reason};
use crate::plan::{Fingerprint, Plan};
use crate::report::status::Older;
use crate::run::Manifest;

/// Finds them; nothing if there are none.
pub(super) fn find(
    plan: &Plan,
    known: &BTreeMap<String, Manifest>,
    now: &BTreeMap<String, Fingerprint>,
) -> Option<Older> {
    let mut older: Option<Older> = None;
    for step in plan.steps.iter().filter(|step| step.is_by_order) {
        let (Some(manifest), Some(now)) = (known.get(&step.id), now.get(&step.id)) else {
            continue;
        };
        let Some(than) = now.outdated_by(&manifest.fingerprint) else {
            continue;
        };
        if reason(step, Some(manifest), now) == Reason::Done {
            let older = older.get_or_insert_with(|| Older {
                than: than.to_owned(),
                steps: Vec::new(),
            });
            older.steps.push(step.id.clone());
        }
    }
    older
}
