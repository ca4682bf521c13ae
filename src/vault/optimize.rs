//! Optimizing: packs that were written in a hurry are written anew, smaller.
//!
//! Stock Git finds what is alike and compresses well, beside the repository and without a lock, so that
//! backups go on meanwhile. What it wrote is read back and compared with every id; only then, and
//! under the lock, it takes the place of the old packs, those of them that hold nothing else that is
//! needed. Killed at any moment, the vault is whole, and the next time begins anew.
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::reach::mark;
use super::{Error, Vault};
use crate::fs::{
    AtPath as _, Holder, Lock, create_dirs_durable, read_optional, remove_file_durable,
    remove_tree, rename_durable, sync_file, write_disposable,
};
use crate::store::pack::{Objects, PackScan};
use crate::store::{GitProgram, ObjectId, delta_pack};
use crate::world::World;

/// Packs that were optimized are taken in again if they are at most so many times what is new.
const FACTOR: u64 = 2;

/// What optimizing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Optimized {
    /// Bytes of packs before.
    pub bytes_before: u64,
    /// Bytes of packs now.
    pub bytes_after: u64,
    /// Packs that were written anew.
    pub packs: u64,
}

/// A pack, by its index.
struct Pack {
    index: PathBuf,
    bytes: u64,
    /// Whether more than half of it is needed.
    is_live: bool,
}

impl Vault {
    /// Writes anew what was not optimized yet; `watch` is told how far it is, in per cent.
    pub fn optimize(
        &self,
        git: &GitProgram,
        world: &World,
        watch: &mut dyn FnMut(u64),
    ) -> Result<Optimized, Error> {
        let _alone = self.lock_of("lock-optimize", world)?;
        // A backup that is under way is waited for.
        let live = {
            let _lock = self.lock(world)?;
            self.intact_live()?
        };
        let bytes_before = self.size();
        let (old, kept) = self.choose(&live)?;
        let place = self.path().join("buildkeep/optimize");
        self.clear(&place)?;
        let mut done = Optimized {
            bytes_before,
            bytes_after: bytes_before,
            packs: old.len() as u64,
        };
        if old.is_empty() {
            return Ok(done);
        }
        create_dirs_durable(&place)?;
        let made = delta_pack(git, self.repo(), (&place, &kept), watch)?;
        {
            let _lock = self.lock(world)?;
            self.replace(&old, (&kept, made.as_deref()))?;
        }
        remove_tree(self.path(), &place)?;
        git.run(self.path(), &["prune-packed", "--quiet"])?;
        done.bytes_after = self.size();
        Ok(done)
    }

    fn lock_of(&self, name: &str, world: &World) -> Result<Lock, Error> {
        let dir = self.path().join("buildkeep");
        create_dirs_durable(&dir)?;
        let me = Holder {
            pid: std::process::id(),
            command: format!("buildkeep {}", world.argv.join(" ")),
            since: world.clock.stamp(),
        };
        Ok(Lock::acquire(
            &dir.join(name),
            &me,
            std::time::Duration::ZERO,
        )?)
    }

    /// All that refs lead to, of a vault without damage.
    fn intact_live(&self) -> Result<HashSet<ObjectId>, Error> {
        let known = self.damaged()?;
        if known.noted || !known.packs.is_empty() {
            return Err(Error::HealFirst(self.path().to_owned()));
        }
        let roots = self.repo().refs("refs/")?;
        let objects = Objects::open(&self.objects_dir())?;
        let mut live = HashSet::new();
        let roots = roots.into_iter().map(|(_, id)| id).collect();
        mark(&mut objects.reader(), roots, &mut live)?;
        Ok(live)
    }

    /// The packs to write anew, and the names of those that stay.
    fn choose(&self, live: &HashSet<ObjectId>) -> Result<(Vec<PathBuf>, Vec<String>), Error> {
        let done = self.optimized();
        let (mut old, mut stay) = (Vec::new(), Vec::new());
        for index in PackScan::indexes(&self.objects_dir())? {
            let pack = judge(index, live)?;
            if done.contains(&name_of(&pack.index)) && pack.is_live {
                stay.push(pack);
            } else if !pack.index.with_extension("keep").exists() {
                old.push(pack);
            }
        }
        stay.sort_by_key(|pack| std::cmp::Reverse(pack.bytes));
        let mut bytes: u64 = old.iter().map(|pack| pack.bytes).sum();
        while let Some(pack) = stay.pop_if(|pack| pack.bytes <= FACTOR * bytes) {
            bytes += pack.bytes;
            old.push(pack);
        }
        Ok((
            old.into_iter().map(|pack| pack.index).collect(),
            stay.iter().map(|pack| name_of(&pack.index)).collect(),
        ))
    }

    /// Removes what an interrupted time left: what it made, and of a pack that it had begun to put
    /// in its place, that too.
    fn clear(&self, place: &Path) -> Result<(), Error> {
        if !place.exists() {
            return Ok(());
        }
        let folder = self.objects_dir().join("pack");
        for index in std::fs::read_dir(place).at("read", place)?.flatten() {
            // The index goes last.
            let there = folder.join(index.file_name());
            if there.extension().is_some_and(|kind| kind == "idx") && !there.exists() {
                remove_file_durable(&there.with_extension("rev"))?;
                remove_file_durable(&there.with_extension("pack"))?;
            }
        }
        Ok(remove_tree(self.path(), place)?)
    }

    /// Puts the new pack in the place of old ones.
    fn replace(
        &self,
        old: &[PathBuf],
        (kept, made): (&[String], Option<&Path>),
    ) -> Result<(), Error> {
        let _no_gc = self.repo().keep_gc_out()?;
        let live = self.intact_live()?;
        let folder = self.objects_dir().join("pack");
        // What an interrupted time had put in its place already.
        let mut new = HashSet::new();
        for name in kept {
            let index = folder.join(name).with_extension("idx");
            new.extend(PackScan::open(&index)?.entries().iter().map(|e| e.id));
        }
        if let Some(index) = made {
            for kind in ["pack", "rev", "idx"] {
                let file = index.with_extension(kind);
                if file.exists() {
                    sync_file(&file)?;
                    rename_durable(&file, &folder.join(file.file_name().unwrap_or_default()))?;
                }
            }
            let index = folder.join(index.file_name().unwrap_or_default());
            new.extend(PackScan::open(&index)?.entries().iter().map(|e| e.id));
            self.note_optimized(&index)?;
        }
        let is_needed = |id: &ObjectId| live.contains(id) && !new.contains(id);
        let mut going = Vec::new();
        for index in old.iter().filter(|index| index.exists()) {
            // The same objects in the same order make a pack of the same name.
            let is_new = made.is_some_and(|made| made.file_name() == index.file_name());
            let entries = PackScan::open(index)?.entries();
            if !is_new && !entries.iter().any(|entry| is_needed(&entry.id)) {
                going.push(index.clone());
            }
        }
        self.remove_packs(&going)
    }

    /// The names of the packs that are as small as they become.
    fn optimized(&self) -> BTreeSet<String> {
        let text = read_optional(&self.optimized_note()).ok().flatten();
        let text = String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    fn note_optimized(&self, index: &Path) -> Result<(), Error> {
        let mut names = self.optimized();
        names.retain(|name| self.objects_dir().join("pack").join(name).exists());
        names.insert(name_of(index));
        let text = names.into_iter().collect::<Vec<_>>().join("\n");
        Ok(write_disposable(
            &self.optimized_note(),
            &[text.as_bytes()],
        )?)
    }

    fn optimized_note(&self) -> PathBuf {
        self.path().join("buildkeep/optimized")
    }
}

fn judge(index: PathBuf, live: &HashSet<ObjectId>) -> Result<Pack, Error> {
    let entries = PackScan::open(&index)?.entries();
    let needed = entries.iter().filter(|entry| live.contains(&entry.id));
    Ok(Pack {
        is_live: needed.count() * 2 > entries.len(),
        bytes: entries.last().map_or(0, |last| last.end),
        index,
    })
}

/// The name of a pack.
fn name_of(index: &Path) -> String {
    let name = index.with_extension("pack");
    name.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
