//! Steps that have another name in a new edition of the book, and are the same otherwise.
use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::plan::{Fingerprint, Plan};
use crate::run::Manifest;

/// Gives what is known of a step that is gone to the one new step with exactly its script.
///
/// Where several would fit, none is taken: a step that is built again does no harm.
pub(super) fn follow(
    plan: &Plan,
    manifests: &mut BTreeMap<String, Manifest>,
) -> Result<(), Failure> {
    let names = names(plan, manifests)?;
    if names.is_empty() {
        return Ok(());
    }
    for (old, new) in &names {
        if let Some(mut manifest) = manifests.remove(old) {
            manifest.step.clone_from(new);
            manifests.insert(new.clone(), manifest);
        }
    }
    // What a step is built from names the steps that it needs, and has a hash of what these were built from.
    let mut digests = BTreeMap::new();
    for step in &plan.steps {
        if let Some(manifest) = manifests.get_mut(&step.id) {
            rename(&mut manifest.fingerprint, &names, &digests);
            if let Some(success) = &mut manifest.last_success {
                let before = hashes(&success.fingerprint);
                rename(&mut success.fingerprint, &names, &digests);
                digests.extend(before.into_iter().zip(hashes(&success.fingerprint)));
            }
        }
    }
    Ok(())
}

/// The new names of steps, by the old ones.
fn names(
    plan: &Plan,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut gone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (step, manifest) in manifests {
        if let Some(script) = manifest
            .fingerprint
            .get("script")
            .filter(|_| plan.step(step).is_none())
        {
            gone.entry(script).or_default().push(step);
        }
    }
    let mut new: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    if gone.is_empty() {
        return Ok(BTreeMap::new());
    }
    for step in plan
        .steps
        .iter()
        .filter(|step| !manifests.contains_key(&step.id))
    {
        new.entry(plan.script_digest(step)?)
            .or_default()
            .push(&step.id);
    }
    let pair =
        |(script, old): (&&str, &Vec<&str>)| match (old.as_slice(), new.get(*script)?.as_slice()) {
            ([old], [new]) => Some(((*old).to_owned(), (*new).to_owned())),
            _ => None,
        };
    Ok(gone.iter().filter_map(pair).collect())
}

/// What steps that come later know of one that was built from these.
fn hashes(parts: &BTreeMap<String, String>) -> [String; 2] {
    let parts = parts.clone();
    let fingerprint = Fingerprint { parts };
    [fingerprint.digest(), fingerprint.chain()]
}

fn rename(
    parts: &mut BTreeMap<String, String>,
    names: &BTreeMap<String, String>,
    digests: &BTreeMap<String, String>,
) {
    let renamed = std::mem::take(parts).into_iter().map(|(part, value)| {
        let Some((kind @ ("need" | "after"), need)) = part.split_once(':') else {
            return (part, value);
        };
        let part = names
            .get(need)
            .map_or_else(|| part.clone(), |new| format!("{kind}:{new}"));
        let value = digests.get(&value).cloned().unwrap_or(value);
        (part, value)
    });
    *parts = renamed.collect();
}
