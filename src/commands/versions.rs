//! Names of versions, as every command understands them.
use std::path::PathBuf;

use crate::config::Error;
use crate::config::versions::{self, Index};
use crate::failure::Failure;
use crate::fs::write_cache;
use crate::store::{Change, Keep, ObjectId, Trailers};

/// What the file of the index begins with; behind it a checksum, then ids of 20 bytes:
/// the tip, and all versions.
const HEADER: &[u8] = b"buildkeep versions 1\n";
/// The bytes of an id.
const ID: usize = 20;
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
        trailers.push("Version", next(keep)?);
    }
    Ok(())
}

/// The number of the next version.
pub(super) fn next(keep: &Keep) -> Result<u64, Failure> {
    Ok(newest(keep)? + 1)
}

/// The number of the newest version; 0 without any.
pub(super) fn newest(keep: &Keep) -> Result<u64, Failure> {
    Ok(read(keep)?.newest())
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
    if walked >= WORTH_KEEPING {
        let ids = index.tip.iter().chain(&index.ids);
        let ids: Vec<u8> = ids.flat_map(|id| id.as_bytes().iter().copied()).collect();
        let check = crc32fast::hash(&ids).to_be_bytes();
        write_cache(&cache(keep), &[HEADER, &check, &ids].concat());
    }
    Ok(index)
}

/// An index that an earlier command kept; deleting it costs time, never truth.
fn known(keep: &Keep) -> Option<Index> {
    let bytes = std::fs::read(cache(keep)).ok()?;
    let (check, ids) = bytes.strip_prefix(HEADER)?.split_at_checked(4)?;
    let is_whole = crc32fast::hash(ids).to_be_bytes() == check;
    let mut ids = ids.chunks_exact(ID).flat_map(ObjectId::try_from);
    Some(Index {
        tip: Some(ids.next().filter(|_| is_whole)?),
        ids: ids.collect(),
    })
}

fn cache(keep: &Keep) -> PathBuf {
    keep.private("cache/versions")
}
