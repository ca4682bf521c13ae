//! Restores into new folders that did not come to their end: the same command goes on with them.
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Compare, Plan, Request};
use crate::fs::{
    boot_id, create_dirs_durable, read_optional, remove_file_durable, sweep_temporaries,
    write_disposable,
};
use crate::store::pack::{Kind, object_id};
use crate::vault::{Error, Snapshot, Vault};

/// Notes that a restore into a new folder begins. A vault that cannot be written goes without.
pub fn begin(vault: &Vault, request: &Request, plan: &Plan) -> Result<(), Error> {
    create_dirs_durable(&plan.to)?;
    if let (Some(note), Some(text)) = (note(vault, &plan.to), told(&plan.snapshot, request)) {
        let notes = note.parent().unwrap_or(&note);
        let _ = create_dirs_durable(notes);
        // Another restore that writes its note at this very moment goes without one.
        let _ = sweep_temporaries(notes);
        // Of one that was cut off by a power cut, what was not synced is not believed later either.
        let this = this_boot();
        let boot = if plan.compare == Compare::Time {
            &this
        } else {
            ""
        };
        let _ = write_disposable(&note, &[text.as_bytes(), boot.as_bytes()]);
    }
    Ok(())
}

/// Whether a restore of this snapshot into this very folder began and did not end; if so, what is
/// to be believed of the files there.
///
/// What was not synced before the machine went down may have its size and time, and not its content.
pub fn was_begun(vault: &Vault, snapshot: &Snapshot, request: &Request) -> Option<Compare> {
    let noted = note(vault, &request.to).and_then(|note| read_optional(&note).ok().flatten())?;
    let told = told(snapshot, request)?;
    let boot = noted.strip_prefix(told.as_bytes())?;
    let this = this_boot();
    Some(if !this.is_empty() && boot == this.as_bytes() {
        Compare::Time
    } else {
        Compare::Nothing
    })
}

/// The line of a note that says since when the machine is up; empty if the system does not tell.
fn this_boot() -> String {
    boot_id().map(|id| format!("{id}\n")).unwrap_or_default()
}

/// Notes that it came to its end.
pub fn end(vault: &Vault, plan: &Plan) {
    // One that stays is about a folder that is as the snapshot says: nothing would be done.
    let _ = note(vault, &plan.to).map(|note| remove_file_durable(&note));
}

/// One note for each folder.
fn note(vault: &Vault, to: &Path) -> Option<PathBuf> {
    let real = to.canonicalize().ok()?;
    let id = object_id(Kind::Blob, real.as_os_str().as_bytes()).ok()?;
    Some(vault.path().join(format!("buildkeep/restores/{id}")))
}

/// What is restored into which folder: another one of the same name does not count.
fn told(snapshot: &Snapshot, request: &Request) -> Option<String> {
    let folder = request.to.metadata().ok()?;
    let (device, inode) = (folder.dev(), folder.ino());
    let paths = &request.paths;
    Some(format!(
        "{} {device} {inode} {paths:?}\n",
        snapshot.commit_id
    ))
}
