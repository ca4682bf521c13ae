//! Writing snapshots as a Git bundle: plain Git clones it, fetches from it, and so do we.
//!
//! Entries are copied from the packs as they are: nothing is compressed again. Objects that the base
//! snapshots have are left out, file by file, which `git bundle` cannot do for commits without parents.
use std::collections::HashSet;
use std::io::Write;

use super::ArchiveError;
use crate::store::ObjectId;
use crate::store::pack::{Objects, write_pack};
use crate::vault::reach::mark;
use crate::vault::{Error, Progress, Snapshot, Vault};

/// What goes into a bundle.
#[derive(Clone, Copy)]
pub struct BundleContent<'s> {
    /// The snapshots.
    pub snapshots: &'s [Snapshot],
    /// Snapshots that whoever reads it has.
    pub bases: &'s [Snapshot],
}

/// Writes a bundle; returns the number of objects in it.
pub fn write_bundle(
    vault: &Vault,
    content: BundleContent<'_>,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<u64, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    let mut known = HashSet::new();
    let bases: Vec<ObjectId> = content.bases.iter().map(|base| base.commit_id).collect();
    mark(&mut reader, bases, &mut known)?;
    let mut header = String::from("# v2 git bundle\n");
    for base in content.bases {
        header.push_str(&format!("-{} {}\n", base.commit_id, base.tag));
    }
    let mut roots = Vec::new();
    for snapshot in content.snapshots {
        let name = format!("refs/tags/{}", snapshot.tag);
        let target = vault.repo().find_ref(&name)?.unwrap_or(snapshot.commit_id);
        header.push_str(&format!("{target} {name}\n"));
        roots.push(target);
    }
    header.push('\n');
    let mut wanted = known.clone();
    mark(&mut reader, roots, &mut wanted)?;
    wanted.retain(|id| !known.contains(id));
    let count = wanted.len() as u64;
    progress.seen(count);
    out.write_all(header.as_bytes())
        .map_err(ArchiveError::Write)?;
    write_pack(&vault.objects_dir(), wanted, &mut |bytes| {
        progress.read(bytes.len() as u64);
        out.write_all(bytes)
            .map_err(|error| Error::from(ArchiveError::Write(error)))
    })?;
    out.flush().map_err(ArchiveError::Write)?;
    Ok(count)
}
