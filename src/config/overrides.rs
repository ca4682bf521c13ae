//! Values from the environment and the command line.
use super::{Error, Layer};
use crate::document::{Document, KeyPath, Problem, Schema, Segment, code, set};
use crate::world::Env;

const PREFIX: &str = "BUILDKEEP_SET_";

/// A value that holds for one command only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Where it comes from.
    pub layer: Layer,
    /// What problems and origins call it: the variable, or `-c KEY`.
    pub source: String,
    /// The key as it was given.
    pub key: String,
    /// The value as it was given.
    pub value: String,
}

/// For whom a configuration is worked out.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The host whose overlay holds.
    pub host: String,
    /// What holds for this command only, the last one winning.
    pub overrides: Vec<Override>,
}

impl Scope {
    /// The scope of a host, without overrides.
    pub fn of_host(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            overrides: Vec::new(),
        }
    }

    /// The scope of a host, with `BUILDKEEP_SET_…` variables and `-c KEY=VALUE` options.
    pub fn new(host: &str, env: &Env, options: &[String]) -> Result<Self, Error> {
        let variables = env.iter().filter_map(|(name, value)| {
            let (name, value) = (name.to_str()?, value.to_str()?);
            Some(Override {
                layer: Layer::Environment,
                source: name.to_owned(),
                key: name.strip_prefix(PREFIX)?.replace("__", "."),
                value: value.to_owned(),
            })
        });
        let mut overrides: Vec<_> = variables.collect();
        for option in options {
            let (key, value) = option.split_once('=').ok_or_else(|| Error::NoValue {
                option: option.clone(),
            })?;
            overrides.push(Override {
                layer: Layer::CommandLine,
                source: format!("-c {}", key.trim()),
                key: key.trim().to_owned(),
                value: value.to_owned(),
            });
        }
        Ok(Self {
            host: host.to_owned(),
            overrides,
        })
    }
}

impl Override {
    /// What problems call it, where a file would be named.
    fn name(&self) -> String {
        match self.layer {
            Layer::Environment => format!("environment {}", self.source),
            _ => format!("command line {}", self.source),
        }
    }

    /// The override as a document of its own, checked like a file.
    pub(super) fn document(
        &self,
        known: &[KeyPath],
        schema: &Schema,
    ) -> Result<Document, Vec<Problem>> {
        let wrong = |reason: String| {
            let message = format!("`{}` is not a key: {reason}", self.key);
            vec![Problem::in_file(code::BAD_OVERRIDE, &self.name(), message)]
        };
        let key = self.key_among(known).map_err(wrong)?;
        let value = super::typed::typed(schema, &key, &self.value).map_err(|reason| {
            let message = format!("the value of `{key}` is not TOML: {reason}");
            vec![Problem::in_file(code::BAD_OVERRIDE, &self.name(), message)]
        })?;
        let one = |problem| vec![problem];
        let name = self.name();
        // What has items of lists in it is refused by `set`, which says why.
        let is_plain = key
            .segments()
            .iter()
            .all(|segment| matches!(segment, Segment::Key(_)));
        let text = if is_plain {
            format!("{key} = {value}")
        } else {
            set(&name, "", &key, &value).map_err(one)?
        };
        let document = Document::parse(&name, &text).map_err(one)?;
        let problems = document.validate(schema);
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(problems.into_iter().map(Problem::as_typed).collect())
        }
    }

    /// Variables cannot be written with small letters by everybody: case and `-` do not count.
    fn key_among(&self, known: &[KeyPath]) -> Result<KeyPath, String> {
        if self.layer != Layer::Environment {
            return KeyPath::parse(&self.key);
        }
        let fold = |key: &str| key.to_lowercase().replace('-', "_");
        let wanted = fold(&self.key);
        let exact = known.iter().find(|key| key.to_string() == self.key);
        let folded = || known.iter().find(|key| fold(&key.to_string()) == wanted);
        match exact.or_else(folded) {
            Some(key) => Ok(key.clone()),
            None if self.key.contains(char::is_lowercase) => KeyPath::parse(&self.key),
            None => KeyPath::parse(&wanted),
        }
    }
}
