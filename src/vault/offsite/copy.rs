//! Copying packs into a repository on a disk of ours.
use std::collections::HashSet;

use super::{Destination, Lacking, Sending, Sent};
use crate::store::pack::{Objects, PackScan, Packs, Part, Size, copy_entries};
use crate::store::{Expect, ObjectId, PushOutcome, PushedRef};
use crate::vault::{Error, Vault};
use crate::world::World;

/// Copies what is lacking, then makes the refs.
pub(super) fn copy(
    (vault, target): (&Vault, &Vault),
    to: &Destination<'_>,
    (lacking, world): (&Lacking, &World),
    watch: &mut dyn FnMut(Sending),
) -> Result<Sent, Error> {
    let _lock = target.lock(world)?;
    let _no_gc = target.repo().keep_gc_out()?;
    let packs = Packs::begin(&target.objects_dir(), &[])?;
    let bytes = copy_objects(vault, &packs, lacking, watch)?;
    packs.finish()?;
    Ok(Sent {
        refs: set_refs(target, to, lacking)?,
        bytes,
    })
}

/// A pack of ours, with those of its entries that are lacking.
struct Share {
    scan: PackScan,
    needed: Vec<crate::store::pack::PackEntry>,
    is_whole: bool,
    bytes: u64,
}

fn copy_objects(
    vault: &Vault,
    packs: &Packs,
    lacking: &Lacking,
    watch: &mut dyn FnMut(Sending),
) -> Result<u64, Error> {
    let ids = lacking.objects.iter().map(|(_, id)| *id);
    let mut left: HashSet<_> = ids.filter(|id| !packs.has(id)).collect();
    let mut shares = Vec::new();
    for index in PackScan::indexes(&vault.objects_dir())? {
        if PackScan::is_readable(&index) {
            shares.extend(share(PackScan::open(&index)?, &mut left)?);
        }
    }
    let mut sending = Sending {
        sent: 0,
        total: shares.iter().map(|share| share.bytes).sum(),
    };
    let mut writer = packs.writer();
    for share in &shares {
        let part = Part {
            scan: &share.scan,
            entries: &share.needed,
        };
        let mut copied = |bytes| {
            sending.sent += bytes;
            watch(sending);
        };
        if share.is_whole {
            packs.adopt(&part, &mut copied)?;
        } else {
            copy_entries(&part, &mut writer)?;
            copied(share.bytes);
        }
    }
    // What lies in no pack, and what only makes sense together with other entries of its pack.
    let objects = Objects::open(&vault.objects_dir())?;
    let (mut reader, mut content) = (objects.reader(), Vec::new());
    for id in left {
        let kind = reader.read(&id, &mut content)?;
        writer.add(kind, &content, Size::Small)?;
    }
    writer.finish()?;
    Ok(sending.sent)
}

/// What of a pack is still to be copied; takes it out of `left`.
fn share(scan: PackScan, left: &mut HashSet<ObjectId>) -> Result<Option<Share>, Error> {
    let mut entries = scan.entries();
    let length = |entry: &crate::store::pack::PackEntry| entry.end.saturating_sub(entry.offset);
    let is_needed = |entry: &crate::store::pack::PackEntry| left.contains(&entry.id);
    let all: u64 = entries.iter().map(length).sum();
    let bytes: u64 = entries.iter().filter(|e| is_needed(e)).map(length).sum();
    let is_whole = bytes > all / 2;
    if bytes == 0 || (!is_whole && scan.has_deltas()?) {
        return Ok(None);
    }
    if !is_whole {
        entries.retain(is_needed);
    }
    for entry in &entries {
        left.remove(&entry.id);
    }
    Ok(Some(Share {
        scan,
        needed: entries,
        is_whole,
        bytes: if is_whole { all } else { bytes },
    }))
}

/// Makes the refs; one that is there for something else stays as it is.
fn set_refs(
    target: &Vault,
    to: &Destination<'_>,
    lacking: &Lacking,
) -> Result<Vec<PushedRef>, Error> {
    let mut pushed = Vec::new();
    let mut change = target.repo().begin();
    for (tag, id) in &lacking.tags {
        let name = to.ref_of(tag);
        let is_new = target.repo().find_ref(&name)?.is_none();
        let (outcome, summary) = if is_new {
            change.set_ref(&name, Expect::Absent, *id, "push")?;
            (PushOutcome::Created, "[new reference]")
        } else {
            (PushOutcome::Rejected, "[rejected] (already exists)")
        };
        pushed.push(PushedRef {
            name,
            outcome,
            summary: summary.to_owned(),
        });
    }
    change.finish()?;
    Ok(pushed)
}
