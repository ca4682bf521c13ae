//! Walking a snapshot from the top, a folder before what it holds.
use super::{ArchiveError, DEEPEST};
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader};
use crate::vault::folder::{StoredFolder, shown};
use crate::vault::meta::{Decoded, Kind, Owners, Record};
use crate::vault::wanted::{Choice, Wanted};
use crate::vault::{Error, join};

/// What is met.
pub(super) enum Met<'a> {
    /// An entry, a folder by its own record.
    Entry(&'a Record, Option<(Mode, ObjectId)>),
    /// An entry of a newer format.
    Unknown,
}

/// Is told of each entry: its path, and what it is.
pub(super) type Meet<'m, E> =
    dyn FnMut(&mut ObjectReader<'_>, &[u8], Met<'_>) -> Result<(), E> + 'm;

/// A folder that is being walked.
struct Level {
    path: Vec<u8>,
    folder: StoredFolder,
    next: usize,
}

/// A walk, an entry at a time.
pub(super) struct Visit {
    levels: Vec<Level>,
    wanted: Wanted,
    pub(super) owners: Owners,
}

impl Visit {
    pub(super) fn new(
        reader: &mut ObjectReader<'_>,
        tree_id: ObjectId,
        wanted: Wanted,
    ) -> Result<Self, Error> {
        let mut folder = StoredFolder::read(reader, tree_id, b"")?;
        Ok(Self {
            owners: std::mem::take(&mut folder.meta.owners),
            levels: vec![Level {
                path: Vec::new(),
                folder,
                next: 0,
            }],
            wanted,
        })
    }

    /// Calls `met` with each wanted entry and its path; folders on the way to one are met, too.
    pub(super) fn all<E: From<Error>>(
        mut self,
        reader: &mut ObjectReader<'_>,
        met: &mut Meet<'_, E>,
    ) -> Result<Wanted, E> {
        let top = &self.levels[0].folder.meta.folder;
        self.wanted.choose(b"");
        met(reader, b"", Met::Entry(top, None))?;
        while let Some(level) = self.levels.last_mut() {
            let Some(entry) = level.folder.meta.entries.get(level.next) else {
                self.levels.pop();
                continue;
            };
            level.next += 1;
            let path = join(&level.path, entry.name());
            let choice = self.wanted.choose(&path);
            match (entry, choice) {
                (Decoded::Unknown(_), Choice::Yes) => met(reader, &path, Met::Unknown)?,
                (Decoded::Known(record), Choice::Yes | Choice::OnTheWay)
                    if record.kind == Kind::Folder =>
                {
                    let object = level.folder.object(record);
                    let below = enter(reader, (path, object), self.levels.len())?;
                    let own = &below.folder.meta.folder;
                    met(reader, &below.path, Met::Entry(own, None))?;
                    self.levels.push(below);
                }
                (_, Choice::OnTheWay | Choice::No) => {}
                (Decoded::Known(record), Choice::Yes) => {
                    let object = level.folder.object(record);
                    met(reader, &path, Met::Entry(record, object))?;
                }
            }
        }
        Ok(self.wanted)
    }
}

fn enter(
    reader: &mut ObjectReader<'_>,
    (path, object): (Vec<u8>, Option<(Mode, ObjectId)>),
    depth: usize,
) -> Result<Level, Error> {
    let unreadable = |reason: String| ArchiveError::Unreadable {
        path: shown(&path),
        reason,
    };
    if depth > DEEPEST {
        return Err(unreadable(format!("more than {DEEPEST} folders are around it")).into());
    }
    let Some((Mode::Tree, tree_id)) = object else {
        return Err(unreadable("it has no tree".to_owned()).into());
    };
    Ok(Level {
        folder: StoredFolder::read(reader, tree_id, &path)?,
        path,
        next: 0,
    })
}
