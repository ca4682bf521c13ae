//! Which steps a change makes stale, told wherever a change is shown.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Context, project, status};
use crate::config::{Effective, Files, Role, Sources};
use crate::failure::Failure;
use crate::plan::{self, Fingerprint, Plan, Step};
use crate::run::Manifest;
use crate::store::{Change, Keep, Repo, Trailers, WorkFile};
use crate::ui::{clean, style};

/// So many names are told; more are counted.
const NAMED: usize = 4;
/// So many are told if there are more.
const NAMED_OF_MANY: usize = 2;
/// So many go into the history.
const RECORDED: usize = 20;

/// What a change does to the steps of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Stale {
    /// Steps that have to be built again because of it.
    pub(super) stale: Vec<StaleStep>,
    /// Steps that are done again: they were built from exactly this.
    pub(super) fresh: Vec<String>,
}

/// A step that has to be built again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StaleStep {
    /// Its id.
    step: String,
    /// What it is built from that changes.
    because: Vec<String>,
}

/// One side of a change: the configuration, and the scripts that differ.
pub(super) struct Side<'a> {
    /// Configuration files.
    pub(super) files: &'a Files,
    /// The ids of other files that change, by path; of those that are gone none.
    pub(super) others: Others,
}

impl<'a> Side<'a> {
    /// A side on which nothing but configuration is different.
    pub(super) fn of(files: &'a Files) -> Self {
        Self {
            files,
            others: BTreeMap::new(),
        }
    }

    /// Adds the content of another file.
    pub(super) fn put(&mut self, path: &str, content: Option<&[u8]>) {
        let id = content.map(|content| Repo::blob_id(content).map(|id| id.to_string()));
        self.others.insert(path.to_owned(), id.and_then(Result::ok));
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stale: Vec<&str> = self.stale.iter().map(|one| one.step.as_str()).collect();
        let fresh: Vec<&str> = self.fresh.iter().map(String::as_str).collect();
        if !stale.is_empty() {
            let names = names(&stale);
            writeln!(
                f,
                "  makes {} stale: {names}",
                style::notable(steps(stale.len()))
            )?;
        }
        match fresh.len() {
            0 => Ok(()),
            1 => writeln!(f, "  1 step is done again: {}", names(&fresh)),
            more => writeln!(f, "  {more} steps are done again: {}", names(&fresh)),
        }
    }
}

fn steps(count: usize) -> String {
    match count {
        1 => "1 step".to_owned(),
        more => format!("{more} steps"),
    }
}

fn names(ids: &[&str]) -> String {
    if ids.len() <= NAMED {
        return clean(&ids.join(", ")).into_owned();
    }
    let (first, rest) = ids.split_at(NAMED_OF_MANY);
    format!("{} and {} more", clean(&first.join(", ")), rest.len())
}

impl Stale {
    /// Writes the names into the facts of a commit.
    pub(super) fn record(&self, trailers: &mut Trailers) {
        for one in self.stale.iter().take(RECORDED) {
            trailers.push("Stale", &one.step);
        }
        if self.stale.len() > RECORDED {
            trailers.push("Stale-Count", self.stale.len());
        }
    }
}

/// What the changes of the work tree, once they are committed, mean for what was built so far.
pub(super) fn by_commit(cx: &Context, keep: &Keep, changes: &[Change]) -> Result<Stale, Failure> {
    let before = match keep.repo().head()? {
        Some(head) => Files::of_commit(keep.repo(), head)?,
        None => Files::default(),
    };
    let is_ours = |change: &&Change| Role::of(&change.path.to_string()).is_some();
    let ours: Vec<Change> = changes.iter().filter(is_ours).cloned().collect();
    let after = before.with(&keep.file_changes(&ours)?);
    let [mut old, mut new] = [Side::of(&before), Side::of(&after)];
    (old.others, new.others) = others(changes);
    Ok(by_change(cx, keep, &old, &new))
}

/// The files that are no configuration, as they were and as they are.
type Others = BTreeMap<String, Option<String>>;

fn others(changes: &[Change]) -> (Others, Others) {
    let id = |file: &Option<WorkFile>| file.as_ref().map(|file| file.blob_id.to_string());
    let paths = changes
        .iter()
        .map(|change| (change.path.to_string(), change));
    let (mut old, mut new) = (Others::new(), Others::new());
    for (path, change) in paths.filter(|(path, _)| Role::of(path).is_none()) {
        old.insert(path.clone(), id(&change.before));
        new.insert(path, id(&change.after));
    }
    (old, new)
}

/// What a change from `before` to `after` means for what was built so far.
///
/// It is a help, not an answer: where the plan cannot be read, nothing is said.
pub(super) fn by_change(cx: &Context, keep: &Keep, before: &Side<'_>, after: &Side<'_>) -> Stale {
    let was_built = keep.state_tip().is_ok_and(|tip| tip.is_some());
    if !was_built && keep.other_states().is_ok_and(|others| others.is_empty()) {
        return Stale::default();
    }
    let Some((affected, known)) = affected(keep, before, after) else {
        return Stale::default();
    };
    if affected.stale.is_empty() {
        return affected;
    }
    let Ok(seen) = status::known(cx, keep) else {
        return Stale::default();
    };
    known.judged(affected, &seen.manifests)
}

/// The steps that read what differs between two versions, whether they were built or not.
pub(super) fn between(keep: &Keep, before: &Side<'_>, after: &Side<'_>) -> Stale {
    affected(keep, before, after)
        .map(|(affected, _)| affected)
        .unwrap_or_default()
}

/// What the steps are built from on both sides.
struct Known {
    plan: Plan,
    before: BTreeMap<String, Fingerprint>,
    after: BTreeMap<String, Fingerprint>,
}

fn affected(keep: &Keep, before: &Side<'_>, after: &Side<'_>) -> Option<(Stale, Known)> {
    let is_same = before.others.is_empty() && before.files.iter().eq(after.files.iter());
    if is_same {
        return None;
    }
    let (_, old) = readings(keep, before)?;
    let (plan, new) = readings(keep, after)?;
    let known = Known {
        plan,
        before: old,
        after: new,
    };
    let mut stale = Stale::default();
    for step in &known.plan.steps {
        let because = known.reasons(keep, step, &before.others, &stale);
        if !because.is_empty() {
            let step = step.id.clone();
            stale.stale.push(StaleStep { step, because });
        }
    }
    Some((stale, known))
}

fn readings(keep: &Keep, side: &Side<'_>) -> Option<(Plan, BTreeMap<String, Fingerprint>)> {
    let effective = Effective::of_files(&Sources::read(side.files).ok()?, &keep.host());
    let text = side.files.text("plan.toml").ok()?;
    let plan = plan::load(keep.root(), "plan.toml", text).ok()?;
    let keys = project::keys(&effective, &project::seen(keep).ok()?).ok()?;
    let mut readings = plan.readings(&keys).ok()?;
    for step in &plan.steps {
        let script = side.others.get(&step.file);
        if let (Some(reading), Some(id)) = (readings.get_mut(&step.id), script) {
            let id = id.clone().unwrap_or_default();
            reading.parts.insert("script".to_owned(), id);
        }
    }
    Some((plan, readings))
}

impl Known {
    fn reasons(
        &self,
        keep: &Keep,
        step: &Step,
        changed: &BTreeMap<String, Option<String>>,
        stale: &Stale,
    ) -> Vec<String> {
        let (Some(old), Some(new)) = (self.before.get(&step.id), self.after.get(&step.id)) else {
            return Vec::new();
        };
        let own = new.changes(old);
        let mut because: Vec<String> = own.iter().map(ToString::to_string).collect();
        for input in &step.inputs {
            let inside = |path: &String| keep.root().join(path).starts_with(&input.path);
            if changed.keys().any(inside) {
                because.push(format!("input {} changed", input.name));
            }
        }
        let needs = step.needs.iter().filter(|_| !step.is_by_order);
        let needed = needs.filter(|need| stale.stale.iter().any(|one| one.step == **need));
        because.extend(needed.map(|need| format!("needs `{need}`, which changed")));
        because
    }

    /// Tells what was stale before from what becomes stale, and what was built from exactly this.
    fn judged(&self, affected: Stale, manifests: &BTreeMap<String, Manifest>) -> Stale {
        let (before, after) = (
            self.done(&self.before, manifests),
            self.done(&self.after, manifests),
        );
        let mut judged = Stale::default();
        for one in affected.stale {
            // What an input held when the step was built is not known here: changed is changed.
            let input = one.because.iter().any(|why| why.starts_with("input "));
            let is_after = after.contains(&one.step) && !input;
            match (before.contains(&one.step), is_after) {
                (false, true) => judged.fresh.push(one.step),
                (true, false) => judged.stale.push(one),
                _ => {}
            }
        }
        judged
    }

    /// The steps whose last success was built from this side, and so were all that they need.
    fn done(
        &self,
        side: &BTreeMap<String, Fingerprint>,
        manifests: &BTreeMap<String, Manifest>,
    ) -> BTreeSet<String> {
        let mut done = BTreeSet::new();
        for step in &self.plan.steps {
            let manifest = manifests.get(&step.id);
            let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
            let is_built = success
                .zip(side.get(&step.id))
                .is_some_and(|(success, reading)| is_built_from(&success.fingerprint, reading));
            let is_whole = step.is_by_order || step.needs.iter().all(|need| done.contains(need));
            if is_built && is_whole {
                done.insert(step.id.clone());
            }
        }
        done
    }
}

/// Whether a step was built from this, as far as configuration and script go.
fn is_built_from(parts: &BTreeMap<String, String>, reading: &Fingerprint) -> bool {
    let is_compared =
        |name: &&String| name.starts_with("key:") || name.starts_with("env:") || *name == "script";
    let built = parts.iter().filter(|(name, _)| is_compared(name));
    built.eq(reading.parts.iter())
}
