//! From plan.toml and a folder of scripts to a plan.
use std::path::{Path, PathBuf};

use super::discover::{self, Findings};
use super::draft::{Draft, Drafts};
use super::link::{Order, link};
use super::settings::{DEFAULT_SCRIPTS, Places, Raw, RawStep, Reader, read, read_known};
use super::{Checkpoint, Error, Input, Plan, Step};
use crate::document::{Document, KeyPath, as_duration, as_size, code};

/// Reads the plan of the keep at `keep`; `name` is what problems call the file with this `text`.
///
/// All problems of one sort are told at once: the form of the file, then its values, then the
/// scripts, then the needs.
pub fn load(keep: &Path, name: &str, text: &str) -> Result<Plan, Error> {
    load_from(keep, read(name, text)?)
}

/// Reads a plan whose form was checked before, with the rest of the configuration.
pub fn load_known(keep: &Path, name: &str, text: &str) -> Result<Plan, Error> {
    load_from(keep, read_known(name, text)?)
}

fn load_from(keep: &Path, (document, raw): (Document, Raw)) -> Result<Plan, Error> {
    let places = Places {
        keep: keep.to_owned(),
        root: None,
    };
    let mut reader = Reader {
        document: &document,
        places,
        problems: Vec::new(),
    };
    reader.root(raw.root.as_deref());
    let folder = scripts_folder(&raw, &mut reader);
    let drafts = drafts(&raw, folder.as_deref(), &mut reader)?;
    let env = reader.variables(&raw.env, &KeyPath::root().key("env"));
    check_checkpoints(&raw, &mut reader);
    let steps = steps(&raw, drafts, &mut reader)?;
    let places = reader.places;
    Ok(Plan {
        root: places.root.clone(),
        apply: raw.apply,
        scripts: folder,
        jobs: raw.jobs,
        throttle: raw.throttle.unwrap_or(true),
        checkpoint: raw.checkpoint,
        steps,
        env,
        places,
        document,
    })
}

/// The folder of the scripts; none if plan.toml lists steps only, or if the usual folder does not
/// exist, as in a clone of a keep without scripts: Git keeps no empty folders.
fn scripts_folder(raw: &Raw, reader: &mut Reader<'_>) -> Option<PathBuf> {
    let at = KeyPath::root().key("scripts");
    let usual = reader.places.keep.join(DEFAULT_SCRIPTS);
    let folder = match &raw.scripts {
        Some(text) => reader.path(text, &at),
        None if raw.step.is_empty() => usual.clone(),
        None => return None,
    };
    if folder.is_dir() {
        return Some(folder);
    }
    if folder != usual {
        let message = format!("there is no folder {}", folder.display());
        let help = "create it, or name the folder that holds the scripts";
        reader.wrong(code::NO_FOLDER, &at, message, help);
    }
    None
}

/// The steps without their needs; each script has been looked into.
fn drafts(raw: &Raw, folder: Option<&Path>, reader: &mut Reader<'_>) -> Result<Drafts, Error> {
    let Findings { scripts, unfit } = match folder {
        Some(folder) => discover::scripts(folder)?,
        None => Findings::default(),
    };
    let mut drafts = Drafts::of_folder(&reader.places.keep, scripts);
    drafts.unfit = unfit;
    drafts.refine(&raw.step, folder, reader);
    drafts.examine();
    Ok(drafts)
}

fn check_checkpoints(raw: &Raw, reader: &mut Reader<'_>) {
    if raw.root.is_some() {
        return;
    }
    let steps = raw.step.iter().enumerate();
    let steps =
        steps.map(|(index, step)| (KeyPath::root().key("step").item(index), step.checkpoint));
    let all = [(KeyPath::root(), Some(raw.checkpoint))]
        .into_iter()
        .chain(steps);
    for (at, checkpoint) in all {
        if checkpoint == Some(Checkpoint::After) {
            let message = "a checkpoint is asked for, and the plan has no `root`".to_owned();
            let help = "add `root = \"/mnt/lfs\"`, say: the folder that is kept after the step";
            reader.wrong(code::NO_ROOT, &at.key("checkpoint"), message, help);
        }
    }
}

/// The steps in build order, if nothing was wrong with them or with anything before.
fn steps(raw: &Raw, drafts: Drafts, reader: &mut Reader<'_>) -> Result<Vec<Step>, Error> {
    let same = drafts.same();
    if !same.is_empty() {
        return Err(told(reader).unwrap_or(Error::SameId(same)));
    }
    let order = if raw.scripts.is_some() || raw.step.is_empty() {
        Order::Linear
    } else {
        Order::ByNeeds
    };
    let linked = link(&drafts.drafts, &raw.step, order, reader);
    let ids: Vec<String> = drafts.drafts.iter().map(|draft| draft.id.clone()).collect();
    let settings = Settings::of(raw, reader);
    let build = |draft: Draft| Some(settings.step(draft, raw, reader));
    let mut steps: Vec<Option<Step>> = drafts.drafts.into_iter().map(build).collect();
    if let Some(error) = told(reader) {
        return Err(error);
    }
    if !drafts.unfit.is_empty() {
        return Err(Error::Unfit(drafts.unfit));
    }
    let (needs, order) = linked.unwrap_or_default();
    let mut ordered = Vec::with_capacity(steps.len());
    for position in order {
        if let Some(mut step) = steps[position].take() {
            let needed = needs[position].iter().map(|need| ids[*need].clone());
            step.needs = needed.collect();
            ordered.push(step);
        }
    }
    Ok(ordered)
}

fn told(reader: &mut Reader<'_>) -> Option<Error> {
    let mut problems = std::mem::take(&mut reader.problems);
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (!problems.is_empty()).then_some(Error::Document(problems))
}

/// What holds for steps that do not say otherwise.
struct Settings {
    workdir: PathBuf,
    checkpoint: Checkpoint,
}

impl Settings {
    fn of(raw: &Raw, reader: &mut Reader<'_>) -> Self {
        let workdir = match &raw.workdir {
            Some(text) => reader.path(text, &KeyPath::root().key("workdir")),
            None => reader
                .places
                .root
                .as_ref()
                .unwrap_or(&reader.places.keep)
                .clone(),
        };
        Self {
            workdir,
            checkpoint: raw.checkpoint,
        }
    }

    fn step(&self, draft: Draft, raw: &Raw, reader: &mut Reader<'_>) -> Step {
        let mut step = Step {
            id: draft.id,
            file: draft.file,
            path: draft.path,
            interpreter: draft.interpreter,
            needs: Vec::new(),
            reads: Vec::new(),
            inputs: Vec::new(),
            timeout: None,
            checkpoint: self.checkpoint,
            workdir: self.workdir.clone(),
            sbu: None,
            disk: None,
            env: Vec::new(),
            own_workdir: raw.workdir.clone(),
            index: draft.index,
        };
        if let Some(index) = draft.index {
            refine(&mut step, &raw.step[index], reader, index);
        }
        step
    }
}

/// Adds what the `[[step]]` at `index` says.
fn refine(step: &mut Step, raw: &RawStep, reader: &mut Reader<'_>, index: usize) {
    let at = KeyPath::root().key("step").item(index);
    step.env = reader.variables(&raw.env, &at.clone().key("env"));
    step.reads.clone_from(&raw.reads);
    let inputs = raw.inputs.iter().enumerate();
    let input = |(item, name): (usize, &String)| Input {
        name: name.clone(),
        path: reader.path(name, &at.clone().key("inputs").item(item)),
    };
    step.inputs = inputs.map(input).collect();
    step.checkpoint = raw.checkpoint.unwrap_or(step.checkpoint);
    if let Some(text) = &raw.workdir {
        step.workdir = reader.path(text, &at.clone().key("workdir"));
        step.own_workdir = Some(text.clone());
    }
    step.sbu = raw.sbu;
    step.timeout = raw.timeout.as_ref().and_then(|value| {
        let found = as_duration(value);
        if found.is_none() {
            let message = format!("{value} is not a duration");
            let help = "write \"90m\", \"1h30m\" or seconds";
            reader.wrong(
                code::NOT_AN_AMOUNT,
                &at.clone().key("timeout"),
                message,
                help,
            );
        }
        found
    });
    step.disk = raw.disk.as_ref().and_then(|value| {
        let found = as_size(value);
        if found.is_none() {
            let message = format!("{value} is not a size");
            let help = "write \"6.3 GB\", \"512 MiB\" or bytes";
            reader.wrong(code::NOT_AN_AMOUNT, &at.clone().key("disk"), message, help);
        }
        found
    });
}
