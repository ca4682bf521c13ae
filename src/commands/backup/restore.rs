//! `backup restore`
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::commands::vaults::{VaultArg, root_of, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};
use crate::vault::restore::{self, Plan, Problem, Request, Target, Trouble};

/// How many examples are shown of what went wrong, or will be replaced.
const EXAMPLES: usize = 5;

/// Restore a snapshot, or parts of it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its tag or a part of it, `latest`, `latest:SET`, a commit, or the step of a checkpoint
    snapshot: String,
    /// Paths in the snapshot; all of it if none are named
    paths: Vec<PathBuf>,
    /// The folder that becomes what the snapshot was taken of: a new or an empty one
    #[arg(long, value_name = "DIR", required_unless_present = "in_place")]
    to: Option<PathBuf>,
    /// Change what differs in a folder with content: in what is built, unless `--to` names another
    #[arg(long)]
    in_place: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    vault: VaultArg,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    snapshot: String,
    to: String,
    dry_run: bool,
    files: u64,
    dirs: u64,
    bytes: u64,
    changed: u64,
    unchanged: u64,
    replaced: Vec<String>,
    problems: Vec<Problem>,
}

impl Outcome {
    fn new(plan: &Plan, dry_run: Option<&Plan>, problems: Vec<Problem>) -> Self {
        Self {
            snapshot: plan.snapshot.tag.clone(),
            to: plan.to.display().to_string(),
            dry_run: dry_run.is_some(),
            files: plan.files,
            dirs: plan.dirs,
            bytes: plan.bytes,
            changed: plan.changed,
            unchanged: plan.unchanged,
            replaced: plan.replaced.clone(),
            problems,
        }
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
            style::name(clean(&self.snapshot)),
            clean(&self.to)
        )?;
        writeln!(
            f,
            "  {} and {} made, {}; {} with other attributes, {} as they were",
            counted(self.files, "file"),
            counted(self.dirs, "folder"),
            size(self.bytes),
            self.changed,
            self.unchanged
        )?;
        if !self.replaced.is_empty() {
            let number = counted(self.replaced.len() as u64, "entry").replace("entrys", "entries");
            examples(f, &format!("{number} replaced"), &self.replaced)?;
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
fn examples(f: &mut fmt::Formatter<'_>, what: &str, all: &[String]) -> fmt::Result {
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
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    let vault = args.vault.open(cx)?;
    let snapshot = vault.find(&args.snapshot)?;
    let to = match &args.to {
        Some(to) if to.as_os_str().is_empty() => PathBuf::new(),
        Some(to) => cx.path(to),
        None => root_of(keep.as_ref())?,
    };
    let request = Request {
        paths: args.paths.iter().map(|path| inside(path, &to)).collect(),
        to,
        target: if args.in_place {
            Target::InPlace
        } else {
            Target::New
        },
    };
    cx.ui
        .live(format!("comparing with {}", request.to.display()));
    let plan = restore::plan(&vault, &snapshot, &request)?;
    cx.ui.live_end();
    if args.dry_run {
        let problems = plan.problems.clone();
        cx.ui.show(&Outcome::new(&plan, Some(&plan), problems))?;
        return Ok(Answer::of(plan.problems.is_empty()));
    }
    let what = format!("restoring to {}", plan.to.display());
    let restored = shown(&mut cx.ui, &what, |counter| {
        restore::apply(&vault, &plan, counter)
    })?;
    let whole = restored.problems.is_empty();
    cx.ui.show(&Outcome::new(&plan, None, restored.problems))?;
    Ok(Answer::of(whole))
}

/// A path that may have been typed as it is on the disk.
fn inside(path: &std::path::Path, to: &std::path::Path) -> PathBuf {
    path.strip_prefix(to).unwrap_or(path).to_owned()
}
