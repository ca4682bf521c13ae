//! What a command of ours left that died under the lock, or that a failing disk cut off.
use std::fs;
use std::path::Path;

use super::{Error, Repo, bulk};
use crate::fs::{AtPath as _, sweep_temporaries, sync_file_system};

/// Makes durable what it moved, and deletes its temporary files. The caller holds the lock.
///
/// What it renamed can be seen, so the next command may say that it is so; but it never came to
/// sync the folder, and a power cut would take that back.
pub(super) fn settle(root: &Path, repo: &Repo) -> Result<(), Error> {
    sync_file_system(root)?;
    sync_file_system(repo.git_dir())?;
    sweep_repo(repo)?;
    let private = root.join(".buildkeep");
    sweep_temporaries(root)?;
    for inside in ["", "applied", "cache", "secrets"] {
        sweep_temporaries(&private.join(inside))?;
    }
    sweep_below(&private.join("trash"))
}

/// Deletes our temporary files in a repository whose lock the caller holds.
pub(super) fn sweep_repo(repo: &Repo) -> Result<(), Error> {
    for folder in fs::read_dir(repo.objects_dir()).into_iter().flatten() {
        let folder = folder.at("list", &repo.objects_dir())?;
        if folder.file_name().len() == 2 {
            sweep_objects(&folder.path())?;
        }
    }
    bulk::sweep(&repo.objects_dir())?;
    for inside in ["", "info", "hooks"] {
        sweep_temporaries(&repo.git_dir().join(inside))?;
    }
    Ok(())
}

/// The temporary files in a folder of ours and in all below it.
fn sweep_below(folder: &Path) -> Result<(), Error> {
    sweep_temporaries(folder)?;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_below(&entry.path())?;
        }
    }
    Ok(())
}

/// Deletes objects that were never finished: by us, as the name tells.
fn sweep_objects(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_unfinished(entry.file_name().as_encoded_bytes()) {
            fs::remove_file(entry.path()).at("delete", &entry.path())?;
        }
    }
    Ok(())
}

/// `tmp_obj_<pid>_<n>`; those of Git end in six letters and digits.
fn is_unfinished(name: &[u8]) -> bool {
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let numbers = name.strip_prefix(b"tmp_obj_").unwrap_or_default();
    let mut parts = numbers.split(|byte| *byte == b'_');
    let both = (parts.next(), parts.next(), parts.next());
    matches!(both, (Some(pid), Some(n), None) if is_number(pid) && is_number(n))
}

#[cfg(test)]
mod tests {
    use super::is_unfinished;

    #[test]
    fn only_our_own_temporary_objects_are_swept() {
        assert!(is_unfinished(b"tmp_obj_4711_0"));
        for name in ["tmp_obj_a1B2c3", "tmp_obj_123456", "tmp_obj_1_", "9a34dc"] {
            assert!(!is_unfinished(name.as_bytes()), "{name}");
        }
    }
}
