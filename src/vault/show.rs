//! Looking into a snapshot.
use std::path::{Component, Path};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::folder::{StoredFolder, shown};
use super::meta::{Decoded, Kind, Owners, Record};
use super::{Error, Snapshot, Vault};
use crate::store::pack::Objects;
use crate::world::rfc3339;

/// An entry of a folder in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is; `unknown` if a newer buildkeep stored it.
    pub kind: &'static str,
    /// Its mode, in octal digits; as all that follows empty for a folder, which is shown by itself.
    pub mode: Option<String>,
    /// Its owner, by name if that was known.
    pub user: Option<String>,
    /// Its group, by name if that was known.
    pub group: Option<String>,
    /// When it was changed.
    pub mtime: Option<String>,
    /// Its size, if it is a file.
    pub size: Option<u64>,
    /// Where it leads, if it is a link.
    pub target: Option<String>,
}

/// The entries of a folder, or the one entry that is no folder.
pub fn entries(vault: &Vault, snapshot: &Snapshot, path: &Path) -> Result<Vec<Entry>, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    let mut folder = StoredFolder::read(&mut reader, snapshot.tree_id, b"")?;
    let owners = std::mem::take(&mut folder.meta.owners);
    let missing = || Error::NotInSnapshot {
        tag: snapshot.tag.clone(),
        path: path.display().to_string(),
    };
    for part in path.components() {
        let Component::Normal(name) = part else {
            continue;
        };
        let found = folder
            .meta
            .entries
            .iter()
            .find(|entry| entry.name() == name.as_encoded_bytes());
        let (record, id) = match found.ok_or_else(missing)? {
            Decoded::Known(record) if record.kind == Kind::Folder => {
                (record, folder.object(record).ok_or_else(missing)?.1)
            }
            entry => return Ok(vec![describe(entry, &owners)]),
        };
        folder = StoredFolder::read(&mut reader, id, &record.name)?;
    }
    Ok(folder
        .meta
        .entries
        .iter()
        .map(|entry| describe(entry, &owners))
        .collect())
}

fn describe(entry: &Decoded, owners: &Owners) -> Entry {
    let mut described = Entry {
        name: shown(entry.name()),
        kind: "unknown",
        mode: None,
        user: None,
        group: None,
        mtime: None,
        size: None,
        target: None,
    };
    if let Decoded::Known(record) = entry {
        described.kind = word(record.kind);
        if record.kind != Kind::Folder {
            describe_stat(&mut described, record, owners);
        }
    }
    described
}

fn describe_stat(entry: &mut Entry, record: &Record, owners: &Owners) {
    let named = |name: Option<&Vec<u8>>, id: u32| name.map_or(id.to_string(), |name| shown(name));
    entry.mode = Some(format!("{:04o}", record.mode));
    entry.user = Some(named(owners.users.get(&record.uid), record.uid));
    entry.group = Some(named(owners.groups.get(&record.gid), record.gid));
    let time = DateTime::<Utc>::from_timestamp(record.mtime.seconds, record.mtime.nanos);
    entry.mtime = time.map(rfc3339);
    entry.size = (record.kind == Kind::File).then_some(record.size);
    entry.target = (record.kind == Kind::Link).then(|| shown(&record.target));
}

pub(super) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Folder => "folder",
        Kind::Link => "link",
        Kind::CharDevice => "char_device",
        Kind::BlockDevice => "block_device",
        Kind::Fifo => "fifo",
    }
}
