//! How two configurations differ, key by key.
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::Effective;
use crate::document::KeyPath;

/// What stands in the place of a secret.
const SECRET: &str = "(secret)";

/// A key whose value differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// The value before; nothing if there was none.
    pub before: Option<Json>,
    /// The value after; nothing if there is none.
    pub after: Option<Json>,
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.key)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before} -> {after}"),
            (None, Some(after)) => write!(f, "set to {after}"),
            (Some(before), None) => write!(f, "no longer set (was {before})"),
            (None, None) => f.write_str("unchanged"),
        }
    }
}

/// The keys in which two configurations differ; secrets are not shown.
pub fn keys(before: &Effective, after: &Effective) -> Vec<KeyChange> {
    let old = values(before);
    let new = values(after);
    let mut all: Vec<&KeyPath> = old.keys().chain(new.keys()).collect();
    all.sort();
    all.dedup();
    let changed = all.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let shown = |value: Option<&Json>, key: &KeyPath| {
        let value = open(before, key, value?.clone());
        Some(open(after, key, value))
    };
    changed
        .map(|key| KeyChange {
            key: key.to_string(),
            before: shown(old.get(key), key),
            after: shown(new.get(key), key),
        })
        .collect()
}

/// A value of `effective` or of an older version of it, without what must not be shown.
pub fn open(effective: &Effective, key: &KeyPath, value: Json) -> Json {
    if effective.is_secret(key) {
        return Json::from(SECRET);
    }
    match value {
        Json::Object(fields) => {
            let inner = |(name, value): (String, Json)| {
                let value = open(effective, &key.clone().key(&name), value);
                (name, value)
            };
            fields.into_iter().map(inner).collect()
        }
        Json::Array(items) => {
            let items = items.into_iter().enumerate();
            let inner = |(at, item)| open(effective, &key.clone().item(at), item);
            items.map(inner).collect()
        }
        other => other,
    }
}

fn values(effective: &Effective) -> BTreeMap<KeyPath, Json> {
    let entries = effective.entries().into_iter();
    let keyed = entries.filter_map(|entry| Some((KeyPath::parse(&entry.key).ok()?, entry.value)));
    keyed.collect()
}
