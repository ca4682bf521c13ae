//! `rollback --tree`: what is built goes back to a checkpoint, and what was built since counts as
//! not done.
use std::collections::HashSet;
use std::fmt;

use chrono::DateTime;
use serde::Serialize;

use super::Args;
use crate::commands::backup::{examples, refuse_of_other, refuse_partial};
use crate::commands::run::{manifests, publish_finished};
use crate::commands::steps::none;
use crate::commands::vaults::{VaultArg, root_of, set_name, shown};
use crate::commands::{Answer, Context, mark};
use crate::failure::Failure;
use crate::run::Manifest;
use crate::store::Keep;
use crate::ui::{clean, counted, size, style};
use crate::vault::restore::{self, Compare, Plan, Problem, Request, Target};
use crate::vault::{self, Snapshot, SnapshotInfo, Source, Vault};

/// Why the snapshot before a rollback is taken.
const REASON: &str = "before rollback";

/// What goes back, or would.
#[derive(Debug, Serialize)]
struct WentBack {
    snapshot: String,
    step: Option<String>,
    root: String,
    dry_run: bool,
    files: u64,
    dirs: u64,
    bytes: u64,
    changed: u64,
    replaced: Vec<String>,
    removed: Vec<String>,
    /// The steps that count as not done from now on.
    undone: Vec<String>,
    /// The whole of what was there before.
    safety: Option<String>,
    problems: Vec<Problem>,
    #[serde(skip)]
    name: String,
}

impl WentBack {
    fn of(plan: &Plan, name: &str, undone: &[Manifest]) -> Self {
        Self {
            snapshot: plan.snapshot.tag.clone(),
            step: plan.snapshot.step.as_ref().map(|step| step.id.clone()),
            root: plan.to.display().to_string(),
            dry_run: true,
            files: plan.files,
            dirs: plan.dirs,
            bytes: plan.bytes,
            changed: plan.changed,
            replaced: plan.replaced.clone(),
            removed: plan.removed.clone(),
            undone: undone.iter().map(|known| known.step.clone()).collect(),
            safety: None,
            problems: plan.problems.clone(),
            name: name.to_owned(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.files + self.dirs + self.changed == 0
            && self.removed.is_empty()
            && self.undone.is_empty()
    }
}

impl fmt::Display for WentBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = clean(&self.root);
        let state = match &self.step {
            Some(step) => format!("the state after {}", style::strong(clean(step))),
            None => format!("the snapshot {}", style::name(clean(&self.name))),
        };
        if self.is_nothing() {
            return writeln!(f, "nothing to do: {root} is in {state}");
        }
        let goes = if self.dry_run { "would go" } else { "went" };
        writeln!(f, "{root} {goes} back to {state}")?;
        let (files, bytes) = (counted(self.files, "file"), size(self.bytes));
        writeln!(
            f,
            "  {files} written, {bytes}; {} given other attributes",
            self.changed
        )?;
        for (what, all) in [
            ("replaced", &self.replaced),
            ("removed", &self.removed),
            ("steps no longer done", &self.undone),
        ] {
            if !all.is_empty() {
                examples(f, &format!("{} {what}", all.len()), all)?;
            }
        }
        self.problems.iter().try_for_each(|problem| {
            let what = problem.trouble.meaning();
            writeln!(
                f,
                "  {}: {}",
                style::notable(what),
                clean(&problem.to_string())
            )
        })
    }
}

/// Runs the command; the answer is no if something could not go back.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    mark::refuse_while_it_runs(cx, &keep)?;
    publish_finished(cx, &keep)?;
    let root = root_of(Some(&keep))?;
    let vault = VaultArg::default().open(cx)?;
    let all = vault.snapshots()?;
    let at = target(
        &keep,
        (&vault, &all),
        args.tree.as_deref().unwrap_or_default(),
    )?;
    if !args.force {
        refuse_of_other(Some(&keep), &all[at])?;
        refuse_partial(&all[at])?;
    }
    let request = Request {
        paths: Vec::new(),
        to: root,
        target: Target::Exact,
        compare: Compare::Time,
        spared: vec![keep.root().to_owned()],
    };
    cx.ui
        .live(format!("comparing with {}", request.to.display()));
    let plan = restore::plan(&vault, &all[at], &request);
    cx.ui.live_end();
    let plan = plan?;
    let undone = built_since(&keep, &all, at)?;
    let name = vault::shortest(&all[at].tag, &all);
    let mut result = WentBack::of(&plan, name, &undone);
    if args.dry_run || result.is_nothing() {
        cx.ui.show(&result)?;
        return Ok(Answer::Yes);
    }
    if !args.force {
        plan.refuse_mounted()?;
    }
    if !args.yes && !confirmed(cx, &result)? {
        cx.ui.status("nothing was changed");
        return Ok(Answer::No);
    }
    let safety = keep_all(cx, (&keep, &vault), &plan)?;
    // First the marks: a step that is built again though it was there does no harm.
    if !undone.is_empty() {
        mark::undone(cx, &keep, undone, &reason(args, &result))?;
    }
    let back = format!("buildkeep rollback --tree {safety}");
    let what = format!("restoring {}", plan.to.display());
    let restored = shown(&mut cx.ui, &what, |counter| {
        restore::apply(&vault, &plan, counter)
    });
    let restored = restored.map_err(|error| {
        Failure::from(error)
            .hint("the same command goes on with it")
            .hint(format!("or put back what was there: `{back}`"))
    })?;
    (result.dry_run, result.safety) = (false, Some(safety));
    result.problems = restored.problems;
    cx.ui.show(&result)?;
    cx.ui.hint(format!("put back what was there: `{back}`"));
    Ok(Answer::of(result.problems.is_empty()))
}

/// The whole snapshot that is meant: the checkpoint of a step, or any by name.
fn target(keep: &Keep, (vault, all): (&Vault, &[Snapshot]), name: &str) -> Result<usize, Failure> {
    if let Some(at) = vault::checkpoint(all, name) {
        return Ok(at);
    }
    let is_step = crate::commands::plan::load(keep).is_ok_and(|plan| plan.find(name).is_ok());
    if is_step {
        return Err(none(Some(keep), name));
    }
    let found = vault.find(name)?;
    let set = set_name(&root_of(Some(keep))?);
    let is_whole = found
        .reason
        .as_deref()
        .is_none_or(|reason| reason == REASON);
    if !is_whole || found.set != set {
        return Err(
            Failure::user(format!("{} is no snapshot of all that is built", found.tag))
                .hint("restore parts with `buildkeep backup restore`"),
        );
    }
    Ok(all
        .iter()
        .position(|other| other.tag == found.tag)
        .unwrap_or(0))
}

/// The steps whose last success came after a snapshot, by number.
fn built_since(keep: &Keep, all: &[Snapshot], at: usize) -> Result<Vec<Manifest>, Failure> {
    let own = &all[at];
    let attempts = |snapshots: &[Snapshot]| -> HashSet<String> {
        let kin = snapshots
            .iter()
            .filter(|s| s.host == own.host && s.set == own.set);
        kin.flat_map(Snapshot::steps)
            .map(|step| step.attempt.clone())
            .collect()
    };
    let (before, later) = (attempts(&all[..=at]), attempts(&all[at + 1..]));
    let mut since: Vec<_> = manifests(keep)?
        .into_values()
        .filter(|known| {
            let is_after = |time: &String| {
                DateTime::parse_from_rfc3339(time).is_ok_and(|time| time > own.time)
            };
            let mark = known.mark.as_ref();
            match (mark, &known.as_success()) {
                (Some(mark), _) if !mark.done => false,
                (Some(mark), _) => is_after(&mark.time),
                (None, Some(success)) if later.contains(&success.attempt) => true,
                (None, Some(success)) if before.contains(&success.attempt) => false,
                (None, Some(success)) => is_after(&success.ended),
                (None, None) => false,
            }
        })
        .collect();
    since.sort_by(|a, b| (&a.ended, &a.step).cmp(&(&b.ended, &b.step)));
    Ok(since)
}

/// Takes a snapshot of all that is there; its tag.
fn keep_all(
    cx: &mut Context,
    (keep, vault): (&Keep, &Vault),
    plan: &Plan,
) -> Result<String, Failure> {
    let source = Source {
        left_out: plan.snapshot.left_out.clone(),
        ..Source::new(plan.to.clone(), plan.snapshot.set.clone())
    };
    let info = SnapshotInfo {
        host: keep.host(),
        op: cx.op.clone(),
        step: None,
        with: Vec::new(),
        reason: Some(REASON),
        back_to: Some(plan.snapshot.tag.clone()),
    };
    let world = &cx.world;
    let created = shown(&mut cx.ui, "keeping what is there", |counter| {
        vault::create(vault, &source, &info, world, counter)
    })?;
    match created.problems.iter().find(|problem| problem.is_loss()) {
        None => Ok(created.snapshot.tag),
        Some(problem) => Err(Failure::user(format!(
            "will not go back: what is there cannot be kept first: {problem}"
        ))),
    }
}

fn reason(args: &Args, result: &WentBack) -> String {
    let state = result.step.as_ref().unwrap_or(&result.snapshot);
    let told = args.message.clone();
    told.unwrap_or_else(|| format!("the tree went back to {state}"))
}

fn confirmed(cx: &mut Context, result: &WentBack) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(Failure::user(
            "a rollback overwrites and removes files, and nobody is there to ask",
        )
        .hint("look at it first: add `--dry-run`")
        .hint("do it without a question: add `--yes`"));
    }
    cx.ui.status(result);
    Ok(cx.ui.confirm("Do this?")?)
}
