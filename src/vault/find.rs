//! Finding paths in all snapshots.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::compare::{Side, walk};
use super::folder::shown;
use super::meta::Kind;
use super::show::word;
use super::wanted::Wanted;
use super::{Error, Snapshot, Vault};
use crate::store::pack::{Excludes, Objects};
use crate::world::rfc3339;

/// A path that fits, and what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The path.
    pub path: String,
    /// The machine whose snapshots have it.
    pub host: String,
    /// What they are filed under.
    pub set: String,
    /// What it was, oldest first.
    pub versions: Vec<Version>,
}

/// What a path was, from one snapshot to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The first snapshot that has it so.
    pub first: String,
    /// The last one in a row.
    pub last: String,
    /// How many there are from the first to the last.
    pub snapshots: usize,
    /// What it was.
    pub kind: &'static str,
    /// Its mode, in octal digits.
    pub mode: String,
    /// Its size, if it was a file.
    pub size: Option<u64>,
    /// When it was changed.
    pub mtime: Option<String>,
}

/// A version as it is found, snapshots by number.
struct Seen {
    version: Version,
    from: usize,
    until: Option<usize>,
}

/// The paths that fit a pattern in the syntax of `.gitignore`, in these snapshots, oldest first.
pub fn find(vault: &Vault, snapshots: &[Snapshot], pattern: &str) -> Result<Vec<Found>, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut families: BTreeMap<(&str, &str), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in snapshots {
        let family = (&*snapshot.host, &*snapshot.set);
        families.entry(family).or_default().push(snapshot);
    }
    let pattern = Excludes::new(&[pattern.to_owned()]);
    let mut all = Vec::new();
    for ((host, set), snapshots) in families {
        let mut seen: BTreeMap<Vec<u8>, Vec<Seen>> = BTreeMap::new();
        let mut before = None;
        for (number, snapshot) in snapshots.iter().enumerate() {
            let trees = (before, Some(snapshot.tree_id));
            walk(
                &mut objects.reader(),
                trees,
                &mut Wanted::new(&[]),
                |path, sides| {
                    note(&mut seen, &pattern, (path, number), sides);
                },
            )?;
            before = trees.1;
        }
        all.extend(seen.into_iter().map(|(path, seen)| {
            Found {
                path: shown(&path),
                host: host.to_owned(),
                set: set.to_owned(),
                versions: seen
                    .into_iter()
                    .map(|seen| seen.named(&snapshots))
                    .collect(),
            }
        }));
    }
    Ok(all)
}

/// Notes what became of a path with the snapshot of this number, if it is looked for.
fn note(
    seen: &mut BTreeMap<Vec<u8>, Vec<Seen>>,
    pattern: &Excludes,
    (path, number): (&[u8], usize),
    (before, after): (Side<'_>, Side<'_>),
) {
    let is_folder = |side: Side<'_>| side.is_some_and(|(record, _)| record.kind == Kind::Folder);
    if path.is_empty() || !pattern.matches(path, is_folder(before) || is_folder(after)) {
        return;
    }
    let versions = seen.entry(path.to_vec()).or_default();
    if let Some(last) = versions.last_mut() {
        last.until.get_or_insert(number);
    }
    if let Some((record, _)) = after {
        let time = DateTime::<Utc>::from_timestamp(record.mtime.seconds, record.mtime.nanos);
        let version = Version {
            first: String::new(),
            last: String::new(),
            snapshots: 0,
            kind: word(record.kind),
            mode: format!("{:04o}", record.mode),
            size: (record.kind == Kind::File).then_some(record.size),
            mtime: time.map(rfc3339),
        };
        versions.push(Seen {
            version,
            from: number,
            until: None,
        });
    }
}

impl Seen {
    fn named(self, snapshots: &[&Snapshot]) -> Version {
        let until = self.until.unwrap_or(snapshots.len());
        Version {
            first: snapshots[self.from].tag.clone(),
            last: snapshots[until - 1].tag.clone(),
            snapshots: until - self.from,
            ..self.version
        }
    }
}
