//! A snapshot of what another program writes.
use std::io::{self, Read};

use super::ArchiveError;
use super::builder::Builder;
use super::entry::{Entry, EntryKind};
use super::import::{Import, Imported};
use super::store::{Store, blob_mode};
use crate::store::pack::Packs;
use crate::vault::meta::FileTime;
use crate::vault::{Error, Progress, Vault};
use crate::world::World;

/// The one file of such a snapshot.
#[derive(Clone, Debug)]
pub struct StdinFile {
    /// Its name, or its path from the top.
    pub name: Vec<u8>,
    /// Whose it is.
    pub owner: (u32, u32),
    /// When it was written.
    pub mtime: (i64, u32),
}

/// Takes a snapshot that holds what `input` gives, as one file.
pub fn create_from_reader(
    vault: &Vault,
    (filing, file): (&Import, &StdinFile),
    input: &mut dyn Read,
    world: &World,
    progress: &dyn Progress,
) -> Result<Imported, Error> {
    let mut entry = entry(file);
    let refused = |reason| super::builder::refused(&entry, reason);
    if super::entry::names(&entry.name)
        .map_err(refused)?
        .is_empty()
    {
        return Err(refused("is no name".to_owned()).into());
    }
    let _lock = vault.lock(world)?;
    let packs = Packs::begin(&vault.objects_dir(), &vault.damaged()?.packs)?;
    let mut store = Store::new(packs.writer());
    let (size, mode, id) = store.unsized_file(&mut |buffer| {
        let length = read(input, buffer)?;
        progress.read(length as u64);
        Ok(length)
    })?;
    entry.size = size;
    let mut builder = Builder::new();
    builder.add(&top(&entry), None)?;
    let mode = mode.unwrap_or_else(|| blob_mode(entry.mode));
    builder.add(&entry, Some((mode, id)))?;
    progress.seen(1);
    let (mut writer, bytes_read) = (store.writer, store.read);
    let built = builder.finish(&mut writer)?;
    writer.finish()?;
    let bytes_added = packs.finish()?.bytes;
    let (snapshot, was_there) = filing.record(vault, (built, None), world)?;
    Ok(Imported {
        snapshot,
        was_there,
        bytes_read,
        bytes_added,
        notes: Vec::new(),
    })
}

fn read(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, Error> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(ArchiveError::Read { at: 0, source }.into()),
            Ok(length) => return Ok(length),
        }
    }
}

/// Only its owner may read it: it may be a dump of secrets.
fn entry(file: &StdinFile) -> Entry {
    Entry {
        at: 0,
        kind: EntryKind::File,
        name: file.name.clone(),
        target: Vec::new(),
        mode: 0o600,
        uid: file.owner.0,
        gid: file.owner.1,
        user: Vec::new(),
        group: Vec::new(),
        mtime: FileTime {
            seconds: file.mtime.0,
            nanos: file.mtime.1,
        },
        size: 0,
        sparse: None,
        device: (0, 0),
        link: None,
        xattrs: std::collections::BTreeMap::new(),
        lost_acls: false,
    }
}

/// The folder around it.
fn top(file: &Entry) -> Entry {
    Entry {
        kind: EntryKind::Folder,
        name: Vec::new(),
        mode: 0o755,
        ..file.clone()
    }
}
