//! `config get`
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::configuration::{effective_at, effective_at_key, key, plain, sources_at};
use super::super::secret::reveal::resolver;
use super::super::{Answer, Context, versions};
use super::list::Layers;
use crate::config::secrets::{Secrets, referred};
use crate::config::{Effective, Entry, Error, Files, Origin, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean, style};

/// Print the value of a key, or all values of a table
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The key, as `build.jobs`
    key: String,
    /// Say where the value comes from
    #[arg(long)]
    show_origin: bool,
    /// As it was in a version, tag, date or commit
    #[arg(long, value_name = "REVISION")]
    at: Option<String>,
    /// Print the secret itself that `secret:NAME` refers to
    #[arg(long, conflicts_with = "all_layers")]
    reveal: bool,
    /// Show what every layer says, also if it does not hold
    #[arg(long)]
    all_layers: bool,
}

/// A value.
#[derive(Debug, Serialize)]
struct Got {
    key: String,
    value: Json,
    origin: Option<Origin>,
    #[serde(skip)]
    inside: Vec<Entry>,
    #[serde(skip)]
    show_origin: bool,
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = plain(&self.value);
        let text = clean(&text);
        match &self.origin {
            Some(origin) if self.show_origin => writeln!(f, "{text}\t{}", style::faint(origin)),
            Some(_) => writeln!(f, "{text}"),
            None => super::list::write_entries(f, &self.inside, self.show_origin),
        }
    }
}

/// The profiles in force, which `set` knows as a key too.
#[derive(Debug, Serialize)]
struct Profiles {
    key: &'static str,
    value: Vec<String>,
    origin: Option<Origin>,
    #[serde(skip)]
    show_origin: bool,
}

impl Profiles {
    fn of(sources: &Sources, show_origin: bool) -> Self {
        Self {
            key: "profiles",
            value: sources.profiles(),
            origin: None,
            show_origin,
        }
    }
}

impl fmt::Display for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = plain(&Json::from(self.value.clone()));
        let text = clean(&text);
        if self.show_origin {
            writeln!(f, "{text}\t{}", style::faint("buildkeep.toml"))
        } else {
            writeln!(f, "{text}")
        }
    }
}

/// Runs the command; the answer is no if the key is known but has no value.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let key = key(&args.key)?;
    let effective = match &args.at {
        Some(at) => effective_at(&keep, versions::resolve(&keep, at)?)?,
        None => effective_at_key(cx, &keep, &key)?,
    };
    let Some(value) = effective.get(&key) else {
        if key == KeyPath::root().key("profiles") && !effective.knows(&key) {
            let (sources, _) = sources_at(cx, &keep, args.at.as_deref())?;
            cx.ui.show(&Profiles::of(&sources, args.show_origin))?;
            return Ok(Answer::Yes);
        }
        return without_value(cx, &effective, &key);
    };
    if args.all_layers {
        let (sources, scope) = sources_at(cx, &keep, args.at.as_deref())?;
        cx.ui.show(&Layers::of(&sources, &scope, &key)?)?;
        return Ok(Answer::Yes);
    }
    let origin = effective.origin(&key).cloned();
    let mut inside = effective.entries_in(&key);
    super::list::hide_secrets(&effective, &mut inside);
    let got = Got {
        value: if origin.is_some() && args.reveal {
            revealed(cx, &keep, value)?
        } else if origin.is_some() {
            value.clone()
        } else {
            super::list::tree(&inside, &key)
        },
        key: key.to_string(),
        origin,
        inside,
        show_origin: args.show_origin,
    };
    cx.ui.show(&got)?;
    Ok(Answer::Yes)
}

/// The secret that a reference leads to, by the sources of now.
fn revealed(cx: &Context, keep: &Keep, value: &Json) -> Result<Json, Failure> {
    let Some(name) = referred(value) else {
        return Ok(value.clone());
    };
    let secrets = Secrets::of(&Sources::read(&Files::of_work_tree(keep)?)?);
    let found = resolver(cx, keep, &secrets).resolve(name)?;
    Ok(Json::from(found.expose()))
}

fn without_value(
    cx: &mut Context,
    effective: &Effective,
    key: &KeyPath,
) -> Result<Answer, Failure> {
    if !effective.knows(key) {
        return Err(Failure::from(Error::UnknownKey {
            key: key.to_string(),
            near: effective.nearest(key),
        }));
    }
    cx.ui.error(format!("`{key}` has no value"));
    cx.ui
        .hint(format!("give it one: `buildkeep config set {key} VALUE`"));
    Ok(Answer::No)
}
