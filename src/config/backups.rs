//! What `backup create` takes by itself: `[backup.NAME]` in buildkeep.toml.
use serde_json::Value as Json;

use super::{Role, Sources};
use crate::document::{Document, as_size};

/// A folder of which snapshots are taken, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupSet {
    /// What its snapshots are filed under.
    pub name: String,
    /// The folder, from the keep or absolute; what the plan builds if there is none.
    pub path: Option<String>,
    /// The vault, from the keep or absolute; that of the keep if there is none.
    pub vault: Option<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Whether what is in folders marked as caches is left out.
    pub exclude_caches: bool,
    /// Files with more bytes than this are left out.
    pub exclude_larger_than: Option<u64>,
    /// Whether what is mounted inside is entered.
    pub cross_file_systems: bool,
    /// The program that is run before, with its arguments.
    pub before: Vec<String>,
    /// The program that is run after.
    pub after: Vec<String>,
}

/// All sets, by name; those that make no sense are left out.
pub fn backup_sets(sources: &Sources) -> Vec<BackupSet> {
    let settings = sources.document(&Role::Settings).map(Document::to_json);
    let table = settings
        .as_ref()
        .and_then(|json| json.get("backup")?.as_object());
    let mut sets: Vec<_> = table
        .into_iter()
        .flatten()
        .map(|(name, json)| set(name, json))
        .collect();
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    sets
}

fn set(name: &str, json: &Json) -> BackupSet {
    let text = |key: Option<&Json>| key.and_then(Json::as_str).map(str::to_owned);
    let is = |key: Option<&Json>| key.and_then(Json::as_bool).unwrap_or(false);
    let texts = |key: Option<&Json>| -> Vec<String> {
        let items = key.and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    BackupSet {
        name: name.to_owned(),
        path: text(json.get("path")),
        vault: text(json.get("vault")),
        exclude: texts(json.get("exclude")),
        exclude_caches: is(json.get("exclude_caches")),
        exclude_larger_than: json.get("exclude_larger_than").and_then(as_size),
        cross_file_systems: is(json.get("cross_file_systems")),
        before: texts(json.get("before")),
        after: texts(json.get("after")),
    }
}
