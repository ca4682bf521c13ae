//! Files that scripts read, made from the configuration: `[[render]]` in buildkeep.toml.
//!
//! The model: a [`Render`] says what is made of what; [`Values`] are what it may name; its text goes
//! to a [`Target`], a file below the keep, below the root of the build, or, if that is said, anywhere
//! else. What was written last is [`Applied`]; comparing it with what is there now and with what
//! would be written gives a [`State`]: a file that somebody changed is never overwritten unasked.

mod applied;
mod exports;
mod quote;
mod state;
mod target;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Role, Sources};
use crate::document::{Document, KeyPath, Problem, code};

pub use applied::{Applied, Record};
pub use exports::{Format, changed as changed_exports};
pub use state::{State, Status};
pub use target::{Base, Places, Target};
pub use template::Values;

/// A file to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// Where it goes, as it is written.
    pub to: String,
    /// What it is made of.
    pub from: From,
    /// Its mode, if it is said.
    pub mode: Option<u32>,
    /// Whether it may hold secrets.
    pub secrets: bool,
    /// Whether it may go outside of keep and root.
    pub outside: bool,
    /// Variables of the environment that it may name.
    pub env: Vec<String>,
    /// Which `[[render]]` it is.
    index: usize,
}

/// What a file is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A template in the keep.
    Template(String),
    /// Variables, by name, with the key that each holds.
    Exports(Format, Names),
}

/// Which variables are written, and of which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Keys and tables; the names of their variables are made from them.
    pub keys: Vec<KeyPath>,
    /// Names of our own choice.
    pub named: BTreeMap<String, KeyPath>,
}

impl Render {
    /// All that buildkeep.toml asks for; what cannot be done is a problem.
    pub fn all(sources: &Sources) -> (Vec<Self>, Vec<Problem>) {
        let Some(settings) = sources.document(&Role::Settings) else {
            return Default::default();
        };
        let json = settings.to_json();
        let tables = json.get("render").and_then(Json::as_array);
        let (mut renders, mut problems) = (Vec::new(), Vec::new());
        for (index, table) in tables.into_iter().flatten().enumerate() {
            match Self::read(index, table) {
                Ok(render) => renders.push(render),
                Err((key, message)) => {
                    let at = KeyPath::root().key("render").item(index).key(key);
                    problems.push(settings.problem(&at, code::BAD_TARGET, message));
                }
            }
        }
        let mut seen = BTreeMap::new();
        for render in &renders {
            if let Some(first) = seen.insert(render.to.clone(), render.index) {
                let message = format!("`[[render]]` number {} goes there too", first + 1);
                problems.push(render.problem(settings, "to", message));
            }
        }
        (renders, problems)
    }

    /// A problem with one of its keys.
    pub fn problem(&self, settings: &Document, key: &str, message: impl Into<String>) -> Problem {
        let at = KeyPath::root().key("render").item(self.index).key(key);
        settings.problem(&at, code::BAD_TARGET, message)
    }

    /// The mode that its file gets: what nobody asks for stays as it is, but for secrets.
    pub fn file_mode(&self, there: Option<&target::There>) -> u32 {
        let now = there.map_or(0o644, |there| there.mode);
        self.mode.unwrap_or(if self.secrets { 0o600 } else { now })
    }

    fn read(index: usize, table: &Json) -> Result<Self, (&'static str, String)> {
        let text = |name: &str| table.get(name).and_then(Json::as_str);
        let is = |name: &str| table.get(name).and_then(Json::as_bool) == Some(true);
        let to = text("to").ok_or(("to", "`to` is missing".to_owned()))?;
        let from = match (text("template"), text("exports")) {
            (Some(template), None) => From::Template(template.to_owned()),
            (None, Some(format)) => {
                let format = Format::named(format);
                let format = format.ok_or(("exports", "this is no format".to_owned()))?;
                From::Exports(format, names(table)?)
            }
            _ => return Err(("to", "give it either `template` or `exports`".to_owned())),
        };
        let render = Self {
            to: to.to_owned(),
            from,
            mode: text("mode").and_then(|mode| u32::from_str_radix(mode, 8).ok()),
            secrets: is("secrets"),
            outside: is("outside"),
            env: list(table, "env"),
            index,
        };
        if render.secrets && render.file_mode(None) & 0o077 != 0 {
            let message = "a file with secrets is for its owner only: mode \"0600\"";
            return Err(("mode", message.to_owned()));
        }
        Ok(render)
    }
}

fn names(table: &Json) -> Result<Names, (&'static str, String)> {
    let key = |text: &str| {
        let key = KeyPath::parse(text);
        key.map_err(|reason| ("keys", format!("`{text}` is not a key: {reason}")))
    };
    let mut names = Names::default();
    for text in list(table, "keys") {
        names.keys.push(key(&text)?);
    }
    let named = table.get("names").and_then(Json::as_object);
    for (name, json) in named.into_iter().flatten() {
        names
            .named
            .insert(name.clone(), key(json.as_str().unwrap_or_default())?);
    }
    if names.keys.is_empty() && names.named.is_empty() {
        let message = "say which: `keys = [\"build\"]`, or `names = { JOBS = \"build.jobs\" }`";
        return Err(("exports", message.to_owned()));
    }
    Ok(names)
}

fn list(table: &Json, name: &str) -> Vec<String> {
    let items = table.get(name).and_then(Json::as_array);
    let texts = items.into_iter().flatten().filter_map(Json::as_str);
    texts.map(str::to_owned).collect()
}
