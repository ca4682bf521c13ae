//! Folders of a snapshot that come from a stream: kept in memory, but for content, until all are known.
use std::collections::{BTreeMap, HashMap};

use super::ArchiveError;
use super::entry::{Entry, EntryKind, names};
use crate::store::ObjectId;
use crate::store::pack::{
    Kind as ObjectKind, Mode, PackError, PackWriter, Size, TreeEntry, encode_tree, stored_name,
};
use crate::vault::create::store_bytes;
use crate::vault::folder::shown;
use crate::vault::meta::{self, Kind, Owners, Record, decode_record, encode_record, with_owners};

/// The number of the file system of links whose inodes the archive does not tell.
const NUMBERED: u64 = 1 << 32;

/// The folders, the top one first, each after the one that it is in.
pub(super) struct Builder {
    folders: Vec<Folder>,
    owners: Owners,
    links: u64,
}

struct Folder {
    record: Record,
    entries: BTreeMap<Vec<u8>, Slot>,
}

/// An entry of a folder.
enum Slot {
    Folder(usize),
    Other(Stored),
}

/// An entry that is no folder, small: there may be a million.
#[derive(Clone)]
struct Stored {
    object: Option<(Mode, ObjectId)>,
    record: Box<[u8]>,
    /// The file that it is a name of, if that has others.
    link: Option<(u64, u64)>,
}

/// What was built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Built {
    pub(super) tree_id: ObjectId,
    pub(super) files: u64,
    pub(super) dirs: u64,
    pub(super) bytes: u64,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            folders: vec![Folder::unnamed(0o755)],
            owners: Owners::default(),
            links: 0,
        }
    }

    /// Adds an entry; `object` is the content of a file, or the target of a link.
    pub(super) fn add(
        &mut self,
        entry: &Entry,
        object: Option<(Mode, ObjectId)>,
    ) -> Result<(), ArchiveError> {
        let refused = |reason: String| refused(entry, reason);
        let names = names(&entry.name).map_err(refused)?;
        self.note_owners(entry);
        let Some((name, folders)) = names.split_last() else {
            if entry.kind != EntryKind::Folder {
                return Err(refused("is no name in the archive".to_owned()));
            }
            self.folders[0].record = record(entry, Kind::Folder, b"");
            return Ok(());
        };
        let within = self.enter(entry, folders)?;
        let kind = match entry.kind {
            EntryKind::Folder => {
                self.add_folder(entry, (within, name));
                return Ok(());
            }
            EntryKind::HardLink => return self.add_name(entry, (within, name)),
            EntryKind::File => Kind::File,
            EntryKind::Link => Kind::Link,
            EntryKind::CharDevice => Kind::CharDevice,
            EntryKind::BlockDevice => Kind::BlockDevice,
            EntryKind::Fifo => Kind::Fifo,
        };
        let mut record = record(entry, kind, name);
        record.stored_name = object.and_then(|(mode, _)| changed_name(name, mode));
        let stored = Stored {
            object,
            record: encode_record(&record).into(),
            link: entry.link,
        };
        self.put((within, name), Slot::Other(stored));
        Ok(())
    }

    /// The folder of these names, made if the archive had none.
    fn enter(&mut self, entry: &Entry, names: &[&[u8]]) -> Result<usize, ArchiveError> {
        let mut at = 0;
        for (depth, name) in names.iter().enumerate() {
            at = match self.folders[at].entries.get(*name) {
                Some(Slot::Folder(next)) => *next,
                Some(Slot::Other(_)) => {
                    let above = names[..=depth].join(&b'/');
                    let reason = format!("lies in `{}`, which is no folder in it", shown(&above));
                    return Err(refused(entry, reason));
                }
                None => {
                    let mut folder = Folder::unnamed(0o755);
                    folder.record.mtime = entry.mtime;
                    (folder.record.uid, folder.record.gid) = (entry.uid, entry.gid);
                    self.put_folder((at, name), folder)
                }
            };
        }
        Ok(at)
    }

    fn add_folder(&mut self, entry: &Entry, (within, name): (usize, &[u8])) {
        let record = record(entry, Kind::Folder, b"");
        if let Some(Slot::Folder(at)) = self.folders[within].entries.get(name) {
            let at = *at;
            self.folders[at].record = record;
            return;
        }
        let folder = Folder {
            record,
            entries: BTreeMap::new(),
        };
        self.put_folder((within, name), folder);
    }

    fn add_name(
        &mut self,
        entry: &Entry,
        (within, name): (usize, &[u8]),
    ) -> Result<(), ArchiveError> {
        let missing = || {
            let target = shown(&entry.target);
            refused(
                entry,
                format!("is a link to `{target}`, which does not stand before it"),
            )
        };
        let target = names(&entry.target).map_err(|_| missing())?;
        let (last, folders) = target.split_last().ok_or_else(missing)?;
        let mut at = 0;
        for folder in folders {
            match self.folders[at].entries.get(*folder) {
                Some(Slot::Folder(next)) => at = *next,
                _ => return Err(missing()),
            }
        }
        let next_link = self.links + 1;
        let Some(Slot::Other(first)) = self.folders[at].entries.get_mut(*last) else {
            return Err(missing());
        };
        if (at, *last) == (within, name) {
            return Ok(());
        }
        if first.link.is_none() {
            first.link = Some((NUMBERED, next_link));
            self.links = next_link;
        }
        let mut stored = first.clone();
        let mut record = decode_record(&stored.record).ok_or_else(missing)?;
        record.stored_name = stored.object.and_then(|(mode, _)| changed_name(name, mode));
        record.name = name.to_vec();
        stored.record = encode_record(&record).into();
        self.put((within, name), Slot::Other(stored));
        Ok(())
    }

    fn put_folder(&mut self, (within, name): (usize, &[u8]), folder: Folder) -> usize {
        self.folders.push(folder);
        let number = self.folders.len() - 1;
        self.put((within, name), Slot::Folder(number));
        number
    }

    /// What comes later in an archive takes the place of what came before.
    fn put(&mut self, (within, name): (usize, &[u8]), slot: Slot) {
        self.folders[within].entries.insert(name.to_vec(), slot);
    }

    fn note_owners(&mut self, entry: &Entry) {
        for (names, id, name) in [
            (&mut self.owners.users, entry.uid, &entry.user),
            (&mut self.owners.groups, entry.gid, &entry.group),
        ] {
            if !name.is_empty() && !names.contains_key(&id) {
                names.insert(id, name.clone());
            }
        }
    }

    /// Writes metadata and trees, the deepest folders first.
    pub(super) fn finish(mut self, writer: &mut PackWriter<'_>) -> Result<Built, PackError> {
        let live = self.live();
        let mut trees: HashMap<usize, ObjectId> = HashMap::new();
        let mut built = Built {
            tree_id: ObjectId::Sha1([0; 20]),
            files: 0,
            dirs: 0,
            bytes: 0,
        };
        // A folder stands after the one that it is in.
        for number in (0..self.folders.len()).rev().filter(|number| live[*number]) {
            let entries = std::mem::take(&mut self.folders[number].entries);
            let (mut tree, mut records) = (Vec::new(), Vec::new());
            for (name, slot) in entries {
                let (record, object) = finished(&name, slot, &trees);
                built.files += u64::from(record.kind != Kind::Folder);
                built.bytes += record.size;
                if let Some((mode, id)) = object {
                    let name = stored_name(&name, mode).into_owned();
                    tree.push(TreeEntry { mode, name, id });
                }
                records.push(encode_record(&record));
            }
            built.dirs += 1;
            let mut own = encode_record(&self.folders[number].record);
            if number == 0 {
                own = with_owners(&own, &self.owners);
            }
            let metadata = meta::encode(&own, records.iter().map(Vec::as_slice));
            let (mode, id) = store_bytes(&metadata, writer)?;
            let name = meta::NAME.to_vec();
            tree.push(TreeEntry { mode, name, id });
            built.tree_id = writer.add(ObjectKind::Tree, &encode_tree(&mut tree), Size::Small)?;
            trees.insert(number, built.tree_id);
        }
        Ok(built)
    }

    /// Which folders are still in place: a later entry may have taken that of one.
    fn live(&self) -> Vec<bool> {
        let (mut live, mut left) = (vec![false; self.folders.len()], vec![0]);
        while let Some(number) = left.pop() {
            live[number] = true;
            left.extend(
                self.folders[number]
                    .entries
                    .values()
                    .filter_map(|slot| match slot {
                        Slot::Folder(below) => Some(*below),
                        Slot::Other(_) => None,
                    }),
            );
        }
        live
    }
}

/// The record of an entry in its folder's metadata, and its object.
fn finished(
    name: &[u8],
    slot: Slot,
    trees: &HashMap<usize, ObjectId>,
) -> (Record, Option<(Mode, ObjectId)>) {
    match slot {
        Slot::Folder(number) => {
            let mut record = Record::new(Kind::Folder, name);
            record.stored_name = changed_name(name, Mode::Tree);
            (record, trees.get(&number).map(|id| (Mode::Tree, *id)))
        }
        Slot::Other(stored) => {
            let mut record =
                decode_record(&stored.record).unwrap_or_else(|| Record::new(Kind::File, name));
            record.hard_link = stored.link;
            (record, stored.object)
        }
    }
}

impl Folder {
    fn unnamed(mode: u32) -> Self {
        let mut record = Record::new(Kind::Folder, b"");
        record.mode = mode;
        Self {
            record,
            entries: BTreeMap::new(),
        }
    }
}

fn record(entry: &Entry, kind: Kind, name: &[u8]) -> Record {
    let mut record = Record::new(kind, name);
    record.mode = if kind == Kind::Link {
        0o777
    } else {
        entry.mode
    };
    (record.uid, record.gid) = (entry.uid, entry.gid);
    record.mtime = entry.mtime;
    record.xattrs.clone_from(&entry.xattrs);
    match kind {
        Kind::File => {
            record.size = entry.size;
            record.sparse.clone_from(&entry.sparse);
        }
        Kind::Link => record.target.clone_from(&entry.target),
        Kind::CharDevice | Kind::BlockDevice => record.device = entry.device,
        Kind::Folder | Kind::Fifo => {}
    }
    record
}

fn changed_name(name: &[u8], mode: Mode) -> Option<Vec<u8>> {
    match stored_name(name, mode) {
        std::borrow::Cow::Owned(changed) => Some(changed),
        std::borrow::Cow::Borrowed(_) => None,
    }
}

pub(super) fn refused(entry: &Entry, reason: String) -> ArchiveError {
    ArchiveError::Refused {
        at: entry.at,
        path: shown(&entry.name),
        reason,
    }
}
