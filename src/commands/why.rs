//! `why`
use std::fmt;

use serde::Serialize;

use super::project::Project;
use super::status::{self, Seen};
use super::tools::{self, ToolChange, USUAL};
use super::{Answer, Context, facts, renamed};
use crate::check::FactChange;
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::plan::{Change, ChangeKind, Fingerprint, Step};
use crate::report::diff::{FileDiff, Side};
use crate::run::{AttemptState, FailureNote, Manifest, Mark, Trouble};
use crate::store::{Commit, Keep};
use crate::ui::{clean, style};

/// Compare what a step was built from when it last worked with its failure, or with now
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step: its id, the end of it, or its script's name
    step: String,
}

/// What changed since a step last worked.
#[derive(Debug, Serialize)]
struct Why {
    step: String,
    state: Option<AttemptState>,
    /// When it last worked, RFC 3339.
    since: Option<String>,
    /// Which attempt that was.
    since_attempt: Option<String>,
    /// What it is compared with: the failed attempt, or `now`.
    until: String,
    /// The step up to which something changed that only comes before it: that makes nothing stale.
    older_than: Option<String>,
    changes: Vec<Change>,
    /// What somebody said of it by hand.
    mark: Option<Mark>,
    /// Tools that are others; only those that plan.toml names make the step stale.
    tools: Vec<ToolChange>,
    /// What else is different on this machine.
    machine: Vec<FactChange>,
    /// What the log of the failed attempt tells.
    failure: Option<FailureNote>,
    #[serde(skip)]
    script: Option<FileDiff>,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = style::name(clean(&self.step));
        if let Some(mark) = &self.mark {
            let (word, day) = (mark.word(), mark.time.get(..16).unwrap_or_default());
            let day = day.replace('T', " ");
            let (by, why) = (clean(&mark.by), clean(&mark.reason));
            writeln!(f, "{step} was marked as {word} by {by} ({day}): {why}")?;
        }
        let Some(since) = &self.since_attempt else {
            return match self.state {
                None => writeln!(f, "{step} was never built"),
                Some(_) if self.until == "now" => writeln!(f, "{step} was never built here"),
                Some(state) => {
                    let verb = verb(state);
                    writeln!(f, "{step} never worked here; {} {verb}", self.until)?;
                    self.noted(f)
                }
            };
        };
        let until = match (self.until.as_str(), self.state) {
            ("now", _) => "now".to_owned(),
            (attempt, Some(state)) => format!("{attempt}, which {}", verb(state)),
            (attempt, None) => attempt.to_owned(),
        };
        let time = self
            .since
            .as_deref()
            .and_then(|time| time.get(..16))
            .unwrap_or_default()
            .replace('T', " ");
        writeln!(
            f,
            "{step}: from {since}, which succeeded ({time}), to {until}"
        )?;
        if self.changes.is_empty() && self.tools.is_empty() && self.machine.is_empty() {
            writeln!(f, "  nothing that it is built from is different")?;
        }
        for change in &self.changes {
            writeln!(f, "  {}", clean(&change.to_string()))?;
        }
        for tool in &self.tools {
            writeln!(f, "  {}", clean(&tool.to_string()))?;
        }
        for change in &self.machine {
            writeln!(f, "  {}", clean(&change.to_string()))?;
        }
        if let Some(than) = &self.older_than {
            let than = clean(than);
            writeln!(
                f,
                "  what comes before it changed, up to `{than}`; that makes nothing stale, because it does \
                 not name it in `needs`"
            )?;
        }
        if self.failure.is_some() {
            writeln!(f)?;
        }
        self.noted(f)?;
        self.script
            .iter()
            .try_for_each(|script| write!(f, "\n{script}"))
    }
}

impl Why {
    /// What the log of the failed attempt tells.
    fn noted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(note) = &self.failure else {
            return Ok(());
        };
        writeln!(f, "  {}", clean(&note.cause))?;
        if let (Some(line), Some(command)) = (note.line, &note.command) {
            writeln!(f, "  line {line}: {}", clean(command))?;
        }
        if let Some(error) = &note.error {
            writeln!(f, "  {}", style::bad(clean(error)))?;
        }
        if let Some(advice) = note.trouble.and_then(Trouble::advice) {
            writeln!(f, "  {}", style::notable(advice))?;
        }
        Ok(())
    }
}

/// What an attempt did, or what became of it.
fn verb(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Running => "is running",
        AttemptState::Paused => "is paused",
        AttemptState::Succeeded => "succeeded",
        AttemptState::Failed => "failed",
        AttemptState::Cancelled => "was stopped",
        AttemptState::Interrupted => "was interrupted",
        AttemptState::Lost => "was lost",
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let project = Project::open(cx)?;
    let step = project.plan.find(&args.step)?;
    let mut seen = status::known(cx, &project.keep)?;
    renamed::follow(&project.plan, &mut seen.manifests)?;
    let known = seen.manifests.remove(&step.id);
    let now = project.fingerprints()?.remove(&step.id).unwrap_or_default();
    let mut why = compare(&step.id, known.as_ref(), now);
    why.tools = changed_tools(cx, &project, step, known.as_ref());
    why.machine = changed_machine(cx, &project, step, &why)?;
    if let Some(manifest) = known.filter(|_| changed_script(&why.changes)) {
        let after = match why.until.as_str() {
            "now" => project.plan.script(step)?,
            _ => script_of(&project.keep, &manifest, &seen)?,
        };
        why.script = script_diff(&project.keep, &manifest, &step.file, &after)?;
    }
    cx.ui.show(&why)?;
    Ok(Answer::Yes)
}

fn compare(step: &str, manifest: Option<&Manifest>, now: Fingerprint) -> Why {
    let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
    let failed = manifest.filter(|manifest| manifest.state != AttemptState::Succeeded);
    let after = match failed {
        Some(manifest) => Fingerprint {
            parts: manifest.fingerprint.clone(),
        },
        None => now,
    };
    let before = success.map(|success| Fingerprint {
        parts: success.fingerprint.clone(),
    });
    Why {
        step: step.to_owned(),
        state: manifest.map(|manifest| manifest.state),
        since: success.map(|success| success.ended.clone()),
        since_attempt: success.map(|success| format!("{step}#{}", success.number)),
        until: failed.map_or_else(|| "now".to_owned(), Manifest::name),
        older_than: before
            .as_ref()
            .and_then(|before| after.outdated_by(&before.parts))
            .map(str::to_owned),
        changes: before
            .map(|before| after.changes(&before))
            .unwrap_or_default(),
        mark: manifest.and_then(|manifest| manifest.mark.clone()),
        tools: Vec::new(),
        machine: Vec::new(),
        failure: failed.and_then(|manifest| manifest.failure.clone()),
        script: None,
    }
}

/// Tools that are others than when the step last worked, besides those that count.
fn changed_tools(
    cx: &Context,
    project: &Project,
    step: &Step,
    manifest: Option<&Manifest>,
) -> Vec<ToolChange> {
    let plan = &project.plan;
    let Some((manifest, success)) = manifest.and_then(|m| Some((m, m.last_success.as_ref()?)))
    else {
        return Vec::new();
    };
    let after = match manifest.state {
        AttemptState::Succeeded if step.runs_as.chroot => return Vec::new(),
        AttemptState::Succeeded => tools::look(cx, &project.keep, &plan.tools),
        _ => manifest.tools.clone(),
    };
    let mut changes = tools::changes(&success.tools, &after);
    changes.retain(|change| !plan.tools.contains(&change.name));
    changes
}

/// What else is different on this machine since the step last worked; of tools, what was not told
/// already.
fn changed_machine(
    cx: &Context,
    project: &Project,
    step: &Step,
    why: &Why,
) -> Result<Vec<FactChange>, Failure> {
    let keep = &project.keep;
    let is_of_step = |commit: &Commit| commit.message.trailers.get("Step") == Some(&why.step);
    let has_worked = |commit: &Commit| {
        is_of_step(commit) && commit.message.trailers.get("State") == Some("succeeded")
    };
    let Some(success) = why.since.as_ref().map(|_| facts::newest(keep, has_worked)) else {
        return Ok(Vec::new());
    };
    let before = success?
        .map(|commit| facts::at(keep, commit.id))
        .transpose()?;
    let after = match why.until.as_str() {
        "now" => Some(facts::look(cx, keep, project.plan.root.as_deref())),
        _ => match facts::newest(keep, is_of_step)? {
            Some(failed) => facts::at(keep, failed.id)?,
            None => None,
        },
    };
    let (Some(before), Some(after)) = (before.flatten(), after) else {
        return Ok(Vec::new());
    };
    let mut changes = after.changes(&before);
    let is_told = |name: &str| {
        let told = why.tools.iter().any(|tool| tool.name == name);
        told || project.plan.tools.iter().any(|tool| tool == name) || USUAL.contains(&name)
    };
    changes.retain(|change| match (change.kind, &change.name) {
        ("tool", Some(name)) => !step.runs_as.chroot && !is_told(name),
        _ => true,
    });
    Ok(changes)
}

fn changed_script(changes: &[Change]) -> bool {
    changes
        .iter()
        .any(|change| change.kind == ChangeKind::Script)
}

/// The script of the newest attempt, as it was started; its end may not be published yet.
fn script_of(keep: &Keep, manifest: &Manifest, seen: &Seen) -> Result<Vec<u8>, Failure> {
    let mut attempts = seen.attempts.iter();
    let unpublished = attempts.find(|attempt| attempt.spec.attempt == manifest.attempt);
    let script = match unpublished {
        Some(attempt) => read_optional(&attempt.dir.script())?,
        None => keep.state_file(&format!("scripts/{}", manifest.step))?,
    };
    Ok(script.unwrap_or_default())
}

/// The lines of the script that differ; its bytes as built are in the state history.
fn script_diff(
    keep: &Keep,
    manifest: &Manifest,
    file: &str,
    after: &[u8],
) -> Result<Option<FileDiff>, Failure> {
    let Some(tip) = keep.state_tip()? else {
        return Ok(None);
    };
    let stored = format!("scripts/{}", manifest.step);
    for commit in keep.repo().first_parents(tip) {
        let commit = commit?;
        let facts = &commit.message.trailers;
        let is_success =
            facts.get("Step") == Some(&manifest.step) && facts.get("State") == Some("succeeded");
        if is_success {
            let before = keep.repo().file_at(commit.id, &stored)?;
            return Ok(Some(FileDiff::new(
                file.to_owned(),
                before.map(Side::open).as_ref(),
                Some(&Side::open(after.to_vec())),
            )));
        }
    }
    Ok(None)
}
