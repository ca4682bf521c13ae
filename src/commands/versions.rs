//! Names of versions, as every command understands them.
use std::collections::BTreeMap;

use crate::config::versions;
use crate::failure::Failure;
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

/// The number of the next version.
pub(super) fn next(keep: &Keep) -> Result<u64, Failure> {
    Ok(versions::next(keep.repo(), keep.repo().head()?)?)
}

/// How people may call a commit: `v3`, or the beginning of its name.
pub(super) fn called(keep: &Keep, commit_id: ObjectId) -> Result<String, Failure> {
    let number = numbers(keep)?.get(&commit_id).copied();
    Ok(number.map_or_else(
        || commit_id.to_hex_with_len(10).to_string(),
        |number| format!("v{number}"),
    ))
}
