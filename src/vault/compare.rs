//! What differs between two snapshots, in content and in metadata.
//!
//! A folder that is the same tree in both is not looked into, so the time this takes grows with
//! what changed and not with what there is.
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::content::lookup;
use super::folder::{StoredFolder, shown};
use super::meta::{Decoded, Kind, Record};
use super::show::word;
use super::wanted::{Choice, Wanted};
use super::{Error, Snapshot, Vault, join};
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader, Objects};
use crate::world::rfc3339;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is there in both, and differs.
    Changed,
    /// It is no more.
    Removed,
}

/// What of an entry is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// What sort of thing it is.
    Kind,
    /// What is in the file.
    Content,
    /// Where the link leads.
    Target,
    /// The numbers of the device.
    Device,
    /// The permission bits.
    Mode,
    /// The owner or the group.
    Owner,
    /// Extended attributes, ACLs, capabilities.
    Attributes,
    /// Whether the file has other names.
    Links,
    /// The time of the last change.
    Time,
}

impl Aspect {
    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Target => "target",
            Self::Device => "device",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Attributes => "attributes",
            Self::Links => "links",
            Self::Time => "time",
        }
    }
}

/// An entry on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// What it is.
    pub kind: &'static str,
    /// Its mode, in octal digits.
    pub mode: String,
    /// Its owner, by number.
    pub uid: u32,
    /// Its group, by number.
    pub gid: u32,
    /// Its size, if it is a file.
    pub size: Option<u64>,
    /// When it was last changed.
    pub mtime: Option<String>,
    /// Where it leads, if it is a link.
    pub target: Option<String>,
    #[serde(skip)]
    pub(super) object: Option<(Mode, ObjectId)>,
}

/// An entry that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its path in the snapshot.
    pub path: String,
    /// What became of it.
    pub change: Fate,
    /// What of it is another; empty unless it changed.
    pub what: Vec<Aspect>,
    /// What it was.
    pub before: Option<Facts>,
    /// What it is.
    pub after: Option<Facts>,
}

impl Difference {
    /// Whether more than times changed.
    pub fn is_more_than_time(&self) -> bool {
        self.change != Fate::Changed || self.what.iter().any(|what| *what != Aspect::Time)
    }

    /// Whether a package that does this to a tree would list the path: it is new, or holds
    /// something else.
    pub fn is_installed(&self) -> bool {
        match self.change {
            Fate::Added => true,
            Fate::Changed => self.what.iter().any(|what| brings_content(*what)),
            Fate::Removed => false,
        }
    }
}

/// Whether the aspect is what an entry holds, and not what is said of it.
pub(super) fn brings_content(what: Aspect) -> bool {
    use Aspect::{Content, Device, Kind, Target};
    matches!(what, Kind | Content | Target | Device)
}

/// What differs between two snapshots, or between nothing and one, by path; only at and below
/// `paths`, if any are named.
pub fn compare(
    vault: &Vault,
    (before, after): (Option<&Snapshot>, &Snapshot),
    paths: &[PathBuf],
) -> Result<Vec<Difference>, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut found = Vec::new();
    let mut reader = objects.reader();
    for path in paths {
        let there = lookup(&mut reader, after, path);
        match (there, before) {
            (Err(Error::NotInSnapshot { .. }), Some(before)) => {
                lookup(&mut reader, before, path)?;
            }
            (there, _) => drop(there?),
        }
    }
    let mut wanted = Wanted::new(paths);
    let trees = (before.map(|before| before.tree_id), Some(after.tree_id));
    walk(&mut reader, trees, &mut wanted, |path, sides| {
        found.push((path.to_vec(), difference(path, sides)));
    })?;
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// An entry of a snapshot: its metadata, and its content if it has any.
pub(super) type Side<'r> = Option<(&'r Record, Option<(Mode, ObjectId)>)>;

/// Calls `found` with each path that differs; a folder's entries come after the folder, in no other
/// order. The top folder itself has an empty path.
pub(super) fn walk(
    reader: &mut ObjectReader<'_>,
    trees: (Option<ObjectId>, Option<ObjectId>),
    wanted: &mut Wanted,
    mut found: impl FnMut(&[u8], (Side<'_>, Side<'_>)),
) -> Result<(), Error> {
    let mut left = vec![(Vec::new(), trees)];
    while let Some((path, (before, after))) = left.pop() {
        let mut read = |tree_id| StoredFolder::read(reader, tree_id, &path);
        let old = before.map(&mut read).transpose()?;
        let new = after.map(&mut read).transpose()?;
        let choice = wanted.choose(&path);
        let own = |folder: &Option<StoredFolder>| folder.as_ref().map(|f| f.meta.folder.clone());
        let (own_old, own_new) = (own(&old), own(&new));
        if choice == Choice::Yes && !is_same_folder(own_old.as_ref(), own_new.as_ref()) {
            let side = |own| Option::map(own, |own| (own, None));
            found(&path, (side(own_old.as_ref()), side(own_new.as_ref())));
        }
        for (name, sides) in paired(old.as_ref(), new.as_ref()) {
            let full = join(&path, name);
            match wanted.choose(&full) {
                Choice::No => {}
                choice => entry((full, choice), sides, &mut left, &mut found),
            }
        }
    }
    Ok(())
}

fn is_same_folder(before: Option<&Record>, after: Option<&Record>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => aspects((before, None), (after, None)).is_empty(),
        _ => false,
    }
}

type Left = Vec<(Vec<u8>, (Option<ObjectId>, Option<ObjectId>))>;

/// Tells of an entry that differs, or leaves it for later if it is a folder.
fn entry(
    (path, choice): (Vec<u8>, Choice),
    (before, after): (Side<'_>, Side<'_>),
    left: &mut Left,
    found: &mut impl FnMut(&[u8], (Side<'_>, Side<'_>)),
) {
    let (old_tree, old) = split(before);
    let (new_tree, new) = split(after);
    let differs = match (old, new) {
        (Some(old), Some(new)) => !aspects(old, new).is_empty(),
        (None, None) => false,
        _ => true,
    };
    if differs && choice == Choice::Yes {
        found(&path, (old, new));
    }
    if old_tree != new_tree {
        left.push((path, (old_tree, new_tree)));
    }
}

/// The tree of a folder, or what an entry of another kind is.
fn split(side: Side<'_>) -> (Option<ObjectId>, Side<'_>) {
    match side {
        Some((record, object)) if record.kind == Kind::Folder => (object.map(|(_, id)| id), None),
        other => (None, other),
    }
}

/// The entries of two folders, by name.
fn paired<'f>(
    before: Option<&'f StoredFolder>,
    after: Option<&'f StoredFolder>,
) -> Vec<(&'f [u8], (Side<'f>, Side<'f>))> {
    let (mut old, mut new) = (sides(before).peekable(), sides(after).peekable());
    let mut pairs = Vec::new();
    loop {
        let name = match (old.peek(), new.peek()) {
            (Some((old, _)), Some((new, _))) => *old.min(new),
            (Some((name, _)), None) | (None, Some((name, _))) => *name,
            (None, None) => return pairs,
        };
        let take = |(_, side)| side;
        let before = old.next_if(|(next, _)| *next == name).and_then(take);
        let after = new.next_if(|(next, _)| *next == name).and_then(take);
        pairs.push((name, (before, after)));
    }
}

/// What is of a newer format is left out.
fn sides(folder: Option<&StoredFolder>) -> impl Iterator<Item = (&[u8], Side<'_>)> {
    let entries = folder
        .into_iter()
        .flat_map(|folder| folder.meta.entries.iter().map(move |entry| (folder, entry)));
    entries.filter_map(|(folder, entry)| match entry {
        Decoded::Known(record) => Some((&record.name[..], Some((record, folder.object(record))))),
        Decoded::Unknown(_) => None,
    })
}

type There<'r> = (&'r Record, Option<(Mode, ObjectId)>);

/// What of an entry is another.
///
/// The number of a hard link is an inode's: another one is no difference.
pub(super) fn aspects((old, before): There<'_>, (new, after): There<'_>) -> Vec<Aspect> {
    let id = |object: Option<(Mode, ObjectId)>| object.map(|(_, id)| id);
    let is_file = old.kind == Kind::File;
    let content = is_file && (id(before) != id(after) || old.size != new.size);
    let all = [
        (Aspect::Kind, old.kind != new.kind),
        (Aspect::Content, content && new.kind == Kind::File),
        (
            Aspect::Target,
            old.target != new.target && new.kind == old.kind,
        ),
        (
            Aspect::Device,
            old.device != new.device && new.kind == old.kind && !is_file,
        ),
        (Aspect::Mode, old.mode != new.mode),
        (Aspect::Owner, (old.uid, old.gid) != (new.uid, new.gid)),
        (Aspect::Attributes, old.xattrs != new.xattrs),
        (
            Aspect::Links,
            old.hard_link.is_some() != new.hard_link.is_some(),
        ),
        (Aspect::Time, old.mtime != new.mtime),
    ];
    let differs = all.into_iter().filter(|(_, differs)| *differs);
    differs.map(|(aspect, _)| aspect).collect()
}

fn difference(path: &[u8], (before, after): (Side<'_>, Side<'_>)) -> Difference {
    let (change, what) = match (before, after) {
        (None, _) => (Fate::Added, Vec::new()),
        (_, None) => (Fate::Removed, Vec::new()),
        (Some(before), Some(after)) => (Fate::Changed, aspects(before, after)),
    };
    Difference {
        path: shown(path),
        change,
        what,
        before: before.map(facts),
        after: after.map(facts),
    }
}

fn facts((record, object): There<'_>) -> Facts {
    let time = DateTime::<Utc>::from_timestamp(record.mtime.seconds, record.mtime.nanos);
    Facts {
        kind: word(record.kind),
        mode: format!("{:04o}", record.mode),
        uid: record.uid,
        gid: record.gid,
        size: (record.kind == Kind::File).then_some(record.size),
        mtime: time.map(rfc3339),
        target: (record.kind == Kind::Link).then(|| shown(&record.target)),
        object,
    }
}
