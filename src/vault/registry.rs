//! The vaults that a keep knows on this machine.
//!
//! Where a vault lies is a fact of the machine, not of the keep's history, so the list is a private
//! file: one path a line, besides the default vault.
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Error, default_path};
use crate::fs::{PathError, create_dirs_durable, read_optional, write_durable};

/// The paths of all known vaults, the default one first, whether they exist or not.
pub fn known(private: &Path) -> Result<Vec<PathBuf>, PathError> {
    let text = read_optional(&private.join("vaults"))?.unwrap_or_default();
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let named = lines.map(|line| PathBuf::from(OsStr::from_bytes(line)));
    Ok(std::iter::once(default_path(private))
        .chain(named)
        .collect())
}

/// Remembers a vault.
pub fn remember(private: &Path, vault: &Path) -> Result<(), Error> {
    let mut all = known(private)?;
    if all.iter().any(|path| path == vault) {
        return Ok(());
    }
    all.push(vault.to_owned());
    let mut text = Vec::new();
    for path in all.iter().skip(1) {
        text.extend_from_slice(path.as_os_str().as_bytes());
        text.push(b'\n');
    }
    create_dirs_durable(private)?;
    Ok(write_durable(&private.join("vaults"), &text)?)
}
