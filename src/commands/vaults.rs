//! Which vault a command means.
use std::path::{Path, PathBuf};

use super::Context;
pub(super) use super::progress::shown;
use crate::failure::Failure;
use crate::store::Keep;
use crate::vault::{self, Vault};

/// The option that names a vault.
#[derive(Debug, Default, clap::Args)]
pub(super) struct VaultArg {
    /// The vault, instead of the one in the keep
    #[arg(long, value_name = "DIR")]
    vault: Option<PathBuf>,
}

impl VaultArg {
    /// Where the vault lies, whether it exists or not.
    pub(super) fn path(&self, cx: &Context) -> Result<PathBuf, Failure> {
        match &self.vault {
            Some(path) => Ok(cx.path(path)),
            None => Ok(vault::default_path(&cx.keep()?.private(""))),
        }
    }

    /// The option as it has to be typed again; empty if it was not given.
    pub(super) fn as_typed(&self) -> String {
        let vault = self.vault.as_ref();
        vault.map_or_else(String::new, |path| format!(" --vault {}", quoted(path)))
    }

    /// Whether `--vault` was given.
    pub(super) fn is_named(&self) -> bool {
        self.vault.is_some()
    }

    /// The vault, which must exist.
    pub(super) fn open(&self, cx: &Context) -> Result<Vault, Failure> {
        Ok(Vault::open(&self.path(cx)?)?)
    }

    /// The keep, if there is one; without `--vault` there must be.
    pub(super) fn keep(&self, cx: &Context) -> Result<Option<Keep>, Failure> {
        match (cx.keep(), &self.vault) {
            (Ok(keep), _) => Ok(Some(keep)),
            (Err(_), Some(_)) if cx.dir.is_none() => Ok(None),
            (Err(failure), _) => Err(failure),
        }
    }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The vault of a keep, if it has one.
pub(super) fn default_vault(keep: &Keep) -> Result<Option<Vault>, Failure> {
    let path = vault::default_path(&keep.private(""));
    if !path.join("HEAD").exists() {
        return Ok(None);
    }
    Ok(Some(Vault::open(&path)?))
}

/// The folder that the keep builds.
pub(super) fn root_of(keep: Option<&Keep>) -> Result<PathBuf, Failure> {
    let root = match keep {
        Some(keep) => super::plan::load(keep)?.root,
        None => None,
    };
    root.ok_or_else(|| {
        Failure::user("which folder is not said, and no plan names a root")
            .hint("name it on the command line")
            .hint("or name what is built in plan.toml: `root = \"/mnt/lfs\"`")
    })
}

/// What a folder's snapshots are filed under, unless a name is given.
pub(super) fn set_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.is_empty() {
        "root".to_owned()
    } else {
        name.into_owned()
    }
}
