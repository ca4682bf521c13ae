//! Repairing: what is lost here is taken from copies of the vault.
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::verify::{Damage, Verified, verify};
use super::{Error, Progress, Share, Vault};
use crate::store::ObjectId;
use crate::store::pack::{Objects, PackWriter, Packs, Size, object_id};
use crate::world::World;

/// What became of the damage.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    /// What was wrong before.
    pub found: Vec<Damage>,
    /// Objects that copies had whole.
    pub brought: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// What is still wrong.
    pub left: Vec<Damage>,
}

/// Repairs a vault from the `objects` folders of copies. Damaged packs go: what is whole in them is
/// written anew, and so is what a copy has whole of the rest.
pub fn repair(
    vault: &Vault,
    copies: &[PathBuf],
    world: &World,
    progress: &(dyn Progress + Sync),
) -> Result<Repaired, Error> {
    let mut done = Repaired::default();
    let mut seen = verify(vault, Share::All, progress)?;
    done.found.clone_from(&seen.damage);
    let copies = copies.iter().map(|dir| Ok(Objects::open_intact(dir)?.0));
    let copies: Vec<Objects> = copies.collect::<Result<_, Error>>()?;
    // A folder that comes back may name more that is lost.
    while !seen.damage.is_empty() {
        let (objects, bytes) = bring(vault, &seen, (&copies, world))?;
        done.brought += objects;
        done.bytes += bytes;
        let before = seen.damage;
        seen = verify(vault, Share::All, progress)?;
        if objects == 0 && seen.damage == before {
            break;
        }
    }
    done.left = seen.damage;
    Ok(done)
}

/// Brings what is lost from the copies, and takes damaged packs out of the vault.
fn bring(
    vault: &Vault,
    seen: &Verified,
    (copies, world): (&[Objects], &World),
) -> Result<(u64, u64), Error> {
    let _lock = vault.lock(world)?;
    let _no_gc = vault.repo().keep_gc_out()?;
    let damaged = vault.damaged()?;
    let packs = Packs::begin(&vault.objects_dir(), &damaged.packs)?;
    let salvaged = vault.salvage(&damaged, &packs)?;
    let named = seen.damage.iter().filter_map(|one| one.object.as_deref());
    let named = named.filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok());
    let lost: BTreeSet<ObjectId> = named.chain(salvaged.lost.iter().copied()).collect();
    let mut writer = packs.writer();
    let (mut objects, mut bytes) = (0, 0);
    for id in lost.iter().filter(|id| !packs.has(id)) {
        if let Some(size) = take(id, copies, &mut writer)? {
            objects += 1;
            bytes += size;
        }
    }
    writer.finish()?;
    let is_lost = !salvaged.lost.iter().all(|id| packs.has(id));
    packs.finish()?;
    vault.retire(&damaged, is_lost)?;
    Ok((objects, bytes))
}

/// Writes an object that a copy has whole; tells how large it is.
fn take(
    id: &ObjectId,
    copies: &[Objects],
    writer: &mut PackWriter<'_>,
) -> Result<Option<u64>, Error> {
    let mut content = Vec::new();
    for copy in copies {
        let read = copy.reader().read(id, &mut content);
        let Ok(kind) = read else {
            continue;
        };
        if object_id(kind, &content).is_ok_and(|found| found == *id) {
            writer.add(kind, &content, Size::Small)?;
            return Ok(Some(content.len() as u64));
        }
    }
    Ok(None)
}
