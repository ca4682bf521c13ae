//! Snapshots at a remote, of which only what is asked for is fetched.
//!
//! Commits and tags come first: they are small, and tell which snapshots there are. Folders on the
//! way to a path come one by one, each with its metadata; what lies at the path comes whole.
use std::path::{Component, Path, PathBuf};

use crate::store::pack::{Mode, Objects};
use crate::store::{GitProgram, ObjectId, PartialRemote, With};
use crate::vault::folder::StoredFolder;
use crate::vault::meta::{self, Decoded};
use crate::vault::{Error, Snapshot, Vault};

/// Where the snapshots of a vault lie in a remote that also holds a keep.
const VAULTS: &str = "refs/vaults/";

/// How much of what lies at a path is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What a folder holds.
    Folder,
    /// Everything below.
    All,
}

/// A vault at a remote.
pub struct Partial<'a> {
    remote: PartialRemote<'a>,
    vault: Vault,
}

impl<'a> Partial<'a> {
    /// Asks the remote which snapshots it has; what is fetched of them lies in `dir`.
    pub fn open(git: &'a GitProgram, url: &'a str, dir: &'a Path) -> Result<Self, Error> {
        let remote = PartialRemote::open(git, dir, url)?;
        let remote = remote.ok_or_else(|| Error::NothingLess {
            url: crate::store::without_password(url),
        })?;
        let refspec = refspec(remote.refs.iter().map(|one| &*one.name));
        remote.fetch_refs(&[refspec])?;
        Ok(Self {
            remote,
            vault: Vault::open(dir)?,
        })
    }

    /// What is here of it.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Fetches what lies at these paths of a snapshot; at its top, if none are named.
    pub fn fetch(&self, snapshot: &Snapshot, paths: &[PathBuf], depth: Depth) -> Result<(), Error> {
        if paths.is_empty() {
            return self.fetch_at(snapshot, Path::new(""), depth);
        }
        paths
            .iter()
            .try_for_each(|path| self.fetch_at(snapshot, path, depth))
    }

    fn fetch_at(&self, snapshot: &Snapshot, path: &Path, depth: Depth) -> Result<(), Error> {
        let names = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.as_encoded_bytes()),
            _ => None,
        });
        let mut names = names.peekable();
        let mut tree_id = snapshot.tree_id;
        while let Some(name) = names.next() {
            let folder = self.folder(tree_id)?;
            let found = folder
                .meta
                .entries
                .iter()
                .find(|entry| entry.name() == name);
            let object = match found {
                Some(Decoded::Known(record)) => folder.object(record),
                // What is wrong with the path is said by whoever reads it.
                _ => return Ok(()),
            };
            match object {
                Some((Mode::Tree, id)) => tree_id = id,
                Some((_, id)) if names.peek().is_none() => {
                    return self.get(&[id], With::Nothing);
                }
                _ => return Ok(()),
            }
        }
        match depth {
            Depth::All => self.get(&[tree_id], With::All),
            Depth::Folder => self.folder(tree_id).map(drop),
        }
    }

    /// A folder with its metadata, fetched if it is not here.
    fn folder(&self, tree_id: ObjectId) -> Result<StoredFolder, Error> {
        self.get(&[tree_id], With::Nothing)?;
        let objects = Objects::open(&self.vault.objects_dir())?;
        let entries = crate::vault::folder::read_tree(&mut objects.reader(), tree_id, b"")?;
        let meta = entries.iter().find(|entry| entry.name == meta::NAME);
        if let Some(entry) = meta {
            let with = if entry.mode == Mode::Tree {
                With::All
            } else {
                With::Nothing
            };
            self.get(&[entry.id], with)?;
        }
        let objects = Objects::open(&self.vault.objects_dir())?;
        StoredFolder::read(&mut objects.reader(), tree_id, b"")
    }

    /// Fetches objects unless they are here: one that is may lack what it leads to.
    fn get(&self, ids: &[ObjectId], with: With) -> Result<(), Error> {
        let objects = Objects::open(&self.vault.objects_dir())?;
        let mut reader = objects.reader();
        let mut lacking = Vec::new();
        for id in ids {
            if with == With::All || !reader.contains(id)? {
                lacking.push(*id);
            }
        }
        Ok(self.remote.fetch_objects(&lacking, with)?)
    }
}

/// Which refs of a remote are snapshots: those of the vault of a keep, or the tags of a vault.
fn refspec<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut vaults = names.filter_map(|name| name.strip_prefix(VAULTS)?.split('/').next());
    let first = vaults.next();
    let name = if vaults.any(|name| name == "default") {
        Some("default")
    } else {
        first
    };
    match name {
        Some(name) => format!("+{VAULTS}{name}/*:refs/tags/*"),
        None => "+refs/tags/*:refs/tags/*".to_owned(),
    }
}
