//! `backup restore`
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::create;
use crate::commands::there::ReadArg;
use crate::commands::vaults::{quoted, root_of, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean, counted, size, style};
use crate::vault::offsite::Depth;
use crate::vault::restore::{self, Compare, Plan, Problem, Request, Target, Trouble};
use crate::vault::{self, Snapshot, SnapshotInfo, Vault};

/// How many examples are shown of what went wrong, or will be replaced.
const EXAMPLES: usize = 5;

/// Restore a snapshot, or parts of it
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct Args {
    /// Its tag or a part of it, `latest`, `latest:SET`, a commit, or the step of a checkpoint
    snapshot: String,
    /// Paths in the snapshot; all of it if none are named
    paths: Vec<PathBuf>,
    /// The folder that becomes what the snapshot was taken of: a new or an empty one
    #[arg(long, value_name = "DIR", required_unless_present = "in_place")]
    to: Option<PathBuf>,
    /// Change what differs in a folder with content: in what is built, unless `--to` names another
    #[arg(long, conflicts_with = "remote")]
    in_place: bool,
    /// Also remove what the snapshot does not have
    #[arg(long, requires = "in_place")]
    delete: bool,
    /// Also restore in place what another machine had, around mounts, and delete by a partial
    /// snapshot
    #[arg(long)]
    force: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Replace files without taking a snapshot of them first
    #[arg(long)]
    no_safety: bool,
    #[command(flatten)]
    vault: ReadArg,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    snapshot: String,
    /// The shortest name of the snapshot.
    #[serde(skip)]
    name: String,
    to: String,
    dry_run: bool,
    files: u64,
    dirs: u64,
    bytes: u64,
    changed: u64,
    unchanged: u64,
    replaced: Vec<String>,
    removed: Vec<String>,
    /// The snapshot of what was replaced.
    safety: Option<String>,
    problems: Vec<Problem>,
}

impl Outcome {
    fn new(plan: &Plan, name: &str) -> Self {
        Self {
            snapshot: plan.snapshot.tag.clone(),
            name: name.to_owned(),
            to: plan.to.display().to_string(),
            dry_run: false,
            files: plan.files,
            dirs: plan.dirs,
            bytes: plan.bytes,
            changed: plan.changed,
            unchanged: plan.unchanged,
            replaced: plan.replaced.clone(),
            removed: plan.removed.clone(),
            safety: None,
            problems: plan.problems.clone(),
        }
    }

    /// What is not zero of the counts.
    fn counts(&self) -> String {
        let mut made = Vec::new();
        made.extend((self.files > 0).then(|| counted(self.files, "file")));
        made.extend((self.dirs > 0).then(|| counted(self.dirs, "folder")));
        let mut parts = Vec::new();
        if !made.is_empty() {
            parts.push(format!(
                "{} written, {}",
                made.join(" and "),
                size(self.bytes)
            ));
        }
        if self.changed > 0 {
            parts.push(format!("{} given other attributes", self.changed));
        }
        match self.unchanged {
            0 => {}
            all if parts.is_empty() => parts.push(format!("nothing differs in {all} entries")),
            some => parts.push(format!("{some} as they were")),
        }
        parts.join("; ")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.dry_run {
            "would restore"
        } else {
            "restored"
        };
        writeln!(
            f,
            "{done} {} to {}",
            style::name(clean(&self.name)),
            clean(&self.to)
        )?;
        let counts = self.counts();
        if !counts.is_empty() {
            writeln!(f, "  {counts}")?;
        }
        if !self.replaced.is_empty() {
            examples(
                f,
                &format!("{} replaced", self.replaced.len()),
                &self.replaced,
            )?;
        }
        if !self.removed.is_empty() {
            let what = format!("{} removed", self.removed.len());
            examples(f, &what, &self.removed)?;
        }
        let mut by_trouble: BTreeMap<Trouble, Vec<String>> = BTreeMap::new();
        for problem in &self.problems {
            by_trouble
                .entry(problem.trouble)
                .or_default()
                .push(problem.to_string());
        }
        for (trouble, all) in by_trouble {
            let what = format!("{} {}", all.len(), trouble.meaning());
            examples(f, &style::notable(what).to_string(), &all)?;
        }
        Ok(())
    }
}

/// A line, and a few of what it speaks of.
pub(in crate::commands) fn examples(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    all: &[String],
) -> fmt::Result {
    writeln!(f, "  {what}:")?;
    for example in all.iter().take(EXAMPLES) {
        writeln!(f, "    {}", clean(example))?;
    }
    match all.len().saturating_sub(EXAMPLES) {
        0 => Ok(()),
        more => writeln!(f, "    and {more} more"),
    }
}

/// Runs the command; the answer is no if something is not as in the snapshot.
pub(in crate::commands) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    let vault = args.vault.open(cx)?;
    let snapshot = vault.find(&args.snapshot)?;
    let to = match &args.to {
        Some(to) if to.as_os_str().is_empty() => PathBuf::new(),
        Some(to) => cx.path(to),
        None => root_of(keep.as_ref())?,
    };
    let mut request = Request {
        paths: args.paths.iter().map(|path| inside(path, &to)).collect(),
        to,
        target: match (args.in_place, args.delete) {
            (false, _) => Target::New,
            (true, false) => Target::InPlace,
            (true, true) => Target::Exact,
        },
        compare: Compare::Time,
        spared: keep.iter().map(|keep| keep.root().to_owned()).collect(),
    };
    if args.delete && !args.force {
        refuse_partial(&snapshot)?;
    }
    let is_new = request.target == Target::New;
    if is_new {
        go_on(cx, (&vault, &snapshot), &mut request);
    }
    let root = root_of(keep.as_ref()).ok();
    if args.in_place && !args.force && root.as_ref() == Some(&request.to) {
        refuse_of_other(keep.as_ref(), &snapshot)?;
    }
    vault.fetch(cx, &snapshot, (&request.paths, Depth::All))?;
    cx.ui
        .live(format!("comparing with {}", request.to.display()));
    let plan = restore::plan(&vault, &snapshot, &request);
    cx.ui.live_end();
    let plan = plan?;
    let name = vault::shortest(&snapshot.tag, &vault.snapshots()?).to_owned();
    if snapshot.missing.count > 0 {
        let missing = counted(snapshot.missing.count, "file");
        cx.ui.warn(format!(
            "the snapshot is partial: {missing} could not be read when it was taken"
        ));
    }
    let mut outcome = Outcome::new(&plan, &name);
    if args.dry_run {
        outcome.dry_run = true;
    } else {
        if !args.force {
            plan.refuse_mounted()?;
        }
        outcome.safety = safety(cx, args, (&vault, &plan), keep.as_ref())?;
        if is_new {
            restore::begin(&vault, &request, &plan)?;
        }
        outcome.problems = apply(cx, args, (&vault, &plan), outcome.safety.as_deref())?;
        restore::end(&vault, &plan);
    }
    cx.ui.show(&outcome)?;
    tell_undo(cx, args, &vault, outcome.safety.as_deref())?;
    Ok(Answer::of(outcome.problems.is_empty()))
}

/// Goes on with a restore into a new folder that did not come to its end, if it is one.
fn go_on(cx: &mut Context, (vault, snapshot): (&Vault, &Snapshot), request: &mut Request) {
    let Some(compare) = restore::was_begun(vault, snapshot, request) else {
        return;
    };
    let what = "goes on with a restore that did not come to its end";
    cx.ui.status(match compare {
        Compare::Time => what.to_owned(),
        Compare::Nothing => {
            format!("{what}; the machine went down meanwhile, so all files are written again")
        }
    });
    (request.target, request.compare) = (Target::InPlace, compare);
}

/// Does what was planned; returns what could not be done.
fn apply(
    cx: &mut Context,
    args: &Args,
    (vault, plan): (&Vault, &Plan),
    safety: Option<&str>,
) -> Result<Vec<Problem>, Failure> {
    let what = format!("restoring to {}", plan.to.display());
    let restored = shown(&mut cx.ui, &what, |counter| {
        counter.expect(plan.entries(), plan.bytes);
        restore::apply(vault, plan, counter)
    });
    if restored.is_err() {
        tell_undo(cx, args, vault, safety)?;
    }
    let so_far = "what is restored so far stays; the same command goes on with it";
    let restored = restored.map_err(|error| Failure::from(error).hint(so_far))?;
    Ok(restored.problems)
}

/// What one machine had is seldom meant to be in the place of what another has.
pub(in crate::commands) fn refuse_of_other(
    keep: Option<&Keep>,
    snapshot: &Snapshot,
) -> Result<(), Failure> {
    let host = keep.map(Keep::host).unwrap_or_default();
    if host.is_empty() || host == snapshot.host {
        return Ok(());
    }
    Err(Failure::user(format!(
        "the snapshot is of another machine, {}: this is {host}",
        snapshot.host
    ))
    .hint("restore it into a new folder: `--to DIR`")
    .hint("put it in the place of what is here all the same: `--force`"))
}

/// What could not be read when a snapshot was taken would be removed, as if it had not been there.
pub(in crate::commands) fn refuse_partial(snapshot: &Snapshot) -> Result<(), Failure> {
    let missing = &snapshot.missing;
    if missing.count == 0 {
        return Ok(());
    }
    let some: Vec<_> = missing
        .paths
        .iter()
        .take(3)
        .map(|path| clean(path))
        .collect();
    Err(Failure::user(format!(
        "the snapshot is partial: {} could not be read when it was taken ({}{})",
        counted(missing.count, "file"),
        some.join(", "),
        if missing.count > some.len() as u64 {
            ", …"
        } else {
            ""
        }
    ))
    .hint("see what it lacks: `buildkeep backup show SNAPSHOT`")
    .hint("remove what it does not have all the same: `--force`"))
}

/// Takes a snapshot of what the plan replaces, unless that is not wanted; its tag.
fn safety(
    cx: &mut Context,
    args: &Args,
    (vault, plan): (&Vault, &Plan),
    keep: Option<&Keep>,
) -> Result<Option<String>, Failure> {
    if args.no_safety || plan.replaced.is_empty() && plan.removed.is_empty() {
        return Ok(None);
    }
    let info = SnapshotInfo {
        host: create::host(cx, keep)?,
        op: cx.op.clone(),
        step: None,
        with: Vec::new(),
        reason: Some(restore::REASON),
        back_to: None,
    };
    let world = &cx.world;
    let kept = shown(&mut cx.ui, "keeping what will be replaced", |counter| {
        restore::keep_replaced(vault, plan, &info, world, counter)
    });
    let refused = |error| {
        Failure::from(error).hint("replace files without keeping them first: `--no-safety`")
    };
    Ok(kept.map_err(refused)?.map(|created| created.snapshot.tag))
}

/// Says how what was replaced can be put back.
fn tell_undo(
    cx: &mut Context,
    args: &Args,
    vault: &Vault,
    safety: Option<&str>,
) -> Result<(), Failure> {
    let Some(tag) = safety else {
        return Ok(());
    };
    let all = vault.snapshots()?;
    let mut command = format!(
        "buildkeep backup restore {} --in-place",
        vault::shortest(tag, &all)
    );
    if let Some(to) = &args.to {
        command.push_str(&format!(" --to {}", quoted(to)));
    }
    command.push_str(&args.vault.here().as_typed());
    cx.ui
        .hint(format!("put back what was replaced: `{command}`"));
    Ok(())
}

/// A path that may have been typed as it is on the disk.
fn inside(path: &std::path::Path, to: &std::path::Path) -> PathBuf {
    path.strip_prefix(to).unwrap_or(path).to_owned()
}
