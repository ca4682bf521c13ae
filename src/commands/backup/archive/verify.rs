//! `backup archive verify`
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::catalogue::{self, Archive};
use super::output::hex;
use crate::commands::vaults::shown;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::fs::{AtPath as _, PathError};
use crate::ui::{clean, counted, size, style};
use crate::vault::restore::{self, Compare, Request, Target};
use crate::vault::{Progress, Vault};

/// Read archives to the end, and compare them with what was written
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, or ids of the list; all if none are named
    archives: Vec<String>,
}

/// What an archive turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Every byte is as it was written.
    Good,
    /// It is not what was written.
    Damaged,
    /// It is not where it went.
    Missing,
    /// It went to standard output.
    Elsewhere,
}

/// An archive with its verdict.
#[derive(Debug, Serialize)]
struct Verified {
    id: String,
    path: Option<String>,
    verdict: Verdict,
    reason: Option<String>,
    bytes: u64,
}

/// All that were read.
#[derive(Debug, Serialize)]
struct Report {
    archives: Vec<Verified>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.archives.is_empty() {
            return writeln!(
                f,
                "no archives yet; write one: buildkeep backup export latest"
            );
        }
        for one in &self.archives {
            let word = match one.verdict {
                Verdict::Good => style::good("good     "),
                Verdict::Damaged => style::bad("damaged  "),
                Verdict::Missing => style::bad("missing  "),
                Verdict::Elsewhere => style::good("elsewhere"),
            };
            let place = one.path.as_deref().unwrap_or("standard output");
            write!(f, "{word}  {}", style::name(clean(place)))?;
            match &one.reason {
                Some(reason) => writeln!(f, "  {}", clean(reason))?,
                None => writeln!(f, "  {}", size(one.bytes))?,
            }
        }
        let bad = self.archives.iter().filter(|one| is_bad(one)).count() as u64;
        let all = counted(self.archives.len() as u64, "archive");
        match bad {
            0 => writeln!(f, "{all} looked at"),
            bad => writeln!(f, "{all} looked at, {bad} cannot be relied on"),
        }
    }
}

fn is_bad(one: &Verified) -> bool {
    matches!(one.verdict, Verdict::Damaged | Verdict::Missing)
}

/// Runs the command; the answer is no if one is damaged or missing.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let mut archives = catalogue::all(&keep)?;
    if !args.archives.is_empty() {
        archives = catalogue::named(cx, archives, &args.archives)?;
    }
    let mut verified = Vec::new();
    for archive in &archives {
        let (verdict, reason) = shown(
            &mut cx.ui,
            &format!("reading {}", archive.name()),
            |counter| look(archive, counter),
        );
        verified.push(Verified {
            id: archive.id.clone(),
            path: archive.path.clone(),
            verdict,
            reason,
            bytes: archive.bytes.unwrap_or(archive.content_bytes),
        });
    }
    let good = !verified.iter().any(is_bad);
    cx.ui.show(&Report { archives: verified })?;
    Ok(Answer::of(good))
}

/// Reads an archive to the end.
pub(super) fn look(archive: &Archive, progress: &dyn Progress) -> (Verdict, Option<String>) {
    let Some(path) = archive.path.as_deref().map(Path::new) else {
        return (Verdict::Elsewhere, None);
    };
    if path.symlink_metadata().is_err() {
        return (
            Verdict::Missing,
            Some("not there, or its disk is not".to_owned()),
        );
    }
    let Some(wanted) = &archive.sha256 else {
        return look_into_folder(archive, path);
    };
    match sum(path, progress) {
        Err(error) => (Verdict::Damaged, Some(error.to_string())),
        Ok((sum, _)) if sum == *wanted => (Verdict::Good, None),
        Ok((_, bytes)) => {
            let expected = archive.bytes.unwrap_or(bytes);
            let reason = if bytes == expected {
                "its bytes are not those that were written".to_owned()
            } else {
                format!("{bytes} bytes instead of {expected}")
            };
            (Verdict::Damaged, Some(reason))
        }
    }
}

/// A folder is compared with its snapshot, as far as a restore would.
fn look_into_folder(archive: &Archive, path: &Path) -> (Verdict, Option<String>) {
    let compare = || -> Result<u64, crate::vault::Error> {
        let vault = Vault::open(Path::new(&archive.vault))?;
        let snapshot = vault.find(&archive.snapshots.concat())?;
        let request = Request {
            to: path.to_owned(),
            paths: archive.paths.iter().map(PathBuf::from).collect(),
            target: Target::InPlace,
            compare: Compare::Time,
            spared: Vec::new(),
        };
        let plan = restore::plan(&vault, &snapshot, &request)?;
        Ok(plan.files + plan.dirs + plan.changed + plan.problems.len() as u64)
    };
    match compare() {
        Ok(0) => (Verdict::Good, None),
        Ok(many) => {
            let reason = format!("{} not as in the snapshot", counted(many, "entry"));
            (Verdict::Damaged, Some(reason.replace("entrys", "entries")))
        }
        Err(error) => (Verdict::Damaged, Some(error.to_string())),
    }
}

fn sum(path: &Path, progress: &dyn Progress) -> Result<(String, u64), PathError> {
    let mut file = File::open(path).at("open", path)?;
    let (mut sum, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hex(&sum.finalize()), bytes)),
            Ok(length) => {
                sum.update(&buffer[..length]);
                bytes += length as u64;
                progress.read(length as u64);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).at("read", path),
        }
    }
}
