//! Files of variables that scripts and makefiles read.
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Names, quote};
use crate::config::Effective;
use crate::config::secrets::referred;
use crate::document::{KeyPath, Segment};

/// How variables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `export NAME='value'`
    Sh,
    /// `export NAME := value`
    Make,
    /// `NAME=value`, without quotes: for `docker --env-file`, say.
    Env,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sh" => Self::Sh,
            "make" => Self::Make,
            "env" => Self::Env,
            _ => return None,
        })
    }

    fn line(self, name: &str, value: &str) -> Option<String> {
        match self {
            Self::Sh => {
                let quoted = (!value.contains('\0')).then(|| quote::shell(value));
                Some(format!("export {name}={}\n", quoted?))
            }
            Self::Make => Some(format!("export {name} := {}\n", quote::make(value)?)),
            Self::Env => (!value.contains(['\n', '\r', '\0'])).then(|| format!("{name}={value}\n")),
        }
    }

    fn read(self, line: &str) -> Option<(&str, Option<String>)> {
        let (assign, unquote): (&str, fn(&str) -> Option<String>) = match self {
            Self::Sh => ("=", quote::unshell),
            Self::Make => (":=", quote::unmake),
            Self::Env => ("=", |text| Some(text.to_owned())),
        };
        let line = match self {
            Self::Env => line,
            _ => line.trim_start().strip_prefix("export ")?,
        };
        let (name, value) = line.split_once(assign)?;
        Some((name.trim(), unquote(value)))
    }
}

/// A variable, the key it holds, and its value.
type Variable = (String, KeyPath, Json);

/// The variables that `names` ask for; the error is a fragment that says what is wrong.
pub(super) fn variables(names: &Names, effective: &Effective) -> Result<Vec<Variable>, String> {
    let mut all: Vec<Variable> = Vec::new();
    for table in &names.keys {
        let inside = effective.entries_in(table);
        if inside.is_empty() {
            return Err(unknown(table, effective));
        }
        for entry in inside {
            let key = KeyPath::parse(&entry.key).unwrap_or_default();
            all.push((name_of(&key), key, entry.value));
        }
    }
    for (name, key) in &names.named {
        match effective.get(key) {
            Some(value) if !value.is_object() => {
                all.push((name.clone(), key.clone(), value.clone()));
            }
            Some(_) => return Err(format!("`{key}` is a table: name one of its keys")),
            None => return Err(unknown(key, effective)),
        }
    }
    all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    all.dedup();
    match all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!(
            "`{}` and `{}` would both be {}",
            pair[0].1, pair[1].1, pair[0].0
        )),
        None => Ok(all),
    }
}

fn unknown(key: &KeyPath, effective: &Effective) -> String {
    match effective.nearest(key) {
        Some(near) => format!("`{key}` has no value; did you mean `{near}`?"),
        None => format!("`{key}` has no value"),
    }
}

/// `build.c-flags` becomes `BUILD_C_FLAGS`.
fn name_of(key: &KeyPath) -> String {
    let parts = key.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key.to_uppercase()),
        Segment::Index(_) | Segment::Named(_) => None,
    });
    let name = parts.collect::<Vec<_>>().join("_");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).collect()
}

/// The text of the file; `reveal` gives the value of a secret.
pub(super) fn text(
    format: Format,
    variables: &[Variable],
    reveal: &dyn Fn(&str, &KeyPath) -> Result<String, String>,
) -> Result<String, String> {
    let mut text = String::from(
        "# Written by `buildkeep config apply`: change the configuration, not this file.\n",
    );
    for (name, key, value) in variables {
        let value = plain(&revealed(value, &|secret| reveal(secret, key))?);
        let line = format.line(name, &value);
        let has_nul = value.contains('\0');
        let what = if has_nul { "a NUL byte" } else { "a line end" };
        text +=
            &line.ok_or_else(|| format!("`{key}` has {what}, which this format cannot hold"))?;
    }
    Ok(text)
}

/// A value with secrets in the place of their names, also in lists.
fn revealed(value: &Json, reveal: &dyn Fn(&str) -> Result<String, String>) -> Result<Json, String> {
    match (referred(value), value) {
        (Some(secret), _) => Ok(Json::from(reveal(secret)?)),
        (None, Json::Array(items)) => items.iter().map(|item| revealed(item, reveal)).collect(),
        (None, other) => Ok(other.clone()),
    }
}

/// A value as scripts want it: text without quotes, a list with spaces between its items.
pub(super) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// What was changed by hand in a file of variables: keys with their new values as they were
/// written. The error says what cannot be taken back.
pub fn changed(
    format: Format,
    names: &Names,
    effective: &Effective,
    text: &str,
) -> Result<Vec<(KeyPath, String)>, String> {
    let variables = variables(names, effective)?;
    let mut there: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let (name, value) = format
            .read(line)
            .ok_or_else(|| format!("the line `{line}` is no variable"))?;
        there.insert(name, value);
    }
    let mut found = Vec::new();
    for (name, key, value) in &variables {
        let old = plain(value);
        match there.remove(name.as_str()) {
            None => return Err(format!("{name} was taken out, but `{key}` has a value")),
            Some(None) => return Err(format!("the value of {name} is put together by the shell")),
            Some(Some(new)) if new == old || referred(value).is_some() => {}
            Some(Some(_)) if value.is_array() => {
                return Err(format!("`{key}` is a list: set it yourself"));
            }
            Some(Some(new)) => found.push((key.clone(), new)),
        }
    }
    match there.keys().next() {
        Some(name) => Err(format!(
            "{name} is not among the variables that are written"
        )),
        None => Ok(found),
    }
}
