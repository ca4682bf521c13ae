//! Git's lock files, which a killed process leaves behind and which then block every commit.
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use crate::fs::remove_file_durable;

/// Removes lock files that no living process can own. The caller holds our own lock.
///
/// A process owns one if it has it open, or if it is a `git` at work in this keep (which closes
/// its lock file while a hook or an editor runs).
pub(super) fn remove_stale(root: &Path, git_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let stale = stale(root, git_dir);
    for lock in &stale {
        remove_file_durable(lock)?;
    }
    Ok(stale)
}

/// The lock files that no living process can own.
pub(super) fn stale(root: &Path, git_dir: &Path) -> Vec<PathBuf> {
    let mut locks = find(git_dir);
    if locks.is_empty() || git_at_work(root) {
        return Vec::new();
    }
    keep_closed(&mut locks);
    locks
}

fn find(git_dir: &Path) -> Vec<PathBuf> {
    let mut locks = Vec::new();
    collect(git_dir, &mut locks, Depth::This);
    collect(&git_dir.join("refs"), &mut locks, Depth::All);
    locks
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    This,
    All,
}

fn collect(folder: &Path, locks: &mut Vec<PathBuf>, depth: Depth) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth == Depth::All {
            collect(&entry.path(), locks, depth);
        } else if kind.is_file() && entry.path().extension() == Some(OsStr::new("lock")) {
            locks.push(entry.path());
        }
    }
}

/// The processes that `/proc` lists.
fn processes() -> impl Iterator<Item = PathBuf> {
    let numeric = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(numeric)
        .map(|entry| entry.path())
}

/// Whether a `git` works in this keep.
pub(super) fn git_at_work(root: &Path) -> bool {
    let is_git = |process: &PathBuf| {
        fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("git"))
    };
    let is_here = |process: &PathBuf| {
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(root))
    };
    processes().filter(is_git).any(|process| is_here(&process))
}

/// Keeps those files that no process has open.
pub(super) fn keep_closed(files: &mut Vec<PathBuf>) {
    for process in processes() {
        let open = fs::read_dir(process.join("fd"));
        for file in open.into_iter().flatten().flatten() {
            if let Ok(path) = fs::read_link(file.path()) {
                files.retain(|known| *known != path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_lock_stays_and_an_abandoned_one_goes() {
        let dir = tempfile::tempdir().unwrap();
        let git_dir = dir.path().canonicalize().unwrap().join(".git");
        fs::create_dir_all(git_dir.join("refs/heads")).unwrap();
        let abandoned = git_dir.join("refs/heads/main.lock");
        fs::write(&abandoned, "").unwrap();
        let _held = fs::File::create(git_dir.join("index.lock")).unwrap();
        let removed = remove_stale(dir.path(), &git_dir).unwrap();
        assert_eq!(removed, [abandoned]);
        assert!(git_dir.join("index.lock").exists());
    }
}
