//! Which keys of a file another text of it changes.
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::diff::KeyChange;
use super::super::sources::{is_form, leaves, value_at};
use super::super::{Error, Files, Role, Sources};
use super::bad_schema;
use crate::document::KeyPath;

/// The keys in which one file differs; secrets are not shown.
pub fn keys_of_file(before: &Files, after: &Files, file: &str) -> Result<Vec<KeyChange>, Error> {
    let old = Sources::read(before).map_err(bad_schema)?;
    let new = Sources::read(after).map_err(bad_schema)?;
    let is_secret = |key: &KeyPath| {
        let schemas = [old.schemas(), new.schemas()];
        schemas
            .iter()
            .any(|schemas| schemas.combined().is_secret(key))
    };
    let (was, is) = (values(&old, file), values(&new, file));
    let mut keys: Vec<&KeyPath> = was.keys().chain(is.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| was.get(*key) != is.get(*key));
    let shown = |value: Option<&Json>, key: &KeyPath| {
        value.map(|value| {
            if is_secret(key) {
                Json::from("(secret)")
            } else {
                value.clone()
            }
        })
    };
    let change = |key: &KeyPath| KeyChange {
        key: key.to_string(),
        before: shown(was.get(key), key),
        after: shown(is.get(key), key),
    };
    Ok(changed.map(change).collect())
}

fn values(sources: &Sources, file: &str) -> BTreeMap<KeyPath, Json> {
    let document = Role::of(file).and_then(|role| sources.document(&role));
    let Some(json) = document.map(crate::document::Document::json) else {
        return BTreeMap::new();
    };
    let keys = leaves(json).into_iter().filter(|key| !is_form(key));
    keys.filter_map(|key| Some((key.clone(), value_at(json, &key)?.clone())))
        .collect()
}
