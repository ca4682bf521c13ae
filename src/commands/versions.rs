//! Names of versions, as every command understands them.
use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::store::{Change, Keep, ObjectId, Trailers};

/// The commit that a version, tag, date or Git revision names.
pub(super) fn resolve(keep: &Keep, spec: &str) -> Result<ObjectId, Failure> {
    Ok(keep.repo().resolve(spec)?)
}

/// The version numbers of the commits that changed configuration.
pub(super) fn numbers(_keep: &Keep) -> Result<BTreeMap<ObjectId, u64>, Failure> {
    Ok(BTreeMap::new())
}

/// Adds the number that a commit of these changes gets, if they touch configuration.
pub(super) fn number_next(
    _keep: &Keep,
    _changes: &[Change],
    _trailers: &mut Trailers,
) -> Result<(), Failure> {
    Ok(())
}
