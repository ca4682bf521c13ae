//! Where secrets come from: `[secrets]` in buildkeep.toml.
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;

use super::super::sources::leaves;
use super::super::{Role, Sources};
use super::referred;
use crate::document::{Document, KeyPath, Problem, as_duration, code, nearest};

/// How long a program may take that does not say.
const PATIENCE: Duration = Duration::from_mins(1);
/// Keys of `[secrets]` that are no names.
const RESERVED: &[&str] = &["recipients", "identity", "allow"];

/// Whether `[secrets]` means something else by a name.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A variable.
    Env(String),
    /// A program that prints it.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// How long it may take.
        limit: Duration,
    },
    /// An encrypted file.
    Age {
        /// The file, from the keep or absolute.
        file: String,
        /// The file with the private key.
        identity: Option<String>,
        /// The key of the value, if the file is a table of several.
        key: Option<String>,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "variable {name}"),
            // Arguments may be secrets themselves.
            Self::Command { argv, .. } => {
                write!(f, "command {}", argv.first().map_or("", String::as_str))
            }
            Self::Age {
                file, key: None, ..
            } => write!(f, "age file {file}"),
            Self::Age {
                file,
                key: Some(key),
                ..
            } => write!(f, "`{key}` in age file {file}"),
        }
    }
}

/// All secrets that a keep knows by name.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    by_name: BTreeMap<String, Source>,
    /// Who can read what `secret set` encrypts.
    pub recipients: Vec<String>,
    /// The file of private keys that age files are read with, as it is written.
    pub identity: Option<String>,
}

impl Secrets {
    /// Reads buildkeep.toml, as far as it can be read.
    pub fn of(sources: &Sources) -> Self {
        let settings = sources.document(&Role::Settings).map(Document::to_json);
        let table = settings
            .as_ref()
            .and_then(|json| json.get("secrets")?.as_object());
        let Some(table) = table else {
            return Self::default();
        };
        let identity = table.get("identity").and_then(Json::as_str);
        let named = table.iter().filter(|(name, _)| !is_reserved(name));
        let recipients = table.get("recipients").and_then(Json::as_array);
        Self {
            by_name: named
                .filter_map(|(name, json)| Some((name.clone(), source(json, identity)?)))
                .collect(),
            recipients: texts(recipients),
            identity: identity.map(str::to_owned),
        }
    }

    /// Where a secret comes from.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name)
    }

    /// All secrets by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.by_name
            .iter()
            .map(|(name, source)| (name.as_str(), source))
    }

    /// The variables that secrets come from, which are nobody else's business.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.by_name.values().filter_map(|source| match source {
            Source::Env(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

fn texts(list: Option<&Vec<Json>>) -> Vec<String> {
    let items = list.into_iter().flatten().filter_map(Json::as_str);
    items.map(str::to_owned).collect()
}

fn source(json: &Json, common: Option<&str>) -> Option<Source> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let found = [
        text("env").map(Source::Env),
        json.get("command").map(|argv| Source::Command {
            argv: texts(argv.as_array()),
            limit: json
                .get("timeout")
                .and_then(as_duration)
                .unwrap_or(PATIENCE),
        }),
        text("age").map(|file| Source::Age {
            file,
            identity: text("identity").or(common.map(str::to_owned)),
            key: text("key"),
        }),
    ];
    let mut found = found.into_iter().flatten();
    found.next().filter(|_| found.next().is_none())
}

/// What is wrong with `[secrets]`, and with references to them.
pub(in crate::config) fn problems(sources: &Sources) -> Vec<Problem> {
    let secrets = Secrets::of(sources);
    let mut problems = Vec::new();
    if let Some(settings) = sources.document(&Role::Settings) {
        let json = settings.to_json();
        let named = json.get("secrets").and_then(Json::as_object);
        let named = named.into_iter().flatten().map(|(name, _)| name.as_str());
        let unusable = named.filter(|name| !is_reserved(name) && secrets.get(name).is_none());
        problems.extend(unusable.map(|name| without_source(settings, name)));
    }
    for (role, document) in sources.documents() {
        if matches!(role, Role::Base(_) | Role::Profile(_) | Role::Host(_)) {
            problems.extend(unknown(&secrets, document, &problems));
        }
    }
    problems
}

fn without_source(settings: &Document, name: &str) -> Problem {
    let key = KeyPath::root().key("secrets").key(name);
    let message = format!("`{key}` must have exactly one of `env`, `command` and `age`");
    settings
        .problem(&key, code::BAD_SOURCE, message)
        .help(format!("as in `{name} = {{ env = \"VARIABLE\" }}`"))
}

/// References of a document that lead nowhere.
fn unknown(secrets: &Secrets, document: &Document, known: &[Problem]) -> Vec<Problem> {
    let json = document.to_json();
    let problem = |key: KeyPath| {
        let name = referred(super::super::sources::value_at(&json, &key)?)?;
        let is_told = known
            .iter()
            .any(|problem| problem.path.ends_with(&format!(".{name}")));
        if secrets.get(name).is_some() || is_told {
            return None;
        }
        let message = format!("`[secrets]` in buildkeep.toml has no `{name}`");
        let help = match nearest(name, secrets.by_name.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `secret:{near}`?"),
            None => format!("add it there: `{name} = {{ env = \"VARIABLE\" }}`, say"),
        };
        Some(document.problem(&key, code::NO_SECRET, message).help(help))
    };
    leaves(&json).into_iter().filter_map(problem).collect()
}
