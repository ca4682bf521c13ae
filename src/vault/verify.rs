//! Verifying a vault: every byte of every object, and every snapshot from its tag to its files.
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::folder::{StoredFolder, chunks};
use super::meta::{Decoded, Kind};
use super::queue::{Job, Queue};
use super::share::{Share, choose};
use super::{Error, Progress, Vault};
use crate::store::ObjectId;
use crate::store::pack::{
    Mode, ObjectReader, Objects, PackEntry, PackError, PackScan, loose_objects, object_id,
};

/// Bytes of a pack that one worker reads at a time.
const PIECE: u64 = 4 << 20;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Objects read.
    pub objects: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// Snapshots walked.
    pub snapshots: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
    /// Whether the next backup knows of it.
    pub can_heal: bool,
    /// Of a part: the bytes of packs that were read, and all of them.
    pub part: Option<(u64, u64)>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Damage {
    /// What is wrong.
    pub what: String,
    /// The object.
    pub object: Option<String>,
    /// The file in the vault.
    pub file: Option<String>,
    /// Where in that file.
    pub offset: Option<u64>,
    /// The first snapshot that needs it.
    pub snapshot: Option<String>,
    /// The path in that snapshot.
    pub path: Option<String>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.snapshot, &self.path) {
            (Some(snapshot), Some(path)) if !path.is_empty() => write!(f, "{snapshot}:{path}: ")?,
            (Some(snapshot), _) => write!(f, "{snapshot}: ")?,
            _ => {}
        }
        f.write_str(&self.what)?;
        if let Some(object) = &self.object {
            write!(f, ", object {object}")?;
        }
        if let Some(file) = &self.file {
            write!(f, ", in {file}")?;
        }
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

/// Verifies a vault, or a part of it; damage is a result, not an error.
pub fn verify(
    vault: &Vault,
    share: Share,
    progress: &(dyn Progress + Sync),
) -> Result<Verified, Error> {
    let objects_dir = vault.objects_dir();
    let (objects, unreadable) = Objects::open_intact(&objects_dir)?;
    let mut all = Bytes::new(progress);
    for error in unreadable {
        all.note(Damage {
            what: error.to_string(),
            ..Damage::default()
        });
    }
    let packs = all.open_packs(&objects_dir)?;
    let part = all.read_share(vault, &packs, share)?;
    if share != Share::Structure {
        all.read_others(&objects_dir, &objects)?;
    }
    let mut structure = Structure {
        reader: objects.reader(),
        bad: all.by_object(),
        seen: HashSet::new(),
        missing: Vec::new(),
    };
    let snapshots = structure.walk_all(vault)?;
    let mut damage: Vec<_> = structure.bad.into_values().collect();
    damage.extend(structure.missing);
    damage.extend(all.taken());
    damage.sort();
    let noted = match share {
        Share::All => vault.note_damage(!damage.is_empty(), &locked(&all.packs)),
        _ => vault.note_more_damage(!damage.is_empty(), &locked(&all.packs)),
    };
    Ok(Verified {
        can_heal: noted.is_ok(),
        objects: all.objects.into_inner(),
        bytes: all.content.into_inner(),
        snapshots,
        damage,
        part,
    })
}

/// A pack, and the file as people know it.
struct NamedPack {
    scan: PackScan,
    name: String,
}

/// Reads every byte.
struct Bytes<'p> {
    objects: AtomicU64,
    content: AtomicU64,
    damage: Mutex<Vec<(Option<ObjectId>, Damage)>>,
    /// Entries that only make sense together with others.
    deltas: Mutex<Vec<ObjectId>>,
    /// The packs in which something is damaged.
    packs: Mutex<BTreeSet<String>>,
    progress: &'p (dyn Progress + Sync),
}

impl<'p> Bytes<'p> {
    fn new(progress: &'p (dyn Progress + Sync)) -> Self {
        Self {
            objects: AtomicU64::new(0),
            content: AtomicU64::new(0),
            damage: Mutex::default(),
            deltas: Mutex::default(),
            packs: Mutex::default(),
            progress,
        }
    }

    fn open_packs(&self, objects_dir: &Path) -> Result<Vec<NamedPack>, Error> {
        let mut packs = Vec::new();
        for index in PackScan::indexes(objects_dir)? {
            // What cannot be opened was noted already.
            let Ok(scan) = PackScan::open(&index) else {
                continue;
            };
            let name = scan.path().strip_prefix(objects_dir).unwrap_or(scan.path());
            let name = format!("objects/{}", name.display());
            if let Some(what) = scan.check_frame()? {
                self.note(Damage {
                    what,
                    file: Some(name.clone()),
                    ..Damage::default()
                });
            }
            packs.push(NamedPack { scan, name });
        }
        Ok(packs)
    }

    /// Reads packs, or a part of them; tells how much of it, and of how much.
    fn read_share(
        &self,
        vault: &Vault,
        packs: &[NamedPack],
        share: Share,
    ) -> Result<Option<(u64, u64)>, Error> {
        let cut = packs.iter().enumerate();
        let cut = cut.flat_map(|(at, pack)| pieces(pack.scan.entries()).map(move |one| (at, one)));
        let mut all: Vec<(usize, Vec<PackEntry>)> = match share {
            Share::Structure => Vec::new(),
            _ => cut.filter(|(_, entries)| !entries.is_empty()).collect(),
        };
        let Share::Part(percent) = share else {
            self.read_packs(packs, all)?;
            return Ok(None);
        };
        let places: Vec<_> = all
            .iter()
            .map(|(at, entries)| {
                let bytes = entries
                    .iter()
                    .map(|entry| entry.end.saturating_sub(entry.offset));
                ((packs[*at].name.clone(), entries[0].offset), bytes.sum())
            })
            .collect();
        let chosen = choose(&places, percent, vault.last_read().as_ref());
        let read = chosen.iter().map(|at| places[*at].1).sum();
        let total = places.iter().map(|(_, bytes)| bytes).sum();
        let wanted = chosen.iter().map(|at| std::mem::take(&mut all[*at]));
        self.read_packs(packs, wanted.collect())?;
        if let Some(last) = chosen.last() {
            // Whoever may only read begins anew each time.
            let _ = vault.note_read(&places[*last].0);
        }
        Ok(Some((read, total)))
    }

    /// All cores take pieces of packs.
    fn read_packs(
        &self,
        packs: &[NamedPack],
        pieces: Vec<(usize, Vec<PackEntry>)>,
    ) -> Result<(), Error> {
        let queue: Queue<(usize, Vec<PackEntry>), ()> = Queue::default();
        for piece in pieces {
            queue.push(Job::Folder(piece));
        }
        queue.work(super::threads(), || {
            while let Some(mut taken) = queue.next() {
                if let Some(Job::Folder((number, entries))) = taken.job() {
                    self.read_piece(&packs[number], &entries);
                }
            }
            Ok(())
        })
    }

    fn read_piece(&self, pack: &NamedPack, entries: &[PackEntry]) {
        let damaged = |entry: &PackEntry, what: String| {
            let damage = Damage {
                what,
                object: Some(entry.id.to_string()),
                file: Some(pack.name.clone()),
                offset: Some(entry.offset),
                ..Damage::default()
            };
            self.note_object(entry.id, damage);
        };
        let read = pack.scan.check(entries, |entry, fate| match fate {
            Ok(Some(size)) => self.count(size),
            Ok(None) => locked(&self.deltas).push(entry.id),
            Err(what) => damaged(entry, what),
        });
        if let Err(error) = read {
            for entry in entries {
                damaged(entry, error.to_string());
            }
        }
    }

    /// Reads deltas and loose objects.
    fn read_others(&self, objects_dir: &Path, objects: &Objects) -> Result<(), Error> {
        let mut reader = objects.reader();
        let mut content = Vec::new();
        let deltas = std::mem::take(&mut *locked(&self.deltas));
        for id in deltas.into_iter().chain(loose_objects(objects_dir)) {
            let wrong = match reader.read(&id, &mut content) {
                Ok(kind) => match object_id(kind, &content)? {
                    found if found == id => None,
                    found => Some(format!("its content has the id {found}")),
                },
                Err(error) => Some(error.to_string()),
            };
            match wrong {
                None => self.count(content.len() as u64),
                Some(what) => self.note_object(
                    id,
                    Damage {
                        what,
                        object: Some(id.to_string()),
                        ..Damage::default()
                    },
                ),
            }
        }
        Ok(())
    }

    fn count(&self, size: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.content.fetch_add(size, Ordering::Relaxed);
        self.progress.seen(1);
        self.progress.read(size);
    }

    fn note(&self, damage: Damage) {
        self.note_any(None, damage);
    }

    fn note_object(&self, id: ObjectId, damage: Damage) {
        self.note_any(Some(id), damage);
    }

    fn note_any(&self, id: Option<ObjectId>, damage: Damage) {
        let pack = damage
            .file
            .as_deref()
            .and_then(|file| file.rsplit('/').next());
        locked(&self.packs).extend(pack.map(str::to_owned));
        locked(&self.damage).push((id, damage));
    }

    /// Takes the damage that concerns objects.
    fn by_object(&self) -> HashMap<ObjectId, Damage> {
        let mut damage = locked(&self.damage);
        let (objects, others) = damage
            .drain(..)
            .partition::<Vec<_>, _>(|(id, _)| id.is_some());
        *damage = others;
        objects
            .into_iter()
            .filter_map(|(id, damage)| Some((id?, damage)))
            .collect()
    }

    fn taken(&mut self) -> Vec<Damage> {
        let all = std::mem::take(&mut *locked(&self.damage));
        all.into_iter().map(|(_, damage)| damage).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Neighbouring entries, some megabytes at a time.
fn pieces(entries: Vec<PackEntry>) -> impl Iterator<Item = Vec<PackEntry>> {
    let mut pieces = vec![Vec::new()];
    let mut bytes = 0;
    for entry in entries {
        if bytes > PIECE {
            pieces.push(Vec::new());
            bytes = 0;
        }
        bytes += entry.end.saturating_sub(entry.offset);
        if let Some(piece) = pieces.last_mut() {
            piece.push(entry);
        }
    }
    pieces.into_iter()
}

/// Walks snapshots from their tags.
struct Structure<'o> {
    reader: ObjectReader<'o>,
    /// Damaged objects; the first snapshot that needs one is filled in.
    bad: HashMap<ObjectId, Damage>,
    seen: HashSet<ObjectId>,
    missing: Vec<Damage>,
}

impl Structure<'_> {
    fn walk_all(&mut self, vault: &Vault) -> Result<u64, Error> {
        let mut count = 0;
        for (tag, target) in vault.tags()? {
            match vault.read(tag.clone(), target) {
                Ok(snapshot) => {
                    count += 1;
                    self.folder(&tag, Vec::new(), snapshot.tree_id);
                }
                Err(Error::NotASnapshot { .. }) => {}
                Err(error) => {
                    self.use_object(&tag, None, target);
                    self.wrong(&tag, None, error.to_string());
                }
            }
        }
        Ok(count)
    }

    fn folder(&mut self, tag: &str, path: Vec<u8>, tree_id: ObjectId) {
        let mut left = vec![(path, tree_id)];
        while let Some((path, tree_id)) = left.pop() {
            if !self.seen.insert(tree_id) {
                continue;
            }
            if !self.use_object(tag, Some(&path), tree_id) {
                continue;
            }
            match StoredFolder::read(&mut self.reader, tree_id, &path) {
                Ok(stored) => self.entries(tag, (&path, &stored), &mut left),
                Err(error) => self.unreadable(tag, &path, &error),
            }
        }
    }

    fn entries(
        &mut self,
        tag: &str,
        (path, stored): (&[u8], &StoredFolder),
        left: &mut Vec<(Vec<u8>, ObjectId)>,
    ) {
        if let Some((_, id)) = stored.meta_object() {
            self.use_object(tag, Some(path), id);
        }
        for entry in &stored.meta.entries {
            let Decoded::Known(record) = entry else {
                continue;
            };
            let full = super::join(path, &record.name);
            match (record.kind, stored.object(record)) {
                (Kind::Folder, Some((Mode::Tree, id))) => left.push((full, id)),
                (Kind::File | Kind::Link, Some((Mode::Tree, id))) => {
                    self.chunks(tag, &full, id);
                }
                (Kind::File | Kind::Link, Some((_, id))) => {
                    self.use_object(tag, Some(&full), id);
                }
                (Kind::Fifo | Kind::CharDevice | Kind::BlockDevice, _) => {}
                _ => self.wrong(
                    tag,
                    Some(&full),
                    "it has no content in its folder".to_owned(),
                ),
            }
        }
    }

    fn chunks(&mut self, tag: &str, path: &[u8], tree_id: ObjectId) {
        if !self.seen.insert(tree_id) || !self.use_object(tag, Some(path), tree_id) {
            return;
        }
        match chunks(&mut self.reader, tree_id) {
            Ok(chunks) => {
                for (_, id) in chunks {
                    self.use_object(tag, Some(path), id);
                }
            }
            Err(error) => self.unreadable(tag, path, &error),
        }
    }

    /// Tells whether an object is there and whole, and notes who needs it if not.
    fn use_object(&mut self, tag: &str, path: Option<&[u8]>, id: ObjectId) -> bool {
        if let Some(damage) = self.bad.get_mut(&id) {
            if damage.snapshot.is_none() {
                damage.snapshot = Some(tag.to_owned());
                damage.path = path.map(super::folder::shown);
            }
            return false;
        }
        if self.reader.contains(&id).unwrap_or(false) {
            return true;
        }
        let damage = Damage {
            what: "it is missing".to_owned(),
            object: Some(id.to_string()),
            snapshot: Some(tag.to_owned()),
            path: path.map(super::folder::shown),
            ..Damage::default()
        };
        self.bad.insert(id, damage);
        false
    }

    /// A folder that cannot be read: because of an object that is known to be bad, or by itself.
    fn unreadable(&mut self, tag: &str, path: &[u8], error: &Error) {
        match error {
            Error::Pack(PackError::Damaged { id, .. } | PackError::Missing(id)) => {
                let id = *id;
                if self.use_object(tag, Some(path), id) {
                    self.wrong(tag, Some(path), error.to_string());
                }
            }
            other => self.wrong(tag, Some(path), other.to_string()),
        }
    }

    fn wrong(&mut self, tag: &str, path: Option<&[u8]>, what: String) {
        self.missing.push(Damage {
            what,
            snapshot: Some(tag.to_owned()),
            path: path.map(super::folder::shown),
            ..Damage::default()
        });
    }
}
