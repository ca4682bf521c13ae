//! `backup import`
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::format::stem;
use super::input::{Input, unwrap};
use crate::commands::backup::create;
use crate::commands::vaults::{VaultArg, set_name, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::fs::AtPath as _;
use crate::ui::{clean, counted, size, style};
use crate::vault::archive::{Import, Imported, Shape, read_bundle};
use crate::vault::{self, LeftOut, Mounts, Snapshot, SnapshotInfo, Source, Vault, shortest};

/// Take an archive or a folder into a vault, as snapshots
///
/// Tar archives of any program, gzip and zstd, Git bundles of snapshots, encrypted or not. What
/// buildkeep exported comes back under its name and time.
#[derive(Debug, clap::Args)]
pub(in crate::commands::backup) struct Args {
    /// The file or the folder; `-` is standard input
    source: PathBuf,
    /// File it under this name
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// A file with private keys of age, for what is encrypted; may be repeated
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    #[command(flatten)]
    vault: VaultArg,
}

/// A snapshot that came in.
#[derive(Debug, Serialize)]
struct Taken {
    #[serde(skip)]
    name: String,
    snapshot: String,
    commit: String,
    was_there: bool,
    files: u64,
    dirs: u64,
    bytes: u64,
}

/// What came in.
#[derive(Debug, Serialize)]
struct Outcome {
    snapshots: Vec<Taken>,
    bytes_added: u64,
    notes: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.snapshots {
            let was_there = if one.was_there {
                ", which was there already"
            } else {
                ""
            };
            writeln!(f, "{}{was_there}", style::name(clean(&one.name)))?;
            let (files, dirs) = (counted(one.files, "file"), counted(one.dirs, "folder"));
            writeln!(f, "  {files} in {dirs}, {}", size(one.bytes))?;
        }
        writeln!(f, "  added {}", size(self.bytes_added))
    }
}

/// Runs the command; the answer is no if something could not be taken over.
pub(in crate::commands::backup) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    let host = create::host(cx, keep.as_ref())?;
    let path = cx.path(&args.source);
    let is_stdin = args.source == Path::new("-");
    if !is_stdin && path.is_dir() {
        return folder(cx, args, (&path, host));
    }
    let (reader, name): (Box<dyn Read>, _) = if is_stdin {
        (Box::new(io::stdin()), "standard input".to_owned())
    } else {
        let file = File::open(&path).at("open", &path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (Box::new(file), name.into_owned())
    };
    let mut input = unwrap(cx, &args.identity, reader)?;
    // A vault is only made for what is an archive.
    let vault = Vault::open_or_create(&args.vault.path(cx)?)?;
    let filing = Import {
        host,
        set: args.set.clone(),
        default_set: if is_stdin {
            "stdin".to_owned()
        } else {
            stem(&path)
        },
        op: cx.op.clone(),
        from: name,
    };
    let outcome = match input.shape {
        Shape::Tar => tar(cx, &vault, (&filing, &mut input))?,
        Shape::Bundle => bundle(cx, &vault, &mut input)?,
    };
    for note in &outcome.notes {
        cx.ui.warn(clean(note));
    }
    cx.ui.show(&outcome)?;
    Ok(Answer::of(outcome.notes.is_empty()))
}

fn tar(
    cx: &mut Context,
    vault: &Vault,
    (filing, input): (&Import, &mut Input),
) -> Result<Outcome, Failure> {
    let world = &cx.world;
    let what = format!("importing {}", filing.from);
    let imported = shown(&mut cx.ui, &what, |counter| {
        filing.tar(vault, &mut input.reader, world, counter)
    })?;
    one(vault, imported)
}

/// The outcome of an import that is one snapshot.
pub(super) fn one_of(vault: &Vault, imported: &Imported) -> Result<(String, Snapshot), Failure> {
    let all = vault.snapshots()?;
    let name = shortest(&imported.snapshot.tag, &all).to_owned();
    Ok((name, imported.snapshot.clone()))
}

fn one(vault: &Vault, imported: Imported) -> Result<Outcome, Failure> {
    let (name, snapshot) = one_of(vault, &imported)?;
    Ok(Outcome {
        snapshots: vec![Taken::new(name, &snapshot, imported.was_there)],
        bytes_added: imported.bytes_added,
        notes: imported.notes,
    })
}

impl Taken {
    fn new(name: String, snapshot: &Snapshot, was_there: bool) -> Self {
        Self {
            name,
            snapshot: snapshot.tag.clone(),
            commit: snapshot.commit_id.to_string(),
            was_there,
            files: snapshot.files,
            dirs: snapshot.dirs,
            bytes: snapshot.bytes,
        }
    }
}

fn bundle(cx: &mut Context, vault: &Vault, input: &mut Input) -> Result<Outcome, Failure> {
    let git = cx.git()?;
    let world = &cx.world;
    let imported = shown(&mut cx.ui, "importing", |counter| {
        read_bundle(vault, &git, &mut input.reader, (world, counter))
    })?;
    let vault = Vault::open(vault.path())?;
    let all = vault.snapshots()?;
    let taken = imported.snapshots.iter().map(|(snapshot, was_there)| {
        Taken::new(
            shortest(&snapshot.tag, &all).to_owned(),
            snapshot,
            *was_there,
        )
    });
    let left = imported
        .others
        .iter()
        .map(|name| format!("{name} is no snapshot and was left out"));
    Ok(Outcome {
        snapshots: taken.collect(),
        bytes_added: imported.bytes_added,
        notes: left.collect(),
    })
}

/// A folder comes in as a backup of it does.
fn folder(cx: &mut Context, args: &Args, (path, host): (&Path, String)) -> Result<Answer, Failure> {
    let vault = Vault::open_or_create(&args.vault.path(cx)?)?;
    let info = SnapshotInfo {
        host,
        op: cx.op.clone(),
        step: None,
        with: Vec::new(),
        reason: None,
        back_to: None,
    };
    let source = Source {
        root: path.to_owned(),
        set: args.set.clone().unwrap_or_else(|| set_name(path)),
        left_out: LeftOut::default(),
        mounts: Mounts::default(),
        only: None,
    };
    let world = &cx.world;
    let what = format!("importing {}", path.display());
    let created = shown(&mut cx.ui, &what, |counter| {
        vault::create(&vault, &source, &info, world, counter)
    })?;
    let lost = created.problems.iter().filter(|problem| problem.is_loss());
    let notes: Vec<_> = lost.map(ToString::to_string).collect();
    let imported = Imported {
        snapshot: created.snapshot,
        was_there: false,
        bytes_read: created.bytes_read,
        bytes_added: created.bytes_added,
        notes,
    };
    let outcome = one(&vault, imported)?;
    for note in &outcome.notes {
        cx.ui.warn(clean(note));
    }
    cx.ui.show(&outcome)?;
    Ok(Answer::of(outcome.notes.is_empty()))
}
