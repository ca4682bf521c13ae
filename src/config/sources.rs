//! The files of a configuration, read and checked.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::schemas::builtin;
use super::verdicts::{Verdicts, mark};
use super::{Files, Role, Schemas, recent, rules, whole};
use crate::document::{Document, KeyPath, Place, Problem, Schema, Segment, code, in_order};

/// The files of a configuration, read; what is wrong with each of them is known.
#[derive(Clone, Debug)]
pub struct Sources {
    documents: BTreeMap<Role, Arc<Document>>,
    schemas: Arc<Schemas>,
    /// What verdicts on each document are filed under, by path.
    marks: BTreeMap<String, String>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Sources {
    /// Reads and checks all files, those of other hosts and of profiles not in force too.
    pub fn read(files: &Files) -> Result<Self, crate::document::Error> {
        if let Some(known) = recent::same(files) {
            return Ok(known);
        }
        let near = recent::near(files);
        let mut sources = Self::begin(files, near.as_deref().map(|(_, known)| known))?;
        for (path, role, bytes) in files.iter() {
            let is_same = |near: &&(Files, Self)| near.0.get(path) == Some(bytes);
            match near.as_deref().filter(is_same) {
                _ if matches!(role, Role::Schema(_)) => {}
                Some((_, known)) => sources.take(known, path, role),
                None => sources.add((path, role, bytes), files.verdicts())?,
            }
        }
        sources.check_together(files.verdicts());
        files.verdicts().inspect(|verdicts| verdicts.keep());
        if sources.problems.is_empty() && sources.warnings.is_empty() {
            recent::keep(files, &sources);
        }
        Ok(sources)
    }

    /// The schemas, with what is wrong with them; those of `near` are the same, and nothing is.
    fn begin(files: &Files, near: Option<&Self>) -> Result<Self, crate::document::Error> {
        let mut problems: Vec<Problem> = files.links().map(a_link).collect();
        let schemas = match near {
            Some(near) => Arc::clone(&near.schemas),
            None => Arc::new(Schemas::read(files, &mut problems)?),
        };
        Ok(Self {
            documents: BTreeMap::new(),
            schemas,
            marks: BTreeMap::new(),
            problems,
            warnings: Vec::new(),
        })
    }

    /// Takes a document over that did not change.
    fn take(&mut self, known: &Self, path: &str, role: Role) {
        if let Some(mark) = known.marks.get(path) {
            self.marks.insert(path.to_owned(), mark.clone());
        }
        if let Some(document) = known.documents.get(&role) {
            self.documents.insert(role, Arc::clone(document));
        }
    }

    /// Reads and checks a document.
    fn add(
        &mut self,
        (path, role, bytes): (&str, Role, &[u8]),
        verdicts: Option<&Verdicts>,
    ) -> Result<(), crate::document::Error> {
        let own = own_schema(&role)?;
        let schemas = Arc::clone(&self.schemas);
        let schema = own.as_ref().or_else(|| schemas.for_role(&role));
        let read = Document::parse_bytes(path, bytes);
        match read.and_then(|document| schemas.forms().current(&role, document)) {
            Ok(document) => {
                let mark = format!("{}:{}", schemas.mark_for(&role), mark(bytes));
                self.marks.insert(path.to_owned(), mark.clone());
                self.problems
                    .extend(found_in(&document, schema, mark, verdicts));
                self.documents.insert(role, Arc::new(document));
            }
            Err(problem) => self.problems.push(match schema {
                Some(schema) => schema.redact(problem),
                None => problem,
            }),
        }
        Ok(())
    }

    /// All that is wrong, by file and place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What is no error, but will not go well for ever: by file and place.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What a change that leads here would break: what is new since `before`, and whatever is
    /// wrong in the files `touched`.
    pub fn problems_since(&self, before: &Self, touched: &[&str]) -> Vec<Problem> {
        let is_old = |problem: &Problem| before.problems.iter().any(|old| same(old, problem));
        let is_ours = |problem: &Problem| touched.contains(&problem.file.as_str());
        let new = self
            .problems
            .iter()
            .filter(|problem| is_ours(problem) || !is_old(problem));
        new.cloned().collect()
    }

    /// The documents with their roles.
    pub fn documents(&self) -> impl Iterator<Item = (&Role, &Document)> {
        self.documents
            .iter()
            .map(|(role, document)| (role, &**document))
    }

    /// The document with this role.
    pub fn document(&self, role: &Role) -> Option<&Document> {
        self.documents.get(role).map(|document| &**document)
    }

    /// The schemas.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The profiles in force, as `buildkeep.toml` names them.
    pub fn profiles(&self) -> Vec<String> {
        let settings = self.document(&Role::Settings).map(Document::to_json);
        let named = settings
            .as_ref()
            .and_then(|json| json.get("profiles")?.as_array());
        let names = named.into_iter().flatten().filter_map(Json::as_str);
        names.map(str::to_owned).collect()
    }

    /// What no file can be blamed for alone.
    fn check_together(&mut self, verdicts: Option<&Verdicts>) {
        let mark = self.mark();
        let mut found = self.keys_in_two_files();
        found.extend(self.missing_profiles());
        found.extend(super::secrets::problems(self));
        for (role, document) in &self.documents {
            found.extend(rules::in_layer(role, document, &self.schemas));
            self.warnings.extend(match role {
                Role::Base(_) | Role::Profile(_) | Role::Host(_) => {
                    rules::deprecated(document, self.schemas.combined())
                }
                _ => Vec::new(),
            });
        }
        let is_known = verdicts.is_some_and(|verdicts| verdicts.is_known(&mark));
        if !is_known && self.is_readable() {
            let whole = whole::problems(self);
            if whole.is_empty() && found.is_empty() && self.problems.is_empty() {
                verdicts.inspect(|verdicts| verdicts.learn(mark.clone()));
            }
            found.extend(whole);
        }
        self.problems.extend(found);
        self.problems = in_order(std::mem::take(&mut self.problems));
        self.warnings = in_order(std::mem::take(&mut self.warnings));
    }

    /// What a verdict on all of it is filed under.
    fn mark(&self) -> String {
        let mut text = format!("{}:", self.schemas.mark());
        for (path, mark) in &self.marks {
            text.extend([path, "=", mark, ";"]);
        }
        mark(text.as_bytes())
    }

    /// Whether all files that hold everywhere could be read: what one of them would give is not
    /// missing.
    fn is_readable(&self) -> bool {
        let lost = [
            code::SYNTAX,
            code::DUPLICATE,
            code::NOT_TEXT,
            code::NOT_A_FILE,
        ];
        let lost = self
            .problems
            .iter()
            .filter(|problem| lost.contains(&problem.code));
        let mut roles = lost.filter_map(|problem| Role::of(&problem.file));
        !roles.any(|role| match &role {
            Role::Settings | Role::Base(_) | Role::Profile(_) => {
                !self.documents.contains_key(&role)
            }
            Role::Schema(_) => true,
            Role::Host(_) | Role::Plan => false,
        })
    }

    fn keys_in_two_files(&self) -> Vec<Problem> {
        let mut first: BTreeMap<KeyPath, &str> = BTreeMap::new();
        let mut problems = Vec::new();
        let bases = || {
            let documents = self.documents.iter();
            let bases = documents.filter(|(role, _)| matches!(role, Role::Base(_)));
            bases.map(|(_, document)| &**document)
        };
        if !overlap(bases()) {
            return problems;
        }
        for document in bases() {
            for key in leaves(document.json()) {
                if is_form(&key) {
                    continue;
                }
                match first.get(&key) {
                    Some(other) => problems.push(second(document, &key, other)),
                    None => drop(first.insert(key, document.name())),
                }
            }
        }
        problems
    }

    fn missing_profiles(&self) -> Vec<Problem> {
        let Some(settings) = self.document(&Role::Settings) else {
            return Vec::new();
        };
        let names = self.profiles().into_iter().enumerate();
        let missing =
            names.filter(|(_, name)| !self.documents.contains_key(&Role::Profile(name.clone())));
        let problem = |(at, name): (usize, String)| {
            let known = self.documents.keys().filter_map(|role| match role {
                Role::Profile(name) => Some(name.as_str()),
                _ => None,
            });
            let help = match crate::document::nearest(&name, known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("write config/profiles/{name}.toml, or take the name out"),
            };
            let message = format!("there is no profile `{name}`");
            let path = KeyPath::root().key("profiles").item(at);
            settings
                .problem(&path, code::NO_PROFILE, message)
                .help(help)
        };
        missing.map(problem).collect()
    }
}

/// What is wrong with a document; nothing, if a verdict says so.
fn found_in(
    document: &Document,
    schema: Option<&Schema>,
    mark: String,
    verdicts: Option<&Verdicts>,
) -> Vec<Problem> {
    let is_known = verdicts.is_some_and(|verdicts| verdicts.is_known(&mark));
    let problems = match schema {
        _ if is_known => return Vec::new(),
        Some(schema) => document.validate(schema),
        None => document.unusable(),
    };
    if problems.is_empty() {
        verdicts.inspect(|verdicts| verdicts.learn(mark));
    }
    problems
}

fn same(a: &Problem, b: &Problem) -> bool {
    (&a.file, a.code, &a.path, &a.message) == (&b.file, b.code, &b.path, &b.message)
}

fn own_schema(role: &Role) -> Result<Option<Schema>, crate::document::Error> {
    match role {
        Role::Settings => builtin("buildkeep.schema.json").map(Some),
        Role::Plan => builtin("plan.schema.json").map(Some),
        _ => Ok(None),
    }
}

pub(super) fn a_link(path: &str) -> Problem {
    let message = "this is a symlink: configuration must be plain files, which have a history";
    Problem::in_file(code::NOT_A_FILE, path, message).help(format!(
        "replace it by what it points at: `cp --remove-destination \"$(realpath {path})\" {path}`"
    ))
}

/// Whether two documents have a table or a key of the same name.
fn overlap<'a>(documents: impl Iterator<Item = &'a Document>) -> bool {
    let mut seen = BTreeSet::new();
    let mut names = documents.flat_map(|document| {
        let fields = document.json().as_object();
        let names = fields.into_iter().flat_map(Map::keys);
        names.filter(|name| *name != "schema")
    });
    !names.all(|name| seen.insert(name))
}

fn second(document: &Document, key: &KeyPath, other: &str) -> Problem {
    let message = format!("`{key}` is set in {other} too");
    document
        .problem_at(Place::Key, key, code::TWO_FILES, message)
        .help(
            "keep one of the two; to make an exception for one machine use config/hosts/HOST.toml",
        )
}

/// Whether a key is the version of a file's form, which is no part of the tree.
pub(super) fn is_form(key: &KeyPath) -> bool {
    key.segments().first() == Some(&Segment::from("schema"))
}

/// The keys of all values of a document; a list is one value.
pub(super) fn leaves(json: &Json) -> Vec<KeyPath> {
    let mut keys = Vec::new();
    collect(json, &KeyPath::root(), &mut keys);
    keys
}

fn collect(json: &Json, path: &KeyPath, keys: &mut Vec<KeyPath>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                collect(value, &path.clone().key(key), keys);
            }
        }
        _ => keys.push(path.clone()),
    }
}

/// The value at a path that has nothing but names.
pub(super) fn value_at<'a>(json: &'a Json, key: &KeyPath) -> Option<&'a Json> {
    key.segments()
        .iter()
        .try_fold(json, |json, segment| match segment {
            Segment::Key(key) => json.get(key),
            Segment::Index(index) => json.get(index),
            Segment::Named(_) => None,
        })
}
