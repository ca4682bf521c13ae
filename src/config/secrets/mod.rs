//! Secrets: named in the configuration, kept elsewhere.
//!
//! The model: a value `secret:NAME` is a reference. [`Secrets`] says where each name comes from; a
//! [`Resolver`] gets the value when a step starts that reads it, and it is never written down.
//! [`Seen`] keeps keyed digests, so that a changed secret makes steps stale. [`check`] looks for
//! secrets in files that are about to be committed.

mod age_file;
mod leaving;
mod program;
mod resolve;
mod scan;
mod seen;
mod source;

use std::ops::Range;
use std::path::Path;

use chrono::NaiveDate;
use serde_json::Value as Json;

use super::sources::{leaves, value_at};
use super::{Role, Sources};
use crate::document::{Document, Problem};

pub use leaving::{leaving, staged};
pub use resolve::{Resolver, Revealed, Unresolved};
pub use scan::{Allowed, Scanned, scan};
pub use seen::{Seen, UNSEEN};
pub(super) use source::problems;
pub use source::{Secrets, Source, is_reserved};

/// How a value begins that is a reference.
const REFERENCE: &str = "secret:";

/// The secret that a value refers to, if it is a reference.
pub fn referred(value: &Json) -> Option<&str> {
    value.as_str()?.strip_prefix(REFERENCE)
}

/// The private keys of age in a file; an error is what is wrong, and what to try next.
pub fn identities(
    path: &Path,
) -> Result<Vec<Box<dyn age::Identity + Send + Sync>>, (String, String)> {
    age_file::identities(path).map_err(|cause| (cause.what, cause.next))
}

/// What in `changed` looks like a secret, and what `sources` mark as one without being a reference.
///
/// This is for files that are about to be committed: what is in the history already cannot be kept
/// out of it.
pub fn check<'a>(
    sources: &Sources,
    changed: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    today: NaiveDate,
) -> Vec<Problem> {
    let allowed = Allowed::of(sources.document(&Role::Settings));
    check_with(sources, changed, &allowed, today)
}

fn check_with<'a>(
    sources: &Sources,
    changed: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    allowed: &Allowed,
    today: NaiveDate,
) -> Vec<Problem> {
    let files = changed.into_iter().map(|(path, content)| Scanned {
        path,
        content,
        literals: literals(sources, path),
    });
    scan(files, allowed, today)
}

/// Where in a configuration file values stand that their schema marks secret.
fn literals(sources: &Sources, path: &str) -> Vec<Range<usize>> {
    let document = Role::of(path).and_then(|role| sources.document(&role));
    let Some(document) = document.filter(|document| is_layer(document)) else {
        return Vec::new();
    };
    let schema = sources.schemas().combined();
    let json = document.to_json();
    let is_literal = |value: &Json| referred(value).is_none() && value.as_str() != Some("");
    let secret = leaves(&json)
        .into_iter()
        .filter(|key| schema.is_secret(key) && value_at(&json, key).is_some_and(is_literal));
    secret.filter_map(|key| document.place_of(&key)).collect()
}

fn is_layer(document: &Document) -> bool {
    let role = Role::of(document.name());
    matches!(role, Some(Role::Base(_) | Role::Profile(_) | Role::Host(_)))
}
