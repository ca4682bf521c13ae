//! `backup create`
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::commands::vaults::{VaultArg, root_of, set_name, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::{Batch, Keep, Message};
use crate::ui::{clean, counted, duration, size, style};
use crate::vault::{self, Created, Problem, SnapshotInfo, Source, Vault};

/// Take a snapshot of folders, of what is built if none is named
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folders, each a snapshot of its own
    paths: Vec<PathBuf>,
    /// File it under this name instead of the folder's
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Leave out what fits this pattern, in the syntax of .gitignore
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    #[command(flatten)]
    vault: VaultArg,
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
    let paths = if args.paths.is_empty() {
        vec![root_of(keep.as_ref())?]
    } else {
        args.paths.iter().map(|path| cx.path(path)).collect()
    };
    for path in &paths {
        check_source(path)?;
    }
    let vault = Vault::open_or_create(&args.vault.path(cx)?)?;
    let info = SnapshotInfo {
        host: host(cx, keep.as_ref())?,
        op: cx.op.clone(),
        step: None,
        with: Vec::new(),
        reason: None,
        back_to: None,
    };
    let mut whole = true;
    for root in paths {
        let set = args.set.clone().unwrap_or_else(|| set_name(&root));
        let source = Source {
            set,
            excludes: args.exclude.clone(),
            only: None,
            root,
        };
        let what = format!("reading {}", source.root.display());
        let world = &cx.world;
        let created = shown(&mut cx.ui, &what, |counter| {
            vault::create(&vault, &source, &info, world, counter)
        })?;
        if let Some(keep) = &keep {
            record(cx, keep, &created)?;
        }
        whole &= tell(cx, &vault, created)?;
    }
    Ok(Answer::of(whole))
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

/// Shows a snapshot and what it lacks; tells whether it is whole.
fn tell(cx: &mut Context, vault: &Vault, created: Created) -> Result<bool, Failure> {
    for problem in &created.problems {
        cx.ui.warn(clean(&problem.to_string()));
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
