//! `backup export`
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::Serialize;

use super::catalogue::{self, Archive};
use super::format::{Form, SEALED};
use super::output::{Measured, Output, through};
use super::{folder, seal};
use crate::commands::vaults::{VaultArg, shown};
use crate::commands::when::{self, End};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean, counted, size, style};
use crate::vault::archive::{BundleContent, Exported, write_bundle, write_tar};
use crate::vault::{Snapshot, Vault, shortest};
use crate::world::rfc3339;

/// Write a snapshot into an archive: a tar, a Git bundle, or a folder
#[derive(Debug, clap::Args)]
pub(in crate::commands::backup) struct Args {
    /// Its tag or a part of it, `latest`, `latest:SET`, a commit, or the step of a checkpoint
    #[arg(required_unless_present = "all")]
    snapshot: Option<String>,
    /// Paths in the snapshot; all of it if none are named
    paths: Vec<PathBuf>,
    /// Where it goes; `-` is standard output [default: SET-TIME.tar.zst here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What it is [default: what the name says]
    #[arg(short, long, value_name = "FORM")]
    format: Option<Form>,
    /// Into a bundle: all snapshots of the vault
    #[arg(long, conflicts_with_all = ["snapshot", "paths"])]
    all: bool,
    /// Into a bundle: only what this snapshot has not, which who reads it must have; may be repeated
    #[arg(long, value_name = "SNAPSHOT")]
    since: Vec<String>,
    /// Into a bundle: only what the last exported bundle has not
    #[arg(long, conflicts_with = "since")]
    since_last: bool,
    #[command(flatten)]
    recipients: seal::Recipients,
    /// When it may be deleted: a date, or a time from now (`90d`)
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    vault: VaultArg,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    archive: Archive,
    #[serde(skip)]
    names: Vec<String>,
    /// Paths of a newer format, which are not in it.
    left_out: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = &self.archive;
        let place = archive.path.as_deref().unwrap_or("standard output");
        writeln!(f, "{}", style::name(clean(place)))?;
        let what = match &self.names[..] {
            [one] => one.clone(),
            many => counted(many.len() as u64, "snapshot"),
        };
        let upon = match archive.since.len() {
            0 => String::new(),
            1 => ", upon one that its reader must have".to_owned(),
            many => format!(", upon {many} that its reader must have"),
        };
        writeln!(f, "  {}{upon}", clean(&what))?;
        writeln!(
            f,
            "  {} in {}, {}{}",
            counted(archive.files, "file"),
            counted(archive.dirs, "folder"),
            size(archive.content_bytes),
            match archive.bytes {
                Some(bytes) => format!("; the archive has {}", size(bytes)),
                None => String::new(),
            }
        )?;
        if let Some(sum) = &archive.sha256 {
            writeln!(f, "  SHA-256 {sum}")?;
        }
        if !archive.recipients.is_empty() {
            let keys = counted(archive.recipients.len() as u64, "key");
            writeln!(f, "  encrypted to {keys}")?;
        }
        match &archive.expires {
            Some(expires) => writeln!(f, "  may be deleted from {} on", day(expires)),
            None => Ok(()),
        }
    }
}

/// The day of a time.
pub(super) fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

/// What is asked for, with all questions answered.
struct Wanted {
    snapshots: Vec<Snapshot>,
    bases: Vec<Snapshot>,
    paths: Vec<PathBuf>,
    form: Form,
    /// None is standard output.
    to: Option<PathBuf>,
    keys: Vec<String>,
}

/// Runs the command; the answer is no if something is left out.
pub(in crate::commands::backup) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    let vault = args.vault.open(cx)?;
    let expires = expiry(cx, args)?;
    let wanted = wanted(cx, args, (&vault, keep.as_ref()))?;
    let (done, measured) = write(cx, &vault, &wanted)?;
    let all = vault.snapshots()?;
    let tags = |snapshots: &[Snapshot]| snapshots.iter().map(|s| s.tag.clone()).collect();
    let archive = Archive {
        id: cx.op.clone(),
        time: cx.world.clock.stamp(),
        path: wanted.to.as_ref().map(|path| path.display().to_string()),
        form: wanted.form,
        vault: vault.path().display().to_string(),
        snapshots: tags(&wanted.snapshots),
        since: tags(&wanted.bases),
        paths: wanted
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        files: done.files,
        dirs: done.dirs,
        content_bytes: done.bytes,
        bytes: measured.as_ref().map(|measured| measured.bytes),
        sha256: measured.map(|measured| measured.sha256),
        recipients: wanted.keys,
        expires,
    };
    match &keep {
        Some(keep) => catalogue::add(cx, keep, &archive)?,
        None => cx
            .ui
            .status("no keep is here, so no catalogue remembers this archive"),
    }
    for path in &done.unknown {
        cx.ui.warn(format!(
            "{} is of a newer format and was left out",
            clean(path)
        ));
    }
    let names = archive
        .snapshots
        .iter()
        .map(|tag| shortest(tag, &all).to_owned());
    let outcome = Outcome {
        names: names.collect(),
        left_out: done.unknown,
        archive,
    };
    if outcome.archive.path.is_some() {
        cx.ui.show(&outcome)?;
    } else {
        cx.ui.status(outcome.to_string().trim_end());
    }
    Ok(Answer::of(outcome.left_out.is_empty()))
}

fn wanted(
    cx: &Context,
    args: &Args,
    (vault, keep): (&Vault, Option<&Keep>),
) -> Result<Wanted, Failure> {
    let snapshots = match &args.snapshot {
        Some(spec) => vec![vault.find(spec)?],
        None => vault.snapshots()?,
    };
    let Some(last) = snapshots.last() else {
        return Err(
            Failure::user("the vault has no snapshots").hint("take one: `buildkeep backup create`")
        );
    };
    let (form, to) = place(cx, args, last)?;
    let (mut snapshots, mut bases) = (snapshots, Vec::new());
    for spec in &args.since {
        bases.push(vault.find(spec)?);
    }
    if args.since_last {
        bases = last_bundle(vault, keep)?;
    }
    if form != Form::Bundle && (args.all || args.since_last || !args.since.is_empty()) {
        return Err(
            Failure::user("only a bundle holds several snapshots, or builds upon others")
                .hint("make one: `--format bundle`"),
        );
    }
    if form == Form::Bundle && !args.paths.is_empty() {
        return Err(Failure::user("a bundle holds whole snapshots").hint("leave the paths out"));
    }
    snapshots.retain(|one| !bases.iter().any(|base| base.tag == one.tag));
    if snapshots.is_empty() {
        return Err(Failure::user("there is nothing new since then"));
    }
    let keys = args.recipients.keys(cx)?;
    if keys.is_empty() && to.as_deref().is_some_and(seal::says_sealed) {
        return Err(Failure::user(format!(
            "the name ends in `{SEALED}`, and no recipient is named"
        ))
        .hint("say who may read it: `--recipient age1…`"));
    }
    let normal = |path: &PathBuf| path.strip_prefix("/").unwrap_or(path).to_owned();
    Ok(Wanted {
        snapshots,
        bases,
        paths: args.paths.iter().map(normal).collect(),
        form,
        to,
        keys,
    })
}

/// The form, and the file: as they were typed, or as one tells of the other.
fn place(cx: &Context, args: &Args, last: &Snapshot) -> Result<(Form, Option<PathBuf>), Failure> {
    let is_stdout = args.output.as_deref() == Some(Path::new("-"));
    let named = args.output.as_deref().filter(|_| !is_stdout);
    let form = args
        .format
        .or_else(|| named.and_then(Form::of))
        .or_else(|| {
            let is_free = args.output.is_none() || is_stdout;
            let is_many = args.all || args.since_last || !args.since.is_empty();
            is_free.then_some(if is_many { Form::Bundle } else { Form::TarZst })
        });
    let Some(form) = form else {
        return Err(
            Failure::user("the name of the file does not say which form it shall have")
                .hint("end it in `.tar`, `.tar.gz`, `.tar.zst` or `.bundle`")
                .hint("or say it: `--format dir`"),
        );
    };
    if form == Form::Folder && (is_stdout || args.recipients.is_any()) {
        return Err(
            Failure::user("a folder goes neither to standard output nor to recipients")
                .hint("a tar archive does: `--format tar.zst`"),
        );
    }
    if is_stdout {
        return Ok((form, None));
    }
    let path = match named {
        Some(path) => cx.path(path),
        None => cx.cwd().join(default_name(form, last, args)),
    };
    let is_there = path.symlink_metadata().is_ok();
    if is_there && (!args.force || form == Form::Folder || path.is_dir()) {
        let there = Failure::user(format!("{} is there already", path.display()));
        return Err(if form == Form::Folder || path.is_dir() {
            there.hint("name a new one")
        } else {
            there.hint("name another file, or replace it: `--force`")
        });
    }
    Ok((form, Some(path)))
}

fn default_name(form: Form, last: &Snapshot, args: &Args) -> String {
    let time = last.tag.rsplit('/').next().unwrap_or_default();
    let sealed = if args.recipients.is_any() { SEALED } else { "" };
    let set = if args.all { "all" } else { &last.set };
    format!("{set}-{time}{}{sealed}", form.ending())
}

/// The snapshots that the last exported bundle of this vault holds.
fn last_bundle(vault: &Vault, keep: Option<&Keep>) -> Result<Vec<Snapshot>, Failure> {
    let archives = keep.map(catalogue::all).transpose()?.unwrap_or_default();
    let here = vault.path().display().to_string();
    let is_bundle = |one: &&Archive| one.form == Form::Bundle && one.vault == here;
    let Some(last) = archives.iter().rev().find(is_bundle) else {
        return Err(Failure::user("the catalogue has no bundle of this vault")
            .hint("export a whole one first, without `--since-last`"));
    };
    let all = vault.snapshots()?;
    let holds = |one: &Snapshot| last.snapshots.contains(&one.tag) || last.since.contains(&one.tag);
    let bases: Vec<_> = all.into_iter().filter(holds).collect();
    if bases.is_empty() {
        return Err(
            Failure::user(format!("the snapshots of {} are forgotten", last.name()))
                .hint("export a whole bundle, without `--since-last`"),
        );
    }
    Ok(bases)
}

fn expiry(cx: &Context, args: &Args) -> Result<Option<String>, Failure> {
    let Some(text) = &args.expires else {
        return Ok(None);
    };
    let now = cx.world.clock.now();
    let time = when::ahead(text, now).or_else(|| when::parse(text, now, End::Begin));
    match time.filter(|time| *time > now) {
        Some(time) => Ok(Some(rfc3339(time.with_timezone(&Utc)))),
        None => Err(Failure::user(format!("`{text}` is no time to come"))
            .hint("a date or a time from now: `--expires 2030-01-31`, `--expires 90d`")),
    }
}

fn write(
    cx: &mut Context,
    vault: &Vault,
    wanted: &Wanted,
) -> Result<(Exported, Option<Measured>), Failure> {
    let first = &wanted.snapshots[0];
    if let (Form::Folder, Some(to)) = (wanted.form, &wanted.to) {
        return Ok((folder::write(cx, vault, (first, &wanted.paths), to)?, None));
    }
    let mut output = match &wanted.to {
        Some(path) => Output::file(path)?,
        None => Output::stdout()?,
    };
    let done = shown(&mut cx.ui, "exporting", |counter| {
        through((wanted.form, &wanted.keys), &mut output, |out| {
            if wanted.form.is_tar() {
                return Ok(write_tar(vault, (first, &wanted.paths), out, counter)?);
            }
            let content = BundleContent {
                snapshots: &wanted.snapshots,
                bases: &wanted.bases,
            };
            write_bundle(vault, content, out, counter)?;
            Ok(totals(&wanted.snapshots))
        })
    })?;
    Ok((done, Some(output.finish()?)))
}

fn totals(snapshots: &[Snapshot]) -> Exported {
    Exported {
        files: snapshots.iter().map(|one| one.files).sum(),
        dirs: snapshots.iter().map(|one| one.dirs).sum(),
        bytes: snapshots.iter().map(|one| one.bytes).sum(),
        unknown: Vec::new(),
    }
}
