//! Names of versions, as every command understands them.
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::versions;
use crate::failure::Failure;
use crate::fs::{create_dirs_durable, write_disposable};
use crate::store::{Change, Keep, ObjectId, Trailers};

/// The commit that a version, tag, date or Git revision names.
pub(super) fn resolve(keep: &Keep, spec: &str) -> Result<ObjectId, Failure> {
    Ok(versions::resolve(keep.repo(), spec)?)
}

/// The version numbers of the commits that changed configuration.
pub(super) fn numbers(keep: &Keep) -> Result<BTreeMap<ObjectId, u64>, Failure> {
    Ok(versions::numbers(keep.repo(), keep.repo().head()?)?)
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

/// The number of the next version; only for those who are about to make it.
///
/// The count is kept beside the keep, so that the next one need not walk the whole history again.
pub(super) fn next(keep: &Keep) -> Result<u64, Failure> {
    let count = newest(keep)?;
    if let Some(head) = keep.repo().head()? {
        create_dirs_durable(&keep.private("cache"))?;
        write_disposable(&cache(keep), &[format!("{head} {count}").as_bytes()])?;
    }
    Ok(count + 1)
}

/// The number of the newest version; 0 without any.
pub(super) fn newest(keep: &Keep) -> Result<u64, Failure> {
    Ok(versions::count(
        keep.repo(),
        keep.repo().head()?,
        known(keep),
    )?)
}

/// A count that an earlier command kept; deleting it costs time, never truth.
fn known(keep: &Keep) -> Option<(ObjectId, u64)> {
    let text = std::fs::read_to_string(cache(keep)).ok()?;
    let (commit, count) = text.split_once(' ')?;
    Some((
        ObjectId::from_hex(commit.as_bytes()).ok()?,
        count.parse().ok()?,
    ))
}

fn cache(keep: &Keep) -> PathBuf {
    keep.private("cache/versions")
}

/// How people may call a commit: `v3`, or the beginning of its name.
pub(super) fn called(keep: &Keep, commit_id: ObjectId) -> Result<String, Failure> {
    let number = numbers(keep)?.get(&commit_id).copied();
    Ok(number.map_or_else(
        || commit_id.to_hex_with_len(10).to_string(),
        |number| format!("v{number}"),
    ))
}
