//! Which file a key is written to.
use super::super::{Error, Role, Sources};
use super::{Change, Side, Wish};
use crate::document::{KeyPath, Segment};

/// Which layer or file is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Where the key belongs: the files of all hosts, or the overlay of `host` if the schema says
    /// that the key differs from host to host.
    Home {
        /// The id of this host.
        host: String,
    },
    /// The files of all hosts.
    Shared,
    /// The overlay of a host.
    Host(String),
    /// A profile.
    Profile(String),
    /// This file.
    File(String),
}

/// The file that a wish is for; what is to be taken out may be in the last commit only.
pub(super) fn file_for(
    (work, head): (&Side<'_>, &Side<'_>),
    wish: &Wish,
    target: &Target,
) -> Result<String, Error> {
    let overlay = |host: &str| format!("config/hosts/{host}.toml");
    Ok(match target {
        Target::File(file) => file.clone(),
        Target::Host(host) => overlay(host),
        Target::Profile(name) => {
            let file = format!("config/profiles/{name}.toml");
            match Role::of(&file) {
                Some(Role::Profile(_)) => file,
                _ => return Err(Error::NotConfiguration { file }),
            }
        }
        Target::Home { host } if is_for_hosts(&work.sources, &wish.key) => overlay(host),
        Target::Home { .. } | Target::Shared => {
            let is_gone =
                wish.change == Change::Unset && holder(&work.sources, &wish.key).is_none();
            home_of(if is_gone { head } else { work }, &wish.key)
        }
    })
}

fn is_for_hosts(sources: &Sources, key: &KeyPath) -> bool {
    let schema = sources.schemas().combined();
    let scope = schema.annotation(key, "x-buildkeep-scope");
    scope.is_some_and(|scope| scope == "host")
}

/// The base file that has the key.
fn holder(sources: &Sources, key: &KeyPath) -> Option<String> {
    let mut documents = sources.documents();
    let (_, holder) = documents.find(|(role, document)| {
        matches!(role, Role::Base(_)) && document.line_of(key).is_some()
    })?;
    Some(holder.name().to_owned())
}

/// The base file that a key is in, or would be; `profiles` are those of buildkeep.toml.
fn home_of(side: &Side<'_>, key: &KeyPath) -> String {
    let sources = &side.sources;
    let table: KeyPath = key.segments().iter().take(1).cloned().collect();
    let is_ours = *key == KeyPath::root().key("profiles");
    if is_ours && holder(sources, key).is_none() && sources.schemas().file_of(key).is_none() {
        return "buildkeep.toml".to_owned();
    }
    let by_schema = || {
        let name = sources.schemas().file_of(key)?;
        Some(format!("config/{name}.toml"))
    };
    let by_name = format!("config/{}.toml", file_name(key));
    let named = || side.files.get(&by_name).map(|_| by_name.clone());
    let only = || {
        let documents = sources.documents();
        let mut bases = documents.filter(|(role, _)| matches!(role, Role::Base(_)));
        let (_, first) = bases.next()?;
        bases.next().is_none().then(|| first.name().to_owned())
    };
    holder(sources, key)
        .or_else(by_schema)
        .or_else(|| holder(sources, &table))
        .or_else(named)
        .or_else(only)
        .unwrap_or_else(|| by_name.clone())
}

/// The name of the first table, as far as it can be a file name.
fn file_name(key: &KeyPath) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    match key.segments().first() {
        Some(Segment::Key(name)) => name.chars().map(plain).collect(),
        _ => "settings".to_owned(),
    }
}
