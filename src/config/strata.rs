//! The layers of a configuration on top of one another, and what they come to.
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::sources::{is_form, value_at};
use super::{Layer, Origin, Override, Role, Sources};
use crate::document::{Document, KeyPath, Place, Places, Problem, Schema, Segment, Spot};

/// One layer, or one file of it.
#[derive(Debug)]
pub(super) struct Stratum<'a> {
    layer: Layer,
    /// What origins call it: a file, a variable, an option.
    source: Option<String>,
    body: Body<'a>,
}

#[derive(Debug)]
enum Body<'a> {
    Defaults(Json),
    File(&'a Document),
    Override(Box<Document>),
}

impl Stratum<'_> {
    pub(super) fn json(&self) -> &Json {
        match &self.body {
            Body::Defaults(json) => json,
            Body::File(document) => document.json(),
            Body::Override(document) => document.json(),
        }
    }

    fn document(&self) -> Option<&Document> {
        match &self.body {
            Body::Defaults(_) => None,
            Body::File(document) => Some(document),
            Body::Override(document) => Some(document),
        }
    }
}

/// All layers, the weakest first.
#[derive(Debug)]
pub(super) struct Strata<'a> {
    sources: &'a Sources,
    list: Vec<Stratum<'a>>,
}

/// Which layers the parts of a value come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// All of it from one.
    One(usize),
    /// Each item of a list: the layer, and its number there.
    Items(Vec<(usize, usize)>),
}

impl From {
    /// The strongest layer that gave something.
    pub(super) fn strongest(&self) -> Option<usize> {
        match self {
            Self::One(at) => Some(*at),
            Self::Items(items) => items.iter().map(|(at, _)| *at).max(),
        }
    }

    /// Whether the layer gave something.
    pub(super) fn has(&self, layer: usize) -> bool {
        match self {
            Self::One(at) => *at == layer,
            Self::Items(items) => items.iter().any(|(at, _)| *at == layer),
        }
    }
}

/// What layers come to.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The values.
    pub(super) tree: Json,
    /// Where each value comes from; a list is one value.
    pub(super) from: BTreeMap<KeyPath, From>,
}

impl<'a> Strata<'a> {
    /// The layers of files that hold on a host; of a host without a name, those of all hosts.
    pub(super) fn of_files(sources: &'a Sources, host: &str) -> Self {
        let mut strata = Self {
            sources,
            list: vec![Stratum {
                layer: Layer::Default,
                source: None,
                body: Body::Defaults(sources.schemas().combined().defaults()),
            }],
        };
        for profile in sources.profiles() {
            strata.push_file(Layer::Profile, &Role::Profile(profile));
        }
        let roles = sources.documents().map(|(role, _)| role);
        for role in roles.filter(|role| matches!(role, Role::Base(_))) {
            strata.push_file(Layer::Config, role);
        }
        strata.push_file(Layer::Host, &Role::Host(host.to_owned()));
        strata
    }

    fn push_file(&mut self, layer: Layer, role: &Role) {
        if let Some(document) = self.sources.document(role) {
            self.list.push(Stratum {
                layer,
                source: Some(document.name().to_owned()),
                body: Body::File(document),
            });
        }
    }

    /// Adds what holds for one command only.
    pub(super) fn push_overrides(
        &mut self,
        overrides: &[Override],
        known: &[KeyPath],
    ) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for one in overrides {
            match one.document(known, self.schema()) {
                Ok(document) => self.list.push(Stratum {
                    layer: one.layer,
                    source: Some(one.source.clone()),
                    body: Body::Override(Box::new(document)),
                }),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stratum<'a>> {
        self.list.iter()
    }

    fn schema(&self) -> &'a Schema {
        self.sources.schemas().combined()
    }

    /// Where a value of a layer stands.
    pub(super) fn origin(&self, layer: usize, key: &KeyPath) -> Origin {
        let Some(stratum) = self.list.get(layer) else {
            return Origin {
                layer: Layer::Default,
                file: None,
                line: None,
            };
        };
        let line = match &stratum.body {
            Body::File(document) => document.line_of(key).map(|(line, _)| line),
            _ => None,
        };
        let schema = || self.sources.schemas().origin_of(key).map(str::to_owned);
        Origin {
            layer: stratum.layer,
            file: stratum.source.clone().or_else(schema),
            line,
        }
    }

    /// What they come to.
    pub(super) fn merged(&self) -> Merged {
        let mut merged = Merged {
            tree: Json::Object(Map::new()),
            from: BTreeMap::new(),
        };
        for (at, stratum) in self.list.iter().enumerate() {
            let mut tree = std::mem::take(&mut merged.tree);
            merged.add(
                &mut tree,
                stratum.json(),
                &KeyPath::root(),
                (at, self.schema()),
            );
            merged.tree = tree;
        }
        merged
    }

    /// What is wrong with what they come to, told where the values stand.
    pub(super) fn problems(&self, merged: &Merged) -> Vec<Problem> {
        let view = View {
            strata: self,
            merged,
        };
        self.sources.schemas().whole().validate(&merged.tree, &view)
    }
}

impl Merged {
    /// Tables merge; everything else replaces, unless the schema says otherwise.
    fn add(&mut self, below: &mut Json, above: &Json, path: &KeyPath, by: (usize, &Schema)) {
        let (at, schema) = by;
        if is_form(path) {
            return;
        }
        let rule = schema.own(path, "x-buildkeep-merge").and_then(Json::as_str);
        if let Json::Object(fields) = above {
            if !below.is_object() || rule == Some("replace") {
                self.forget(path);
                *below = Json::Object(Map::new());
            }
            for (key, value) in fields {
                let path = path.clone().key(key);
                if let Some(fields) = below.as_object_mut().filter(|_| !is_form(&path)) {
                    let old = fields.entry(key.clone()).or_insert(Json::Null);
                    self.add(old, value, &path, by);
                }
            }
            return;
        }
        let items = match (&mut *below, above) {
            (Json::Array(old), Json::Array(new)) => {
                let before = self.items_of(path, old.len());
                let added = (0..new.len()).map(|index| (at, index)).collect();
                joined((old, before), (new, added), rule)
            }
            _ => None,
        };
        self.forget(path);
        let from = if let Some(items) = items {
            From::Items(items)
        } else {
            *below = above.clone();
            From::One(at)
        };
        self.from.insert(path.clone(), from);
    }

    fn items_of(&self, path: &KeyPath, count: usize) -> Vec<(usize, usize)> {
        match self.from.get(path) {
            Some(From::Items(items)) => items.clone(),
            Some(From::One(at)) => (0..count).map(|index| (*at, index)).collect(),
            None => Vec::new(),
        }
    }

    /// What stood here before no longer does.
    fn forget(&mut self, path: &KeyPath) {
        let inside = self.from.range(path.clone()..);
        let inside = inside.take_while(|(key, _)| key.starts_with(path));
        let gone: Vec<KeyPath> = inside.map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.from.remove(&key);
        }
    }
}

/// Makes one list of two, if the rule says so; and where its items are from.
fn joined(
    (old, mut before): (&mut Vec<Json>, Vec<(usize, usize)>),
    (new, added): (&[Json], Vec<(usize, usize)>),
    rule: Option<&str>,
) -> Option<Vec<(usize, usize)>> {
    match rule? {
        "append" => {
            old.extend(new.iter().cloned());
            before.extend(added);
        }
        "prepend" => {
            old.splice(0..0, new.iter().cloned());
            before.splice(0..0, added);
        }
        "unique" => {
            for (item, from) in new.iter().zip(added) {
                if !old.contains(item) {
                    old.push(item.clone());
                    before.push(from);
                }
            }
        }
        _ => return None,
    }
    Some(before)
}

/// What layers come to, with the way back.
struct View<'a> {
    strata: &'a Strata<'a>,
    merged: &'a Merged,
}

impl View<'_> {
    /// The value that holds what is at `path`, and which layer gave it, under which path.
    fn leaf(&self, path: &KeyPath) -> Option<(usize, KeyPath)> {
        let segments = path.segments();
        let parts = (0..=segments.len()).rev().map(|len| segments.split_at(len));
        let mut found = parts.filter_map(|(leaf, rest)| {
            let from = self.merged.from.get(&KeyPath::from(leaf))?;
            Some((from, leaf, rest))
        });
        let (from, leaf, rest) = found.next()?;
        if let (From::Items(items), [Segment::Index(index), rest @ ..]) = (from, rest) {
            let (at, item) = items.get(*index)?;
            let path = leaf.iter().cloned().chain([Segment::Index(*item)]);
            return Some((*at, path.chain(rest.iter().cloned()).collect()));
        }
        Some((from.strongest()?, path.clone()))
    }

    /// The strongest layer that has the table at `path`, or the nearest one around it.
    fn table(&self, path: &KeyPath) -> Option<&Document> {
        let mut table = path.clone();
        while !table.segments().is_empty() {
            let has = |stratum: &&Stratum<'_>| value_at(stratum.json(), &table).is_some();
            let mut strongest = self.strata.list.iter().rev().filter(has);
            if let Some(document) = strongest.find_map(Stratum::document) {
                return Some(document);
            }
            table = table.split_last()?.0;
        }
        None
    }

    /// Where a key outside of all tables should be.
    fn home(&self, path: &KeyPath) -> Spot<'_> {
        let schemas = self.strata.sources.schemas();
        let name = schemas.file_of(path).map(str::to_owned);
        let is_home = |role: &Role| match role {
            Role::Base(file) => name.as_ref().is_none_or(|name| name == file),
            _ => false,
        };
        let mut documents = self.strata.sources.documents();
        match documents.find(|(role, _)| is_home(role)) {
            Some((_, document)) => Spot::In(document, path.clone()),
            None => Spot::File(format!("config/{}.toml", name.unwrap_or_default())),
        }
    }
}

impl Places for View<'_> {
    fn find(&self, _: Place, path: &KeyPath) -> Spot<'_> {
        if let Some((at, inside)) = self.leaf(path) {
            let file = || self.strata.origin(at, path).file.unwrap_or_default();
            let document = self.strata.list[at].document();
            return document.map_or_else(|| Spot::File(file()), |own| Spot::In(own, inside));
        }
        match self.table(path) {
            Some(document) => Spot::In(document, path.clone()),
            None => self.home(path),
        }
    }
}
