//! From plan.toml and a folder of scripts to a plan.
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use super::discover::{self, Findings};
use super::draft::{Draft, Drafts};
use super::link::{Order, link};
use super::name::is_meant;
use super::runs_as::RunsAs;
use super::settings::{
    DEFAULT_SCRIPTS, Places, Raw, RawDefaults, RawStep, Reader, read, read_known,
};
use super::{Checkpoint, Error, Input, Plan, Step};
use crate::document::{Document, KeyPath, as_duration, as_sbu, as_size, code};

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
        tools: raw.tools,
        tool_versions: std::collections::BTreeMap::new(),
        memory: super::Memory::default(),
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
    let counts = raw.order == super::Counts::Strict;
    let linked = link(&drafts.drafts, &raw.step, order, reader);
    let ids: Vec<String> = drafts.drafts.iter().map(|draft| draft.id.clone()).collect();
    check_defaults(raw, &ids, reader);
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
            let names = step
                .index
                .is_some_and(|index| raw.step[index].needs.is_some());
            step.is_by_order = !names && !counts && !step.needs.is_empty();
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
    runs_as: RunsAs,
}

impl Settings {
    fn of(raw: &Raw, reader: &mut Reader<'_>) -> Self {
        let places = &reader.places;
        let workdir = places.root.as_ref().unwrap_or(&places.keep).clone();
        let mut runs_as = RunsAs::default();
        runs_as.refine(&raw.runs_as, &KeyPath::root(), reader);
        Self {
            workdir,
            checkpoint: raw.checkpoint,
            runs_as,
        }
    }

    fn step(&self, draft: Draft, raw: &Raw, reader: &mut Reader<'_>) -> Step {
        let mut step = Step {
            id: draft.id,
            file: draft.file,
            path: draft.path,
            interpreter: draft.interpreter,
            needs: Vec::new(),
            is_by_order: false,
            reads: Vec::new(),
            inputs: Vec::new(),
            timeout: None,
            checkpoint: self.checkpoint,
            workdir: self.workdir.clone(),
            sbu: None,
            disk: None,
            runs_as: self.runs_as.clone(),
            env: Vec::new(),
            shared_env: Vec::new(),
            own_workdir: None,
            index: draft.index,
        };
        let mut workdir = raw.workdir.clone().map(|text| (text, KeyPath::root()));
        for (index, defaults) in raw.defaults.iter().enumerate() {
            if defaults.steps.iter().any(|name| is_meant(&step.id, name)) {
                let at = KeyPath::root().key("defaults").item(index);
                presume(&mut step, defaults, reader, &at);
                workdir = defaults.workdir.clone().map(|text| (text, at)).or(workdir);
            }
        }
        if let Some(index) = draft.index {
            let at = KeyPath::root().key("step").item(index);
            let own = &raw.step[index];
            refine(&mut step, own, reader, &at);
            workdir = own.workdir.clone().map(|text| (text, at)).or(workdir);
        }
        settle(&mut step, workdir, reader);
        step
    }
}

/// Patterns of `[[defaults]]` that mean no step.
fn check_defaults(raw: &Raw, ids: &[String], reader: &mut Reader<'_>) {
    for (index, defaults) in raw.defaults.iter().enumerate() {
        for (item, name) in defaults.steps.iter().enumerate() {
            if !ids.iter().any(|id| is_meant(id, name)) {
                let at = KeyPath::root().key("defaults").item(index);
                let at = at.key("steps").item(item);
                let message = format!("no step is called like `{name}`");
                let help = "`buildkeep plan` shows all steps; `*` stands for any part of a name";
                reader.wrong(code::NO_SUCH_STEP, &at, message, help);
            }
        }
    }
}

/// Adds what a `[[defaults]]` says that means this step.
fn presume(step: &mut Step, raw: &RawDefaults, reader: &mut Reader<'_>, at: &KeyPath) {
    let env = reader.variables(&raw.env, &at.clone().key("env"));
    step.shared_env.extend(env);
    step.checkpoint = raw.checkpoint.unwrap_or(step.checkpoint);
    step.timeout = timeout(raw.timeout.as_ref(), reader, at).or(step.timeout);
    step.runs_as.refine(&raw.runs_as, at, reader);
}

/// Finds where the step runs, once it is known whether that is inside the root.
fn settle(step: &mut Step, workdir: Option<(String, KeyPath)>, reader: &mut Reader<'_>) {
    if step.runs_as.chroot {
        step.workdir = reader.places.root.clone().unwrap_or_default();
    }
    let Some((text, at)) = workdir else { return };
    let at = at.key("workdir");
    step.workdir = if step.runs_as.chroot {
        reader.path_inside(&text, &at)
    } else {
        reader.path(&text, &at)
    };
    step.own_workdir = Some(text);
}

fn timeout(raw: Option<&Json>, reader: &mut Reader<'_>, at: &KeyPath) -> Option<Duration> {
    let value = raw?;
    let found = as_duration(value);
    if found.is_none() {
        let message = format!("{value} is not a duration");
        let help = "write \"90m\", \"1h30m\" or seconds";
        let at = at.clone().key("timeout");
        reader.wrong(code::NOT_AN_AMOUNT, &at, message, help);
    }
    found
}

fn sbu(value: &serde_json::Value, reader: &mut Reader<'_>, at: &KeyPath) -> Option<f64> {
    let found = as_sbu(value);
    if found.is_none() {
        let message = format!("{value} is not a time in SBU");
        let help = "write a number, or as the book has it: \"46 SBU (with tests)\"";
        reader.wrong(code::NOT_AN_AMOUNT, &at.clone().key("sbu"), message, help);
    }
    found
}

/// Adds what the `[[step]]` at `at` says.
fn refine(step: &mut Step, raw: &RawStep, reader: &mut Reader<'_>, at: &KeyPath) {
    step.env = reader.variables(&raw.env, &at.clone().key("env"));
    step.reads.clone_from(&raw.reads);
    let inputs = raw.inputs.iter().enumerate();
    let input = |(item, name): (usize, &String)| Input {
        name: name.clone(),
        path: reader.path(name, &at.clone().key("inputs").item(item)),
    };
    step.inputs = inputs.map(input).collect();
    step.checkpoint = raw.checkpoint.unwrap_or(step.checkpoint);
    step.runs_as.refine(&raw.runs_as, at, reader);
    step.sbu = raw.sbu.as_ref().and_then(|value| sbu(value, reader, at));
    step.timeout = timeout(raw.timeout.as_ref(), reader, at).or(step.timeout);
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
