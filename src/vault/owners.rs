//! Which snapshot brought a path, and which changed it last.
//!
//! Comparing all checkpoints takes long, so what came out is kept in a cache: for each path the
//! first and the last snapshot that brought what it holds, and the one that took it away. A new
//! checkpoint costs as much as it changed. The cache belongs to a list of snapshots; if these are
//! not the first of those that are there, it is made anew.
use std::collections::HashMap;
use std::path::Path;

use super::compare::{Side, aspects, brings_content, walk};
use super::content::resolve;
use super::folder::shown;
use super::wanted::Wanted;
use super::{Error, Snapshot, Vault};
use crate::fs::{read_optional, write_cache};
use crate::store::ObjectId;
use crate::store::pack::Objects;

/// How the cache begins.
const MAGIC: &[u8; 8] = b"BKOWNER\x01";
/// Stands for no snapshot.
const NEVER: u32 = u32::MAX;
/// First, last and removing snapshot, length of the path.
const BEFORE_PATH: usize = 16;

/// Who brought a path. Snapshots are given by their number among those that were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The path.
    pub path: String,
    /// The first that had it.
    pub first: usize,
    /// The one that brought what it holds, or held last.
    pub last: usize,
    /// The one that no longer had it.
    pub removed: Option<usize>,
}

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    first: u32,
    last: u32,
    removed: u32,
}

type Lives = HashMap<Vec<u8>, Life>;

/// Who brought the paths that are called so: by path, by the last part of it, or, if there is none,
/// the libraries whose names go on after it (`libz.so.1` means `libz.so.1.3`).
///
/// `snapshots` are those of one folder, oldest first; what is learned is kept at `cache`.
pub fn owners(
    vault: &Vault,
    cache: &Path,
    snapshots: &[Snapshot],
    names: &[Vec<u8>],
) -> Result<Vec<Vec<Owner>>, Error> {
    let index = up_to_date(vault, cache, snapshots)?;
    let all = |name: &Vec<u8>| {
        let found = named(&index, name);
        if !found.is_empty() || !name.contains(&b'/') {
            return Ok(found);
        }
        // A folder on the way may be a link, as `lib` is to `usr/lib`.
        match snapshots.last() {
            Some(newest) => Ok(resolve(vault, newest, name)?
                .map(|path| exactly(&index, &path))
                .unwrap_or_default()),
            None => Ok(found),
        }
    };
    names.iter().map(all).collect()
}

fn named(index: &[u8], name: &[u8]) -> Vec<Owner> {
    let found = exactly(index, name);
    if !found.is_empty() || name.contains(&b'/') {
        return found;
    }
    let last = |path: &[u8]| path.rsplit(|byte| *byte == b'/').next() == Some(name);
    let found = fitting(index, last);
    if !found.is_empty() {
        return found;
    }
    let begin = [name, b"."].concat();
    let is_soname = name.windows(3).any(|part| part == b".so");
    fitting(index, |path| {
        let last = path.rsplit(|byte| *byte == b'/').next();
        is_soname && last.is_some_and(|last| last.starts_with(&begin))
    })
}

fn exactly(index: &[u8], name: &[u8]) -> Vec<Owner> {
    fitting(index, |path| path == name)
}

fn fitting(index: &[u8], fits: impl Fn(&[u8]) -> bool) -> Vec<Owner> {
    let number = |number: u32| (number != NEVER).then_some(number as usize);
    let found = lives(index).filter(|(path, _)| fits(path));
    let mut found: Vec<_> = found
        .map(|(path, life)| Owner {
            path: shown(path),
            first: life.first as usize,
            last: life.last as usize,
            removed: number(life.removed),
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The cache, with what happened since it was written.
fn up_to_date(vault: &Vault, cache: &Path, snapshots: &[Snapshot]) -> Result<Vec<u8>, Error> {
    let old = read_optional(cache).ok().flatten().unwrap_or_default();
    let ids: Vec<ObjectId> = snapshots.iter().map(|s| s.commit_id).collect();
    let known = known(&old).filter(|known| ids.starts_with(known));
    let done = known.as_ref().map_or(0, Vec::len);
    if known.is_some() && done == snapshots.len() {
        return Ok(old);
    }
    let mut all: Lives = match known {
        Some(_) => lives(&old)
            .map(|(path, life)| (path.to_vec(), life))
            .collect(),
        None => Lives::new(),
    };
    let objects = Objects::open(&vault.objects_dir())?;
    let mut before = done.checked_sub(1).map(|last| snapshots[last].tree_id);
    for (number, snapshot) in snapshots.iter().enumerate().skip(done) {
        let trees = (before, Some(snapshot.tree_id));
        walk(
            &mut objects.reader(),
            trees,
            &mut Wanted::new(&[]),
            |path, sides| {
                note(&mut all, path, sides, number as u32);
            },
        )?;
        before = trees.1;
    }
    let new = encode(&ids, &all);
    write_cache(cache, &new);
    Ok(new)
}

/// Notes what the snapshot of this number did to a path.
fn note(all: &mut Lives, path: &[u8], (before, after): (Side<'_>, Side<'_>), number: u32) {
    if path.is_empty() {
        return;
    }
    match (before, after) {
        (None, None) => {}
        (None, Some(_)) => {
            let life = all.entry(path.to_vec()).or_insert(Life {
                first: number,
                last: number,
                removed: NEVER,
            });
            (life.last, life.removed) = (number, NEVER);
        }
        (Some(_), None) => {
            if let Some(life) = all.get_mut(path) {
                life.removed = number;
            }
        }
        (Some(before), Some(after)) => {
            let brings = aspects(before, after).into_iter().any(brings_content);
            if let Some(life) = all.get_mut(path).filter(|_| brings) {
                life.last = number;
            }
        }
    }
}

/// A checksum, the number of snapshots, their commits, and all paths.
fn encode(ids: &[ObjectId], all: &Lives) -> Vec<u8> {
    let mut body = (ids.len() as u32).to_le_bytes().to_vec();
    for id in ids {
        body.extend_from_slice(id.as_slice());
    }
    for (path, life) in all {
        for number in [life.first, life.last, life.removed, path.len() as u32] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(path);
    }
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

/// The commits that a cache knows; nothing if it is damaged.
fn known(cache: &[u8]) -> Option<Vec<ObjectId>> {
    let rest = cache.strip_prefix(MAGIC)?;
    let (sum, body) = rest.split_first_chunk()?;
    if u32::from_le_bytes(*sum) != crc32fast::hash(body) {
        return None;
    }
    let (count, rest) = body.split_first_chunk()?;
    let count = u32::from_le_bytes(*count) as usize;
    let ids = rest.get(..count.checked_mul(20)?)?.chunks_exact(20);
    Some(ids.map(ObjectId::from_bytes_or_panic).collect())
}

/// The paths of a cache that is not damaged.
fn lives(cache: &[u8]) -> impl Iterator<Item = (&[u8], Life)> {
    let start = MAGIC.len() + 4;
    let count = number(cache, start).unwrap_or(0) as usize;
    let mut rest = cache.get(start + 4 + count * 20..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_at_checked(BEFORE_PATH)?;
        let (path, next) = tail.split_at_checked(number(head, 12)? as usize)?;
        rest = next;
        let life = Life {
            first: number(head, 0)?,
            last: number(head, 4)?,
            removed: number(head, 8)?,
        };
        Some((path, life))
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Vec<u8> {
        let life = |first, last, removed| Life {
            first,
            last,
            removed,
        };
        let all = [
            (&b"usr/lib/libz.so.1.3.1"[..], life(0, 2, NEVER)),
            (b"usr/bin/gcc", life(1, 1, NEVER)),
            (b"opt/bin/gcc", life(0, 0, 2)),
        ];
        let all = all.map(|(path, life)| (path.to_vec(), life));
        encode(&[ObjectId::Sha1([1; 20])], &all.into())
    }

    #[test]
    fn a_path_is_found_by_itself_by_its_name_and_by_soname() {
        let index = index();
        let paths = |name: &str| -> Vec<String> {
            let found = named(&index, name.as_bytes());
            found.into_iter().map(|owner| owner.path).collect()
        };
        assert_eq!(paths("usr/bin/gcc"), ["usr/bin/gcc"]);
        assert_eq!(paths("gcc"), ["opt/bin/gcc", "usr/bin/gcc"]);
        assert_eq!(paths("libz.so.1"), ["usr/lib/libz.so.1.3.1"]);
        assert_eq!(paths("libz.so"), ["usr/lib/libz.so.1.3.1"]);
        assert!(paths("libz").is_empty() && paths("bin/gcc").is_empty());
        assert_eq!(named(&index, b"opt/bin/gcc")[0].removed, Some(2));
    }

    #[test]
    fn a_damaged_cache_is_none() {
        let whole = index();
        assert!(known(&whole).is_some());
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(known(&damaged), None, "byte {at}");
        }
        assert!((0..whole.len()).all(|length| known(&whole[..length]).is_none()));
    }
}
