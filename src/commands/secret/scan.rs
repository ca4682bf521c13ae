//! `secret scan`
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::{Answer, Context};
use crate::config::{Files, Sources, secrets};
use crate::document::{Problem, render};
use crate::failure::Failure;
use crate::fs::{AtPath as _, read};
use crate::store::Keep;
use crate::ui::{counted, style};

/// Look for what looks like a secret, in all files of the keep or in any files
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders to look into; without any, all files of the keep
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    files: u64,
    findings: Vec<Problem>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.files, "file");
        if self.findings.is_empty() {
            return writeln!(f, "{} in {files}", style::good("no secrets found"));
        }
        let findings = counted(self.findings.len() as u64, "finding");
        let summary = style::bad(format!("{findings} in {files}"));
        writeln!(f, "{}\n\n{summary}", render(&self.findings))
    }
}

/// Runs the command; the answer is no if something was found.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep();
    let (root, files) = match &keep {
        Ok(keep) => (keep.root(), Files::of_work_tree(keep)?),
        Err(_) => (cx.cwd(), Files::default()),
    };
    let mut paths = Vec::new();
    for path in &args.paths {
        walk(&cx.path(path), &mut paths)?;
    }
    if args.paths.is_empty() {
        paths = match keep.as_ref() {
            Ok(keep) => all(keep)?,
            Err(_) => return cx.keep().map(|_| Answer::Yes),
        };
    }
    let sources = Sources::read(&files)?;
    let today = cx.world.clock.now().date_naive();
    let mut findings = Vec::new();
    for path in &paths {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        let content = read(path)?;
        let file = (name.as_ref(), content.as_slice());
        findings.extend(secrets::check(&sources, [file], today));
    }
    let found = Found {
        files: paths.len() as u64,
        findings,
    };
    cx.ui.show(&found)?;
    Ok(Answer::of(found.findings.is_empty()))
}

/// The files that are in the last commit or would be in the next.
fn all(keep: &Keep) -> Result<Vec<PathBuf>, Failure> {
    let committed = keep.changes_between(None, keep.repo().head()?)?;
    let names = committed.into_iter().chain(keep.changes()?);
    let paths: BTreeSet<PathBuf> = names
        .map(|change| keep.root().join(change.path.to_string()))
        .filter(|path| is_file(path))
        .collect();
    Ok(paths.into_iter().collect())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// All files at or below a path, through no symlink.
fn walk(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let meta = fs::symlink_metadata(path).at("look at", path)?;
    if meta.is_file() {
        found.push(path.to_owned());
    }
    if !meta.is_dir() || path.ends_with(".git") {
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path).at("list", path)? {
        inside.push(entry.at("list", path)?.path());
    }
    inside.sort();
    inside.iter().try_for_each(|path| walk(path, found))
}
