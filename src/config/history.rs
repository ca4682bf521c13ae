//! Which version set which key.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::changed::{Changed, changed, compared};
use super::sources::value_at;
use super::versions::Index;
use super::{Error, Role, Sources};
use crate::document::KeyPath;
use crate::store::{ObjectId, Repo};

/// A version in which a key got another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The number of the version, if it can be told.
    pub number: Option<u64>,
    /// Its commit.
    pub commit_id: ObjectId,
    /// What the files said before; nothing if they said nothing.
    pub before: Option<Json>,
    /// What they say since.
    pub after: Option<Json>,
}

/// Reads what versions changed, one after the other, and remembers what it has read.
pub struct History<'a> {
    repo: &'a Repo,
    index: &'a Index,
    host: String,
    sources: &'a Sources,
    trees: BTreeMap<ObjectId, Files>,
    texts: BTreeMap<ObjectId, Json>,
}

/// The layer files of a version, by path.
type Files = BTreeMap<String, ObjectId>;

/// Where a key is set; the files of `config/` are one layer, so that a key may move among them.
pub type LayerKey = (Role, KeyPath);

impl<'a> History<'a> {
    /// The history of `index`, as it matters to `host`, with the names of keys that the schemas of
    /// `sources` have for what older versions called otherwise.
    pub fn new(repo: &'a Repo, index: &'a Index, host: &str, sources: &'a Sources) -> Self {
        Self {
            repo,
            index,
            host: host.to_owned(),
            sources,
            trees: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }

    /// The versions in which the files gave `key` another value, newest first, `limit` at most.
    pub fn turns(&mut self, key: &KeyPath, limit: usize) -> Result<Vec<Turn>, Error> {
        let mut turns = Vec::new();
        for at in (0..self.index.ids.len()).rev() {
            if turns.len() == limit {
                break;
            }
            if at == 0 && self.index.cut.is_some() {
                break;
            }
            let (older, newer) = self.pair(at)?;
            if !self.concerns(&older, &newer, key)? {
                continue;
            }
            let (before, after) = (self.value(&older, key)?, self.value(&newer, key)?);
            if before != after {
                turns.push(Turn {
                    number: self.index.number_at(at),
                    commit_id: self.index.ids[at],
                    before,
                    after,
                });
            }
        }
        Ok(turns)
    }

    /// The version that last set each of these keys, with its number.
    pub fn origins(
        &mut self,
        wanted: BTreeSet<LayerKey>,
    ) -> Result<BTreeMap<LayerKey, (Option<u64>, ObjectId)>, Error> {
        let mut open = wanted;
        let mut found = BTreeMap::new();
        for at in (0..self.index.ids.len()).rev() {
            if open.is_empty() {
                break;
            }
            let (older, newer) = self.pair(at)?;
            let version = (self.index.number_at(at), self.index.ids[at]);
            for (role, changes) in self.changes(&older, &newer)? {
                for key in changes.into_keys() {
                    if let Some(one) = open.take(&(role.clone(), key)) {
                        found.insert(one, version);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether a commit, compared with its first parent, changed `key` in any layer.
    pub fn touches(&mut self, commit_id: ObjectId, key: &KeyPath) -> Result<bool, Error> {
        let commit = self.repo.commit(commit_id)?;
        if self.index.cut.is_some_and(|cut| cut.at == commit_id) {
            return Ok(false);
        }
        let newer = self.files(commit_id)?;
        let older = match commit.parents.first() {
            Some(parent) => self.files(*parent)?,
            None => Files::new(),
        };
        let changes = self.changes(&older, &newer)?;
        Ok(changes.values().any(|changes| meets(changes, key)))
    }

    fn pair(&mut self, at: usize) -> Result<(Files, Files), Error> {
        let older = match at.checked_sub(1) {
            Some(before) => self.files(self.index.ids[before])?,
            None => Files::new(),
        };
        Ok((older, self.files(self.index.ids[at])?))
    }

    /// The layer files of a commit.
    fn files(&mut self, commit_id: ObjectId) -> Result<Files, Error> {
        /// Versions follow one another: the last few trees are enough.
        const KEPT: usize = 8;
        let tree_id = self.repo.commit(commit_id)?.tree_id;
        let found = self
            .repo
            .entries_of(tree_id, &["config", "buildkeep.toml"])?;
        let mut files = Files::new();
        if let Some(folder) = found[0] {
            if !self.trees.contains_key(&folder) {
                let listed = self.repo.files_of(folder)?;
                let named =
                    |file: crate::store::TreeFile| (format!("config/{}", file.path), file.blob_id);
                let listed = listed.into_iter().map(named);
                if self.trees.len() == KEPT {
                    self.trees.clear();
                }
                self.trees.insert(folder, listed.collect());
            }
            files.clone_from(&self.trees[&folder]);
        }
        files.extend(found[1].map(|id| ("buildkeep.toml".to_owned(), id)));
        Ok(files)
    }

    /// What differs between two versions, by layer.
    fn changes(&self, older: &Files, newer: &Files) -> Result<Layers, Error> {
        let mut layers = Layers::new();
        let paths: BTreeSet<&String> = older.keys().chain(newer.keys()).collect();
        for path in paths {
            let (old, new) = (older.get(path), newer.get(path));
            if old != new {
                add(
                    self.sources,
                    &mut layers,
                    path,
                    [&self.text(old)?, &self.text(new)?],
                );
            }
        }
        Ok(settled(layers))
    }

    fn text(&self, blob_id: Option<&ObjectId>) -> Result<String, Error> {
        let bytes = blob_id.map(|id| self.repo.read_blob(*id)).transpose()?;
        Ok(String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default())
    }

    /// Whether the value of `key` can be another one.
    fn concerns(&self, older: &Files, newer: &Files, key: &KeyPath) -> Result<bool, Error> {
        let profiles = KeyPath::root().key("profiles");
        let changes = self.changes(older, newer)?;
        Ok(changes.iter().any(|(role, changes)| match role {
            Role::Settings => meets(changes, &profiles),
            Role::Host(id) => *id == self.host && meets(changes, key),
            _ => meets(changes, key),
        }))
    }

    /// What the files of a version say of `key`, in the order of their layers.
    fn value(&mut self, files: &Files, key: &KeyPath) -> Result<Option<Json>, Error> {
        let mut layers = Vec::new();
        let settings = self.json("buildkeep.toml", files)?;
        let named = settings.get("profiles").and_then(Json::as_array);
        for name in named.into_iter().flatten().filter_map(Json::as_str) {
            layers.push(format!("config/profiles/{name}.toml"));
        }
        let is_base = |path: &&String| matches!(Role::of(path), Some(Role::Base(_)));
        layers.extend(files.keys().filter(is_base).cloned());
        layers.push(format!("config/hosts/{}.toml", self.host));
        let mut value = None;
        for path in layers {
            let json = self.json(&path, files)?;
            if let Some(above) = value_at(&json, key) {
                value = Some(merged(value.take(), above));
            }
        }
        Ok(value)
    }

    fn json(&mut self, path: &str, files: &Files) -> Result<Json, Error> {
        /// Files change one at a time: the last few are enough.
        const KEPT: usize = 32;
        let Some(id) = files.get(path) else {
            return Ok(Json::Object(Map::new()));
        };
        if let Some(json) = self.texts.get(id) {
            return Ok(json.clone());
        }
        let document = self.sources.in_newest_form(path, &self.text(Some(id))?);
        let json = document
            .map(|document| document.to_json())
            .unwrap_or_default();
        if self.texts.len() == KEPT {
            self.texts.clear();
        }
        self.texts.insert(*id, json.clone());
        Ok(json)
    }
}

/// The keys that differ between two sets of files, by layer.
pub fn differing(
    sources: &Sources,
    before: &super::Files,
    after: &super::Files,
) -> BTreeSet<LayerKey> {
    let mut layers = Layers::new();
    let both = before.iter().chain(after.iter());
    let paths: BTreeSet<&str> = both.map(|(path, ..)| path).collect();
    let text = |files: &super::Files, path| {
        let bytes = files.get(path).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    for path in paths {
        let (old, new) = (text(before, path), text(after, path));
        if old != new && !matches!(Role::of(path), Some(Role::Schema(_))) {
            add(sources, &mut layers, path, [&old, &new]);
        }
    }
    let keys = |(role, changes): (Role, Changed)| {
        let keys = changes.into_keys();
        keys.map(|key| (role.clone(), key)).collect::<Vec<_>>()
    };
    settled(layers).into_iter().flat_map(keys).collect()
}

/// What differs, by layer.
type Layers = BTreeMap<Role, Changed>;

/// Adds what differs in one file; a key may leave one file of a layer and come to another.
fn add(sources: &Sources, layers: &mut Layers, path: &str, [old, new]: [&str; 2]) {
    let Some(role) = Role::of(path) else { return };
    let layer = layers.entry(layer_of(&role)).or_default();
    let found = if sources.has_forms(&role) {
        let values = |text| {
            let document = sources.in_newest_form(path, text);
            let values = document.map(|document| document.values());
            values.unwrap_or_default().into_iter().collect()
        };
        compared(&values(old), &values(new))
    } else {
        changed(old, new)
    };
    for (key, (before, after)) in found {
        let both = layer.entry(key).or_default();
        both.0 = before.or(both.0.take());
        both.1 = after.or(both.1.take());
    }
}

/// Without the keys that only went from one file to another.
fn settled(mut layers: Layers) -> Layers {
    for layer in layers.values_mut() {
        layer.retain(|_, (before, after)| before != after);
    }
    layers
}

/// The layer that a file is in.
pub fn layer_of(role: &Role) -> Role {
    match role {
        Role::Base(_) => Role::Base(String::new()),
        other => other.clone(),
    }
}

fn meets(changes: &Changed, key: &KeyPath) -> bool {
    let mut keys = changes.keys();
    keys.any(|one| one.starts_with(key) || key.starts_with(one))
}

/// Tables merge; everything else replaces.
fn merged(below: Option<Json>, above: &Json) -> Json {
    match (below, above) {
        (Some(Json::Object(mut fields)), Json::Object(more)) => {
            for (name, value) in more {
                let old = fields.remove(name);
                fields.insert(name.clone(), merged(old, value));
            }
            Json::Object(fields)
        }
        (_, above) => above.clone(),
    }
}
