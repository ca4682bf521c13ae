//! Packs that are removed, in steps that a death can come between.
//!
//! The index of a pack goes first: without it nobody looks into the pack, and nobody would ever
//! remove it either. So the names of the packs that go are written down before.
use std::path::{Path, PathBuf};

use super::{Error, Vault};
use crate::fs::{read_optional, remove_file_durable, write_durable};

impl Vault {
    /// Removes packs. The caller holds the lock, and all that is needed of them is in others.
    pub(super) fn remove_packs(&self, indexes: &[PathBuf]) -> Result<(), Error> {
        if indexes.is_empty() {
            return Ok(());
        }
        let names = indexes
            .iter()
            .filter_map(|index| index.file_name()?.to_str());
        let names = names.collect::<Vec<_>>().join("\n");
        write_durable(&self.going(), names.as_bytes())?;
        // Git's index of all packs names those that go.
        remove_file_durable(&self.objects_dir().join("pack/multi-pack-index"))?;
        for index in indexes {
            for file in files_of(index) {
                remove_file_durable(&file)?;
            }
        }
        Ok(remove_file_durable(&self.going())?)
    }

    /// Removes what a death left of packs that were being removed. One whose index is there still
    /// may have been built upon since, and stays.
    pub(super) fn finish_removal(&self) -> Result<(), Error> {
        let Some(names) = read_optional(&self.going())? else {
            return Ok(());
        };
        let names = String::from_utf8_lossy(&names).into_owned();
        let folder = self.objects_dir().join("pack");
        let is_name = |name: &&str| name.starts_with("pack-") && !name.contains('/');
        for index in names.lines().filter(is_name).map(|name| folder.join(name)) {
            if !index.exists() {
                for file in files_of(&index) {
                    remove_file_durable(&file)?;
                }
            }
        }
        Ok(remove_file_durable(&self.going())?)
    }

    fn going(&self) -> PathBuf {
        self.path().join("buildkeep/going")
    }
}

/// The files of a pack, the index first: without it the others mean nothing.
pub(super) fn files_of(index: &Path) -> impl Iterator<Item = PathBuf> {
    let extensions = ["idx", "pack", "rev", "bitmap", "mtimes", "keep"];
    let files = extensions.map(|extension| index.with_extension(extension));
    files.into_iter().filter(|path| path.exists())
}
