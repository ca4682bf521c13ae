//! `import jhalfs`
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::log::{Measured, name_of, read};
use crate::commands::past::{IMPORTED, Imported, ImportedStep, imported_at};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::fs::AtPath as _;
use crate::plan::Plan;
use crate::store::{Batch, Keep, Message};
use crate::ui::{clean, counted, seconds, size, style};

/// Take over from the logs of jhalfs how long each step took, so that estimates are good at once
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its `logs` folder, or the folder that has one
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Show what would be taken over
    #[arg(long)]
    dry_run: bool,
}

/// What was taken over.
#[derive(Debug, Serialize)]
struct Taken {
    steps: Vec<TakenStep>,
    /// Logs that belong to no step of the plan.
    unknown: Vec<String>,
    /// Logs without a time: what they tell of did not end well.
    unfinished: Vec<String>,
    duration_s: f64,
    is_dry_run: bool,
}

#[derive(Debug, Serialize)]
struct TakenStep {
    step: String,
    log: String,
    duration_s: f64,
    disk_bytes: Option<u64>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .steps
            .iter()
            .map(|step| step.step.chars().count())
            .max();
        let width = width.unwrap_or(0).min(40);
        for step in self.steps.iter().filter(|_| self.is_dry_run) {
            let name = format!("{:width$}", clean(&step.step));
            let room = step.disk_bytes.map(|bytes| format!(", {}", size(bytes)));
            let (took, room) = (seconds(step.duration_s), room.unwrap_or_default());
            writeln!(f, "{}  {took}{room}", style::name(name))?;
        }
        let steps = counted(self.steps.len() as u64, "step");
        let verb = if self.is_dry_run {
            "would be known"
        } else {
            "known"
        };
        writeln!(
            f,
            "the times of {steps} {verb}: {} in all",
            seconds(self.duration_s)
        )?;
        told(
            f,
            &self.unknown,
            ["belongs", "belong"],
            "to no step of the plan",
        )?;
        told(f, &self.unfinished, ["has", "have"], "no time in it")
    }
}

fn told(
    f: &mut fmt::Formatter<'_>,
    logs: &[String],
    [one, several]: [&str; 2],
    what: &str,
) -> fmt::Result {
    const NAMED: usize = 5;
    if logs.is_empty() {
        return Ok(());
    }
    let named = logs
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = if logs.len() > NAMED { ", …" } else { "" };
    let count = counted(logs.len() as u64, "log");
    let verb = if logs.len() == 1 { one } else { several };
    let line = format!("{count} {verb} {what}: {}{more}", clean(&named));
    writeln!(f, "{}", style::faint(line))
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let plan = crate::commands::plan::load(&keep)?;
    let given = cx.world.cwd.join(&args.folder);
    let below = given.join("logs");
    let mut taken = look(if below.is_dir() { &below } else { &given }, &plan)?;
    taken.is_dry_run = args.dry_run;
    if taken.steps.is_empty() && taken.unknown.is_empty() {
        let place = given.display();
        return Err(
            Failure::user(format!("{place} has no logs of jhalfs")).hint(
                "name the folder with files like `502-gcc-pass1`, each with a `Totalseconds` line",
            ),
        );
    }
    if !args.dry_run && !taken.steps.is_empty() {
        record(cx, &keep, &taken)?;
    }
    cx.ui.show(&taken)?;
    Ok(Answer::Yes)
}

/// Reads all logs of the folder.
fn look(folder: &Path, plan: &Plan) -> Result<Taken, Failure> {
    let mut taken = Taken {
        steps: Vec::new(),
        unknown: Vec::new(),
        unfinished: Vec::new(),
        duration_s: 0.0,
        is_dry_run: false,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned);
        files.extend(name.filter(|name| path.is_file() && !name.starts_with('.')));
    }
    files.sort();
    for file in files {
        let path = folder.join(&file);
        let text = fs::read(&path).at("read", &path)?;
        match (step_of(plan, &file), read(&String::from_utf8_lossy(&text))) {
            (Some(step), Some(measured)) => taken.add(step, file, measured),
            (None, Some(_)) => taken.unknown.push(file),
            (Some(_), None) => taken.unfinished.push(file),
            (None, None) => {}
        }
    }
    taken.duration_s = taken.steps.iter().map(|step| step.duration_s).sum();
    Ok(taken)
}

impl Taken {
    fn add(
        &mut self,
        step: String,
        log: String,
        Measured {
            duration_s,
            disk_bytes,
        }: Measured,
    ) {
        self.steps.retain(|known| known.step != step);
        self.steps.push(TakenStep {
            step,
            log,
            duration_s,
            disk_bytes,
        });
    }
}

/// The step that a log tells of: that of the script with this file name; else the only one with this
/// name, in the same chapter if there are several. Editions of the book number differently.
fn step_of(plan: &Plan, file: &str) -> Option<String> {
    let steps = &plan.steps;
    let bare = file.strip_suffix(".log").unwrap_or(file);
    let is_file = |step: &&crate::plan::Step| {
        step.path
            .file_name()
            .is_some_and(|name| name == bare || name == file)
    };
    if let Some(step) = steps.iter().find(is_file) {
        return Some(step.id.clone());
    }
    let (chapter, name) = name_of(file);
    let named: Vec<&str> = steps
        .iter()
        .map(|step| step.id.as_str())
        .filter(|id| id.rsplit('/').next() == Some(name))
        .collect();
    let in_chapter = |id: &&str| {
        let folder = id.rsplit('/').nth(1).unwrap_or_default();
        let digits = folder.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<u32>().ok() == chapter
    };
    let found = match named.as_slice() {
        [one] => Some(*one),
        several => {
            let mut there = several.iter().copied().filter(in_chapter);
            there.next().filter(|_| there.next().is_none())
        }
    };
    found.map(str::to_owned)
}

fn record(cx: &mut Context, keep: &Keep, taken: &Taken) -> Result<(), Failure> {
    let guard = cx.lock(keep)?;
    let mut imported = match keep.state_tip()? {
        Some(tip) => imported_at(keep, tip)?,
        None => Imported::default(),
    };
    imported.format = 1;
    for step in &taken.steps {
        let known = ImportedStep {
            duration_s: step.duration_s,
            disk_bytes: step.disk_bytes,
            log: step.log.clone(),
        };
        imported.steps.insert(step.step.clone(), known);
    }
    let mut text = serde_json::to_vec_pretty(&imported).unwrap_or_default();
    text.push(b'\n');
    let subject = format!(
        "import: times of {}",
        counted(taken.steps.len() as u64, "step")
    );
    let batch = Batch {
        files: vec![(IMPORTED.to_owned(), Some(text))],
        message: Message::new(subject, cx.trailers("import", keep)),
        ..Batch::default()
    };
    keep.publish(&guard, &batch, &cx.signature(keep))?;
    Ok(())
}
