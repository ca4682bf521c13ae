//! Healing: what a verification found damaged is not trusted by the next backup, which writes it
//! again if it is still in the source.
//!
//! A note in the vault names the damaged packs. As long as it is there, nothing in them counts as
//! known, and no stat cache is used. The next backup saves what is whole in them, writes the rest
//! anew as it meets it, and takes them out of the repository.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::going::files_of;
use super::{Error, Vault};
use crate::fs::{
    create_dirs_durable, read_optional, remove_file_durable, remove_tree, rename_durable,
    write_durable,
};
use crate::store::pack::{PackScan, Packs, Salvaged, salvage};

/// What is damaged in a vault, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Damaged {
    /// Whether a verification found anything.
    pub(super) noted: bool,
    /// The indexes of the packs.
    pub(super) packs: Vec<PathBuf>,
    /// The inodes of these indexes, or of what lies there instead.
    inodes: Vec<Option<u64>>,
}

impl Vault {
    /// Notes what a verification found: the damaged packs, by name; takes the note away if nothing
    /// was wrong.
    pub(super) fn note_damage(&self, found: bool, packs: &BTreeSet<String>) -> Result<(), Error> {
        let note = self.note();
        if found {
            create_dirs_durable(&self.path().join("buildkeep"))?;
            let names: Vec<&str> = packs.iter().map(String::as_str).collect();
            write_durable(&note, names.join("\n").as_bytes())?;
        } else if note.exists() {
            remove_file_durable(&note)?;
        }
        Ok(())
    }

    /// Adds what a verification of a part found to what is noted.
    pub(super) fn note_more_damage(
        &self,
        found: bool,
        packs: &BTreeSet<String>,
    ) -> Result<(), Error> {
        if !found {
            return Ok(());
        }
        let before = read_optional(&self.note())?.unwrap_or_default();
        let before = String::from_utf8_lossy(&before).into_owned();
        let all = before
            .lines()
            .map(str::to_owned)
            .chain(packs.iter().cloned());
        self.note_damage(true, &all.collect())
    }

    /// What is known to be damaged: as noted, and indexes that cannot be opened.
    pub(super) fn damaged(&self) -> Result<Damaged, Error> {
        let note = read_optional(&self.note())?;
        let text = String::from_utf8_lossy(note.as_deref().unwrap_or_default()).into_owned();
        let noted: BTreeSet<_> = text.lines().collect();
        let mut packs = PackScan::indexes(&self.objects_dir())?;
        packs.retain(|index| {
            let name = index.with_extension("pack");
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            noted.contains(&*name) || !PackScan::is_readable(index)
        });
        Ok(Damaged {
            noted: note.is_some(),
            inodes: packs.iter().map(|path| inode(path)).collect(),
            packs,
        })
    }

    /// Saves what is whole in the damaged packs.
    pub(super) fn salvage(&self, damaged: &Damaged, packs: &Packs) -> Result<Salvaged, Error> {
        if damaged.packs.is_empty() {
            return Ok(Salvaged::default());
        }
        let saved = salvage(&self.objects_dir(), &damaged.packs, packs.writer())?;
        Ok(saved)
    }

    /// Takes damaged packs out of the repository, now that all that could be saved is in others:
    /// deletes them, or sets them aside if something was lost.
    pub(super) fn retire(&self, damaged: &Damaged, is_lost: bool) -> Result<(), Error> {
        let aside = self.path().join("buildkeep/damaged");
        let packs = damaged.packs.iter().zip(&damaged.inodes);
        // The same objects in the same order make a pack of the same name: it is whole now.
        let packs = packs.filter(|(index, was)| inode(index) == **was);
        let packs: Vec<_> = packs.map(|(index, _)| index.clone()).collect();
        if is_lost && !packs.is_empty() {
            create_dirs_durable(&aside)?;
            // Git's index of all packs names those that go.
            remove_file_durable(&self.objects_dir().join("pack/multi-pack-index"))?;
            for file in packs.iter().flat_map(|index| files_of(index)) {
                let name = file.file_name().unwrap_or_default();
                rename_durable(&file, &aside.join(name))?;
            }
        } else {
            self.remove_packs(&packs)?;
        }
        if damaged.noted {
            let cache = self.path().join("buildkeep/cache");
            if cache.exists() {
                remove_tree(self.path(), &cache)?;
                create_dirs_durable(&cache)?;
            }
            remove_file_durable(&self.note())?;
        }
        Ok(())
    }

    fn note(&self) -> PathBuf {
        self.path().join("buildkeep/damage-found")
    }
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(path.symlink_metadata().ok()?.ino())
}
