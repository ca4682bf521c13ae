//! Steps before they are linked: scripts of the folder, and what plan.toml says of them.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::discover::Found;
use super::error::SameId;
use super::name::{id_problem, step_id};
use super::script::{Fault, Unfit, examine};
use super::settings::{DEFAULT_SCRIPTS, RawStep, Reader, without_dots};
use super::{natural, shown};
use crate::document::{KeyPath, Place, code, nearest};

/// A step whose needs are still names.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) file: String,
    pub(super) path: PathBuf,
    pub(super) interpreter: Option<PathBuf>,
    /// Which `[[step]]` speaks of it.
    pub(super) index: Option<usize>,
}

/// The steps in the order of the folder, then of plan.toml.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) drafts: Vec<Draft>,
    pub(super) unfit: Vec<Unfit>,
}

impl Draft {
    fn new(id: String, keep: &Path, path: PathBuf) -> Self {
        Self {
            id,
            file: shown(keep, &path),
            path,
            interpreter: None,
            index: None,
        }
    }
}

/// The id of a step that plan.toml gives a script only.
fn id_of(script: &str) -> String {
    let below = script
        .strip_prefix(DEFAULT_SCRIPTS)
        .and_then(|rest| rest.strip_prefix('/'));
    let outside = script.starts_with(['/', '.']);
    let last = script.rsplit('/').next().unwrap_or(script);
    step_id(below.unwrap_or(if outside { last } else { script }))
}

impl Drafts {
    /// A step for each script of the folder.
    pub(super) fn of_folder(keep: &Path, found: Vec<Found>) -> Self {
        let draft = |found: Found| Draft::new(step_id(&found.relative), keep, found.path);
        Self {
            drafts: found.into_iter().map(draft).collect(),
            unfit: Vec::new(),
        }
    }

    /// Adds what plan.toml says: of a script of the folder, or of one that lies elsewhere.
    pub(super) fn refine(
        &mut self,
        raw: &[RawStep],
        folder: Option<&Path>,
        reader: &mut Reader<'_>,
    ) {
        for (index, step) in raw.iter().enumerate() {
            let at = KeyPath::root().key("step").item(index);
            let Some(known) = self.known(step, folder, (reader, &at)) else {
                continue;
            };
            let draft = &mut self.drafts[known];
            if draft.index.is_some() {
                let message = format!("the step `{}` is described twice", draft.id);
                let problem = reader
                    .document
                    .problem(&at.key("id"), code::SAME_STEP, message);
                let help = "put both descriptions together, or give one another `id`";
                reader.problems.push(problem.help(help));
                continue;
            }
            draft.index = Some(index);
            if let Some(id) = &step.id {
                draft.id.clone_from(id);
            }
            if let Some(problem) = id_problem(&draft.id) {
                let message = format!("`{}` cannot be the name of a step", draft.id);
                reader.wrong(code::BAD_STEP_NAME, &at.key("id"), message, problem);
            }
        }
    }

    /// The position of the step that `step` speaks of; a new one if its script is a new one.
    fn known(
        &mut self,
        step: &RawStep,
        folder: Option<&Path>,
        (reader, at): (&mut Reader<'_>, &KeyPath),
    ) -> Option<usize> {
        let Some(script) = &step.script else {
            return self.by_id(step, (reader, at));
        };
        let keep = reader.places.keep.clone();
        let in_folder = folder.map(|folder| without_dots(&folder.join(script)));
        let in_keep = without_dots(&keep.join(script));
        let candidates = in_folder.into_iter().chain([in_keep]);
        let Some(path) = candidates.into_iter().find(|path| path.exists()) else {
            self.missing(script, (reader, &at.clone().key("script")));
            return None;
        };
        if let Some(known) = self.drafts.iter().position(|draft| draft.path == path) {
            let other_id = self.drafts[known].index.is_some()
                && step
                    .id
                    .as_ref()
                    .is_some_and(|id| *id != self.drafts[known].id);
            if !other_id {
                return Some(known);
            }
        }
        let id = step.id.clone().unwrap_or_else(|| id_of(script));
        if let Some(known) = self.drafts.iter().position(|draft| draft.id == id) {
            if self.drafts[known].index.is_some() {
                return Some(known);
            }
            let taken = &mut self.drafts[known];
            (taken.file, taken.path) = (shown(&keep, &path), path);
            return Some(known);
        }
        self.drafts.push(Draft::new(id, &keep, path));
        Some(self.drafts.len() - 1)
    }

    fn by_id(&self, step: &RawStep, (reader, at): (&mut Reader<'_>, &KeyPath)) -> Option<usize> {
        let Some(id) = &step.id else {
            let message = "this step has neither `id` nor `script`".to_owned();
            reader.wrong(code::NO_SCRIPT, at, message, "add `script = \"NAME\"`");
            return None;
        };
        let known = self.drafts.iter().position(|draft| draft.id == *id);
        if known.is_none() {
            let message = format!("no script belongs to the step `{id}`");
            let ids = self.drafts.iter().map(|draft| draft.id.as_str());
            let help = match super::find::near(id, ids) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add `script = \"NAME\"`, from the scripts folder or the keep".into(),
            };
            reader.wrong(code::NO_SCRIPT, &at.clone().key("id"), message, help);
        }
        known
    }

    fn missing(&self, script: &str, (reader, at): (&mut Reader<'_>, &KeyPath)) {
        let message = format!("there is no script `{script}`");
        let files = self.drafts.iter().map(|draft| draft.file.as_str());
        let names = files.clone().filter_map(|file| file.rsplit('/').next());
        let help = match nearest(script, files.chain(names)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "paths are taken from the scripts folder, then from the keep".into(),
        };
        let problem = reader
            .document
            .problem_at(Place::Value, at, code::NO_SCRIPT, message);
        reader.problems.push(problem.help(help));
    }

    /// Looks into each script, and collects those that cannot be run.
    pub(super) fn examine(&mut self) {
        for draft in &mut self.drafts {
            let fault = match (id_problem(&draft.id), examine(&draft.path)) {
                // plan.toml's ids are located where they stand.
                (Some(problem), _) if draft.index.is_none() => Fault::BadName(problem),
                (_, Err(fault)) => fault,
                (_, Ok(interpreter)) => {
                    draft.interpreter = interpreter;
                    continue;
                }
            };
            self.unfit.push(Unfit {
                path: draft.path.clone(),
                fault,
            });
        }
        let shown = |unfit: &Unfit| unfit.path.display().to_string();
        self.unfit
            .sort_by(|a, b| natural::compare(&shown(a), &shown(b)));
    }

    /// Scripts that would be the same step.
    pub(super) fn same(&self) -> Vec<SameId> {
        let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for draft in &self.drafts {
            files.entry(&draft.id).or_default().push(draft.file.clone());
        }
        let folders = files.clone();
        for (id, entry) in &mut files {
            // Records are kept in files and folders named after steps.
            let inner = folders.range(*id..).find(|(other, _)| {
                let rest = other.strip_prefix(*id);
                rest.is_some_and(|rest| rest.starts_with('/'))
            });
            if let Some((_, inner)) = inner {
                entry.extend(
                    inner
                        .iter()
                        .take(1)
                        .map(|file| format!("the folder of {file}")),
                );
            }
        }
        files
            .into_iter()
            .filter(|(_, files)| files.len() > 1)
            .map(|(id, files)| SameId {
                id: id.to_owned(),
                files,
            })
            .collect()
    }
}
