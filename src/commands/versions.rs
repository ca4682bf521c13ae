//! Names of versions, as every command understands them.
use std::io::Read as _;
use std::path::PathBuf;

use super::Context;
use crate::config::Error;
use crate::config::versions::{self, Index};
use crate::failure::Failure;
use crate::fs::write_cache;
use crate::store::{Change, Keep, ObjectId, Trailers};

/// What the file of the index begins with; behind it, each with a checksum before: the tip and the
/// number of versions, which is all that most commands ask for, and the ids of all versions.
const HEADER: &[u8] = b"buildkeep versions 2\n";
/// The bytes of a checksum, and of a number.
const CHECK: usize = 4;
const NUMBER: usize = 8;
/// The bytes of an id.
const ID: usize = 20;
/// The bytes up to the ids.
const BEGINNING: usize = HEADER.len() + CHECK + ID + NUMBER;
/// So many commits are looked at again by every command before the file is written anew.
const WORTH_KEEPING: usize = 16;

/// The commit that a version, tag, date or Git revision names.
pub(super) fn resolve(keep: &Keep, spec: &str) -> Result<ObjectId, Failure> {
    Ok(versions::resolve(keep.repo(), spec, || read(keep))?)
}

/// All versions of the branch that is checked out.
pub(super) fn index(keep: &Keep) -> Result<Index, Failure> {
    Ok(read(keep)?)
}

/// Adds the number that a commit of these changes gets, if they touch configuration.
pub(super) fn number_next(
    keep: &Keep,
    changes: &[Change],
    trailers: &mut Trailers,
) -> Result<(), Failure> {
    if versions::is_version(changes) {
        add_next(keep, trailers)?;
    }
    Ok(())
}

/// Adds the number of the next version, if it can be told, and returns it.
pub(super) fn add_next(keep: &Keep, trailers: &mut Trailers) -> Result<Option<u64>, Failure> {
    let next = newest(keep)?.map(|newest| newest + 1);
    if let Some(number) = next {
        trailers.push("Version", number);
    }
    Ok(next)
}

/// The number that a commit to be has got.
pub(super) fn number_in(trailers: &Trailers) -> Option<u64> {
    trailers.get("Version")?.parse().ok()
}

/// The number of the newest version; 0 without any, nothing if it cannot be told.
pub(super) fn newest(keep: &Keep) -> Result<Option<u64>, Failure> {
    let head = keep.repo().head()?;
    match beginning(keep) {
        Some((tip, count)) if head == Some(tip) => Ok(Some(count)),
        _ => Ok(read(keep)?.newest()),
    }
}

/// Says where the history of a shallow clone ends, to somebody who was shown all there is of it.
pub(super) fn tell_cut(cx: &mut Context, index: &Index) {
    let Some(cut) = index.cut else { return };
    let at = cut.at.to_hex_with_len(10);
    let numbers = match cut.before {
        Some(_) => "",
        None => ", and no number of a version can be told",
    };
    cx.ui.warn(format!(
        "this clone is shallow: what was before {at} is not here{numbers}; `git fetch --unshallow` brings it"
    ));
}

/// How people may call a commit: `v3`, or the beginning of its name.
pub(super) fn called(keep: &Keep, commit_id: ObjectId) -> Result<String, Failure> {
    let number = read(keep)?.number_of(commit_id);
    Ok(number.map_or_else(
        || commit_id.to_hex_with_len(10).to_string(),
        |number| format!("v{number}"),
    ))
}

/// The index, from what an earlier command left of it and the commits since.
fn read(keep: &Keep) -> Result<Index, Error> {
    let (index, walked) = Index::read(keep.repo(), keep.repo().head()?, known(keep))?;
    if walked >= WORTH_KEEPING
        && let (None, Some(newest)) = (index.cut, index.newest())
    {
        let bytes = |ids: &[ObjectId]| -> Vec<u8> {
            ids.iter().flat_map(|id| id.as_bytes().to_vec()).collect()
        };
        let (mut tip, ids) = (bytes(index.tip.as_slice()), bytes(&index.ids));
        tip.extend(newest.to_be_bytes());
        let check = |bytes: &[u8]| crc32fast::hash(bytes).to_be_bytes();
        let parts = [HEADER, &check(&tip), &tip, &check(&ids), &ids];
        write_cache(&cache(keep), &parts.concat());
    }
    Ok(index)
}

/// An index that an earlier command kept; deleting it costs time, never truth.
fn known(keep: &Keep) -> Option<Index> {
    let bytes = std::fs::read(cache(keep)).ok()?;
    let (beginning, ids) = bytes.split_at_checked(BEGINNING)?;
    let (tip, _) = tip_and_count(beginning)?;
    let ids = checked(ids)?.chunks_exact(ID).flat_map(ObjectId::try_from);
    Some(Index {
        tip: Some(tip),
        ids: ids.collect(),
        cut: None,
    })
}

/// The tip that an earlier command came to, and how many versions there were.
fn beginning(keep: &Keep) -> Option<(ObjectId, u64)> {
    let mut bytes = [0; BEGINNING];
    let mut file = std::fs::File::open(cache(keep)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    tip_and_count(&bytes)
}

fn tip_and_count(bytes: &[u8]) -> Option<(ObjectId, u64)> {
    let (tip, count) = checked(bytes.strip_prefix(HEADER)?)?.split_at_checked(ID)?;
    let count = u64::from_be_bytes(count.try_into().ok()?);
    Some((ObjectId::try_from(tip).ok()?, count))
}

/// What is behind a checksum, if it is whole.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (check, rest) = bytes.split_at_checked(CHECK)?;
    (crc32fast::hash(rest).to_be_bytes() == check).then_some(rest)
}

fn cache(keep: &Keep) -> PathBuf {
    keep.private("cache/versions")
}
