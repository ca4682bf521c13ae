//! `backup create`
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::Builder;

use serde::Serialize;
use serde_json::json;

use super::archive::stdin::StdinArgs;
use super::hooks;
use super::sets::{self, Job};
use crate::commands::progress::Counter;
use crate::commands::vaults::{VaultArg, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::{Batch, Keep, Message};
use crate::ui::{clean, counted, duration, size, style};
use crate::vault::{self, Created, Problem, Snapshot, SnapshotInfo, Source, Vault};

/// How many problems are shown.
const SHOWN: usize = 20;

/// Take a snapshot of folders: of those in buildkeep.toml, or of what is built, if none is named
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folders, each a snapshot of its own
    pub(super) paths: Vec<PathBuf>,
    /// File it under this name instead of the folder's; without a folder: the one of buildkeep.toml
    #[arg(long, value_name = "NAME")]
    pub(super) set: Option<String>,
    /// Leave out what fits this pattern, in the syntax of .gitignore
    #[arg(long, value_name = "PATTERN")]
    pub(super) exclude: Vec<String>,
    /// Leave out what is in folders with a CACHEDIR.TAG
    #[arg(long)]
    pub(super) exclude_caches: bool,
    /// Leave out files larger than this, as `500MB` or `2GiB`
    #[arg(long, value_name = "SIZE")]
    pub(super) exclude_larger_than: Option<String>,
    /// Also enter other file systems that are mounted in the folder
    #[arg(long)]
    pub(super) cross_file_systems: bool,
    /// Enter no other file system, whatever buildkeep.toml says
    #[arg(long, conflicts_with = "cross_file_systems")]
    pub(super) one_file_system: bool,
    #[command(flatten)]
    pub(super) stdin: StdinArgs,
    #[command(flatten)]
    pub(super) vault: VaultArg,
}

/// What was taken.
#[derive(Debug, Serialize)]
struct Taken {
    /// The shortest that can be typed for it.
    #[serde(skip)]
    name: String,
    snapshot: String,
    commit: String,
    files: u64,
    dirs: u64,
    bytes: u64,
    bytes_read: u64,
    bytes_added: u64,
    unchanged: u64,
    duration_s: f64,
    problems: Vec<Problem>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", style::name(clean(&self.name)))?;
        writeln!(
            f,
            "  {} in {}, {}{}",
            counted(self.files, "file"),
            counted(self.dirs, "folder"),
            size(self.bytes),
            match self.unchanged {
                0 => String::new(),
                unchanged => format!("; {unchanged} unchanged"),
            }
        )?;
        writeln!(
            f,
            "  read {}, added {} in {}",
            size(self.bytes_read),
            size(self.bytes_added),
            duration(std::time::Duration::from_secs_f64(self.duration_s))
        )
    }
}

/// Runs the command; the answer is no if something is missing from a snapshot.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    if args.stdin.is_asked() {
        return from_stdin(cx, args, keep.as_ref());
    }
    let jobs = sets::jobs(cx, args, keep.as_ref())?;
    for job in &jobs {
        check_source(&job.source.root)?;
    }
    let mut whole = true;
    for job in &jobs {
        whole &= take(cx, keep.as_ref(), job)?;
    }
    Ok(Answer::of(whole))
}

/// Takes a snapshot, with what is to be run before and after; tells whether it is whole.
fn take(cx: &mut Context, keep: Option<&Keep>, job: &Job) -> Result<bool, Failure> {
    let source = &job.source;
    let dir = keep.map_or_else(|| cx.cwd().to_owned(), |keep| keep.root().to_owned());
    let (root, vault) = (source.root.to_string_lossy(), job.vault.to_string_lossy());
    let mut facts = vec![
        ("BUILDKEEP_SET", &*source.set),
        ("BUILDKEEP_SOURCE", &*root),
        ("BUILDKEEP_VAULT", &*vault),
    ];
    hooks::run("before the backup", &job.before, &dir, &facts)?;
    let taken = snapshot(cx, keep, job);
    let (outcome, tag) = match &taken {
        Ok((true, tag)) => ("whole", &**tag),
        Ok((false, tag)) => ("partial", &**tag),
        Err(_) => ("failed", ""),
    };
    facts.extend([("BUILDKEEP_OUTCOME", outcome), ("BUILDKEEP_SNAPSHOT", tag)]);
    let after = hooks::run("after the backup", &job.after, &dir, &facts);
    let (whole, _) = taken?;
    after?;
    Ok(whole)
}

/// Takes a snapshot and shows it; tells whether it is whole, and its tag.
fn snapshot(cx: &mut Context, keep: Option<&Keep>, job: &Job) -> Result<(bool, String), Failure> {
    let vault = Vault::open_or_create(&job.vault)?;
    let info = SnapshotInfo {
        host: host(cx, keep)?,
        op: cx.op.clone(),
        step: None,
        with: Vec::new(),
        reason: None,
        back_to: None,
    };
    let what = format!("reading {}", job.source.root.display());
    let before = before(&vault, &job.source, &info)?;
    let (world, is_watched) = (&cx.world, cx.ui.is_interactive());
    let created = shown(&mut cx.ui, &what, |counter| {
        std::thread::scope(|scope| {
            match before {
                Some((entries, _)) => counter.expect(entries, 0),
                None if is_watched => {
                    let _ = Builder::new().spawn_scoped(scope, || measure(&job.source, counter));
                }
                None => {}
            }
            let created = vault::create(&vault, &job.source, &info, world, counter);
            counter.end();
            created
        })
    })?;
    if let Some(keep) = keep {
        record(cx, keep, &created)?;
    }
    let tag = created.snapshot.tag.clone();
    Ok((tell(cx, &vault, created)?, tag))
}

/// A snapshot of what another program writes.
fn from_stdin(cx: &mut Context, args: &Args, keep: Option<&Keep>) -> Result<Answer, Failure> {
    let began = cx.world.clock.since_boot();
    let vault = Vault::open_or_create(&args.vault.path(cx)?)?;
    let filing = (args.set.clone(), host(cx, keep)?);
    let taken = args.stdin.take(cx, &vault, filing)?;
    let created = Created {
        snapshot: taken.snapshot,
        bytes_read: taken.bytes_read,
        bytes_added: taken.bytes_added,
        unchanged: 0,
        duration: cx.world.clock.since_boot().saturating_sub(began),
        problems: Vec::new(),
    };
    if let Some(keep) = keep {
        record(cx, keep, &created)?;
    }
    Ok(Answer::of(tell(cx, &vault, created)?))
}

fn check_source(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    let what = if path.exists() {
        "is not a folder"
    } else {
        "does not exist"
    };
    Err(Failure::user(format!("{} {what}", path.display()))
        .hint("a snapshot is taken of a folder; name the one around the file"))
}

/// The id of this machine in the keep, else its name.
pub(super) fn host(cx: &mut Context, keep: Option<&Keep>) -> Result<String, Failure> {
    let Some(keep) = keep else {
        let name = rustix::system::uname();
        return Ok(name.nodename().to_string_lossy().into_owned());
    };
    if keep.host().is_empty() {
        // Taking the lock gives it an id.
        drop(cx.lock(keep)?);
    }
    Ok(keep.host())
}

/// How much the last snapshot of the folder has, if there is one: entries and bytes.
fn before(
    vault: &Vault,
    source: &Source,
    info: &SnapshotInfo,
) -> Result<Option<(u64, u64)>, Failure> {
    let all = vault.snapshots()?;
    let is_same = |s: &&Snapshot| s.is_whole() && s.set == source.set && s.host == info.host;
    let last = all.iter().rfind(is_same);
    Ok(last.map(|last| (last.files + last.dirs, last.bytes)))
}

/// Tells how much there is, if somebody waits for the first snapshot of a folder.
fn measure(source: &Source, counter: &Counter) {
    if let Some((entries, bytes)) = vault::measure(source, &|| !counter.is_over()) {
        counter.expect(entries, bytes);
    }
}

/// Shows a snapshot and what it lacks; tells whether it is whole.
fn tell(cx: &mut Context, vault: &Vault, created: Created) -> Result<bool, Failure> {
    for problem in created.problems.iter().take(SHOWN) {
        cx.ui.warn(clean(&problem.to_string()));
    }
    match created.problems.len().saturating_sub(SHOWN) {
        0 => {}
        more => cx.ui.warn(format!("and {more} more; `--json` lists all")),
    }
    let whole = !created.problems.iter().any(Problem::is_loss);
    let all = vault.snapshots()?;
    cx.ui.show(&Taken {
        name: vault::shortest(&created.snapshot.tag, &all).to_owned(),
        snapshot: created.snapshot.tag,
        commit: created.snapshot.commit_id.to_string(),
        files: created.snapshot.files,
        dirs: created.snapshot.dirs,
        bytes: created.snapshot.bytes,
        bytes_read: created.bytes_read,
        bytes_added: created.bytes_added,
        unchanged: created.unchanged,
        duration_s: created.duration.as_secs_f64(),
        problems: created.problems,
    })?;
    Ok(whole)
}

/// The last backup, so that `status` can show how old it is.
fn record(cx: &mut Context, keep: &Keep, created: &Created) -> Result<(), Failure> {
    let snapshot = &created.snapshot;
    let time = cx.world.clock.stamp();
    let text = json!({
        "time": time,
        "snapshot": snapshot.tag,
        "files": snapshot.files,
        "bytes": snapshot.bytes,
    });
    let mut trailers = cx.trailers("backup", keep);
    trailers.push("Snapshot", &snapshot.tag);
    trailers.push("Files", snapshot.files);
    trailers.push("Bytes", snapshot.bytes);
    let batch = Batch {
        journals: Vec::new(),
        files: vec![("backup.json".into(), Some(format!("{text}\n").into_bytes()))],
        message: Message::new(format!("backup: {}", snapshot.tag), trailers),
    };
    let guard = cx.lock(keep)?;
    keep.publish(&guard, &batch, &cx.signature(keep))?;
    Ok(())
}
