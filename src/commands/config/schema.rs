//! `config schema`
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::configuration::key;
use super::super::{Answer, Context};
use crate::config::{Error, Files, Sources};
use crate::document::{KeyPath, Schema};
use crate::failure::Failure;
use crate::ui::style;

/// List the keys that the schemas know: type, default, allowed values, meaning
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this key, or the keys of this table
    key: Option<String>,
}

/// What may be set.
#[derive(Debug, Serialize)]
struct Known {
    keys: Vec<Rule>,
}

/// What the schema says of a key.
#[derive(Debug, Serialize)]
struct Rule {
    key: String,
    #[serde(rename = "type")]
    kind: Option<Json>,
    default: Option<Json>,
    allowed: Option<Json>,
    description: Option<String>,
    secret: bool,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return writeln!(
                f,
                "no keys: write schemas/NAME.schema.json for config/NAME.toml"
            );
        }
        self.keys.iter().try_for_each(|rule| rule.fmt(f))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", style::name(&self.key))?;
        if let Some(kind) = self.kind.as_ref().and_then(Json::as_str) {
            write!(f, " ({kind})")?;
        }
        if let Some(default) = &self.default {
            write!(f, ", default {default}")?;
        }
        if let Some(Json::Array(allowed)) = &self.allowed {
            let allowed: Vec<String> = allowed.iter().map(Json::to_string).collect();
            write!(f, ", one of {}", allowed.join(", "))?;
        }
        if self.secret {
            write!(f, ", secret")?;
        }
        writeln!(f)?;
        match &self.description {
            Some(text) => writeln!(f, "    {}", style::faint(text)),
            None => Ok(()),
        }
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let sources = Sources::read(&Files::of_work_tree(&keep)?)?;
    let schema = sources.schemas().combined();
    let wanted = args
        .key
        .as_deref()
        .map(key)
        .transpose()?
        .unwrap_or_default();
    if schema.at(&wanted).is_none() {
        let known = schema
            .keys()
            .into_iter()
            .filter(|key| key.segments().len() > 1);
        let known: Vec<String> = known.map(|key| key.to_string()).collect();
        let near = crate::document::nearest(&wanted.to_string(), known.iter().map(String::as_str));
        return Err(Failure::from(Error::UnknownKey {
            key: wanted.to_string(),
            near: near.map(str::to_owned),
        }));
    }
    let is_value = |key: &KeyPath| key.starts_with(&wanted) && key.segments().len() > 1;
    let keys = schema.keys().into_iter().filter(is_value);
    let keys = keys.map(|key| rule(schema, &key)).collect();
    cx.ui.show(&Known { keys })?;
    Ok(Answer::Yes)
}

fn rule(schema: &Schema, key: &KeyPath) -> Rule {
    let sub = schema.at(key).unwrap_or(&Json::Null);
    let field = |name: &str| sub.get(name).cloned();
    Rule {
        key: key.to_string(),
        kind: field("type"),
        default: field("default"),
        allowed: field("enum"),
        description: sub
            .get("description")
            .and_then(Json::as_str)
            .map(str::to_owned),
        secret: schema.is_secret(key),
    }
}
