//! Forgetting snapshots, and reclaiming the room that only they used.
//!
//! First the tags go. Then everything that refs still lead to is marked; packs of which nothing is
//! needed go, and packs of which little is needed are written anew, their entries copied as they
//! are. A new pack is durable before the old one goes. Killed at any moment, the vault is whole, and
//! the next time goes on.
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use super::going::files_of;
use super::reach::mark;
use super::{Error, Snapshot, Vault};
use crate::store::ObjectId;
use crate::store::pack::{Objects, PackEntry, PackScan, Packs};
use crate::world::World;

/// Packs are written anew if less than one part in so many is needed.
const SPARSE: u64 = 2;
/// Bytes that are copied at once.
const PIECE: u64 = 4 << 20;

/// What reclaiming did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Packs deleted because nothing in them was needed.
    pub deleted: u64,
    /// Packs written anew.
    pub rewritten: u64,
    /// Bytes of the vault that became free.
    pub bytes_freed: u64,
    /// Bytes of objects that nobody needs, and that stay because their packs are mostly needed.
    pub bytes_left: u64,
}

/// What is to become of the packs.
struct Plan {
    live: HashSet<ObjectId>,
    delete: Vec<PathBuf>,
    rewrite: Vec<PathBuf>,
    told: Reclaimed,
}

impl Vault {
    /// The snapshots that somebody gave a tag of their own, by number.
    pub fn tagged(&self, snapshots: &[Snapshot]) -> Result<BTreeSet<usize>, Error> {
        let own: HashSet<&str> = snapshots.iter().map(|s| &*s.tag).collect();
        let mut commits = HashSet::new();
        for (tag, target) in self.tags()? {
            if !own.contains(&*tag) {
                commits.extend(self.repo().peel(target));
            }
        }
        let has = |number: &usize| {
            let snapshot = &snapshots[*number];
            !snapshot.is_own || commits.contains(&snapshot.commit_id)
        };
        Ok((0..snapshots.len()).filter(has).collect())
    }

    /// What forgetting these snapshots would free.
    pub fn would_free(&self, forgotten: &[&Snapshot]) -> Result<Reclaimed, Error> {
        Ok(self.plan_without(forgotten)?.told)
    }

    /// Forgets snapshots, and reclaims what only they needed. A backup that is under way is waited
    /// for.
    pub fn forget(&self, forgotten: &[&Snapshot], world: &World) -> Result<Reclaimed, Error> {
        let _lock = self.lock(world)?;
        if !forgotten.is_empty() {
            let mut change = self.repo().begin();
            for snapshot in forgotten {
                let name = format!("refs/tags/{}", snapshot.tag);
                if let Some(target) = self.repo().find_ref(&name)? {
                    change.delete_ref(&name, target)?;
                }
            }
            change.finish()?;
        }
        let _no_gc = self.repo().keep_gc_out()?;
        let plan = self.plan_without(&[])?;
        self.reclaim(&plan)?;
        Ok(plan.told)
    }

    fn plan_without(&self, forgotten: &[&Snapshot]) -> Result<Plan, Error> {
        let known = self.damaged()?;
        if known.noted || !known.packs.is_empty() {
            return Err(Error::HealFirst(self.path().to_owned()));
        }
        let without: HashSet<_> = forgotten
            .iter()
            .map(|snapshot| format!("refs/tags/{}", snapshot.tag))
            .collect();
        let refs = self.repo().refs("refs/")?;
        let roots = refs.into_iter().filter(|(name, _)| !without.contains(name));
        let objects = Objects::open(&self.objects_dir())?;
        let mut live = HashSet::new();
        mark(
            &mut objects.reader(),
            roots.map(|(_, id)| id).collect(),
            &mut live,
        )?;
        self.judge_packs(live)
    }

    fn judge_packs(&self, live: HashSet<ObjectId>) -> Result<Plan, Error> {
        let mut plan = Plan {
            live,
            delete: Vec::new(),
            rewrite: Vec::new(),
            told: Reclaimed::default(),
        };
        for index in PackScan::indexes(&self.objects_dir())? {
            if index.with_extension("keep").exists() {
                continue;
            }
            let scan = PackScan::open(&index)?;
            let (mut needed, mut dead) = (0, 0);
            for entry in scan.entries() {
                let bytes = entry.end.saturating_sub(entry.offset);
                let count = if plan.live.contains(&entry.id) {
                    &mut needed
                } else {
                    &mut dead
                };
                *count += bytes;
            }
            if needed == 0 {
                plan.told.deleted += 1;
                plan.told.bytes_freed += size_of(&index);
                plan.delete.push(index);
            } else if needed < dead / (SPARSE - 1) && !scan.has_deltas()? {
                plan.told.rewritten += 1;
                plan.told.bytes_freed += dead;
                plan.rewrite.push(index);
            } else {
                plan.told.bytes_left += dead;
            }
        }
        Ok(plan)
    }

    fn reclaim(&self, plan: &Plan) -> Result<(), Error> {
        let going: Vec<_> = plan.delete.iter().chain(&plan.rewrite).cloned().collect();
        if going.is_empty() {
            return Ok(());
        }
        let packs = Packs::begin(&self.objects_dir(), &going)?;
        let mut writer = packs.writer();
        for index in &plan.rewrite {
            let scan = PackScan::open(index)?;
            let is_live = |entry: &PackEntry| plan.live.contains(&entry.id);
            let entries: Vec<_> = scan.entries().into_iter().filter(is_live).collect();
            for piece in
                entries.chunk_by(|a, b| a.end == b.offset && a.offset / PIECE == b.offset / PIECE)
            {
                scan.copy(piece, &mut writer)?;
            }
        }
        writer.finish()?;
        packs.finish()?;
        self.remove_packs(&going)
    }
}

fn size_of(index: &std::path::Path) -> u64 {
    let sizes = files_of(index).filter_map(|file| Some(file.metadata().ok()?.len()));
    sizes.sum()
}
