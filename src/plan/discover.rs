//! Finding the scripts of a folder.
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::name::is_numbered;
use super::natural;
use super::script::{Fault, Unfit};
use crate::fs::{AtPath as _, PathError, is_absent};

/// Folders deeper than this are a mistake (a whole source tree, say), not a plan.
const DEEPEST: usize = 8;

/// Endings of what lies beside scripts without being one.
const NOT_SCRIPTS: &[&str] = &[
    "bak", "orig", "rej", "swp", "swo", "tmp", "old", "save", "md", "rst", "txt", "html", "patch",
    "diff", "toml", "json", "yml", "yaml", "conf", "log", "gz", "xz", "bz2", "zst", "tar", "zip",
    "sig", "asc",
];

/// Names of what lies beside scripts without being one, in upper case.
const NOT_SCRIPT_NAMES: &[&str] = &["MAKEFILE", "LICENSE", "COPYING", "CHANGELOG", "AUTHORS"];

/// A script found below a folder.
#[derive(Debug)]
pub(super) struct Found {
    /// Below the folder, with slashes.
    pub(super) relative: String,
    /// Where it lies.
    pub(super) path: PathBuf,
}

/// What a folder holds: scripts in natural order, and entries that cannot be steps as they are.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) scripts: Vec<Found>,
    pub(super) unfit: Vec<Unfit>,
}

/// Finds all scripts below `folder`.
pub(super) fn scripts(folder: &Path) -> Result<Findings, PathError> {
    let top = folder.canonicalize().at("open", folder)?;
    let mut walk = Walk {
        shown: folder,
        top,
        findings: Findings::default(),
    };
    walk.folder(folder, "", 0)?;
    let mut findings = walk.findings;
    let order = |a: &Found, b: &Found| natural::compare(&a.relative, &b.relative);
    findings.scripts.sort_by(order);
    Ok(findings)
}

struct Walk<'a> {
    shown: &'a Path,
    top: PathBuf,
    findings: Findings,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, relative: &str, depth: usize) -> Result<(), PathError> {
        if depth > DEEPEST {
            self.unfit(folder, Fault::TooDeep);
            return Ok(());
        }
        for entry in fs::read_dir(folder).at("list", folder)? {
            let entry = entry.at("list", folder)?;
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                self.unfit(&path, Fault::NotUtf8);
                continue;
            };
            if is_hidden(&name) {
                continue;
            }
            let relative = join(relative, &name);
            let kind = entry.file_type().at("look at", &path)?;
            if kind.is_dir() {
                self.folder(&path, &relative, depth + 1)?;
            } else if kind.is_symlink() {
                self.link(path, relative)?;
            } else if kind.is_file() {
                self.file(path, relative)?;
            }
        }
        Ok(())
    }

    /// A link to a script inside the folder is a step; any other would hide what is built.
    fn link(&mut self, path: PathBuf, relative: String) -> Result<(), PathError> {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if is_absent(&error) || is_loop(&error) => {
                if !is_other(&relative) {
                    self.unfit(&path, Fault::Dangling);
                }
                return Ok(());
            }
            Err(error) => return Err(error).at("follow", &path),
        };
        let is_folder = target.is_dir();
        if !is_folder && !is_step(&relative, &target)? {
            return Ok(());
        }
        if !target.starts_with(&self.top) {
            self.unfit(&path, Fault::LeadsOut(target, self.shown.to_owned()));
        } else if is_folder {
            self.unfit(&path, Fault::LinkedFolder(target));
        } else {
            self.findings.scripts.push(Found { relative, path });
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf, relative: String) -> Result<(), PathError> {
        if is_step(&relative, &path)? {
            self.findings.scripts.push(Found { relative, path });
        }
        Ok(())
    }

    fn unfit(&mut self, path: &Path, fault: Fault) {
        self.findings.unfit.push(Unfit {
            path: path.to_owned(),
            fault,
        });
    }
}

/// A regular file counts as a step by its number, its ending `.sh`, or its run bit.
fn is_step(relative: &str, path: &Path) -> Result<bool, PathError> {
    if is_other(relative) {
        return Ok(false);
    }
    let file = file_name(relative);
    let meta = fs::metadata(path).at("look at", path)?;
    let by_name = is_numbered(file) || ending(file) == Some("sh");
    Ok(meta.is_file() && (by_name || meta.permissions().mode() & 0o111 != 0))
}

/// Tells what lies beside scripts: documents, patches, left-overs of editors.
fn is_other(relative: &str) -> bool {
    let file = file_name(relative);
    let upper = file.to_uppercase();
    file.ends_with('~')
        || (file.starts_with('#') && file.ends_with('#'))
        || upper.starts_with("README")
        || NOT_SCRIPT_NAMES.contains(&upper.as_str())
        || ending(file).is_some_and(|ending| NOT_SCRIPTS.contains(&ending))
}

/// A leading `.` or `_` puts a file or folder out of the plan.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn ending(file: &str) -> Option<&str> {
    file.rsplit_once('.').map(|(_, ending)| ending)
}

fn file_name(relative: &str) -> &str {
    relative.rsplit('/').next().unwrap_or(relative)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
