//! The history, one line a commit.
use std::collections::BTreeMap;
use std::fmt;

use chrono::SecondsFormat;
use serde::Serialize;

use crate::store::{Commit, ObjectId};
use crate::ui::{clean_line, style};

/// A commit in the history of a keep.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its full id.
    pub commit: String,
    /// When it was made, RFC 3339.
    pub time: String,
    /// Who made it.
    pub author: String,
    /// What sort it is: a kind of ours, or `manual`.
    pub kind: String,
    /// Its number among the versions of the configuration, if it changed that.
    pub version: Option<u64>,
    /// What it says.
    pub subject: String,
    /// Tags that name it.
    pub tags: Vec<String>,
    /// Its facts.
    pub trailers: BTreeMap<String, Vec<String>>,
}

impl Entry {
    /// The line of `commit`, which `tags` may name.
    pub fn new(
        commit: &Commit,
        version: Option<u64>,
        tags: &BTreeMap<ObjectId, Vec<String>>,
    ) -> Self {
        let trailers = &commit.message.trailers;
        let mut facts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in trailers.iter() {
            facts
                .entry(key.to_owned())
                .or_default()
                .push(value.to_owned());
        }
        Self {
            commit: commit.id.to_string(),
            time: commit
                .author
                .time
                .to_rfc3339_opts(SecondsFormat::Secs, true),
            author: commit.author.person.name.clone(),
            kind: trailers.get("Kind").unwrap_or("manual").to_owned(),
            version,
            subject: commit.message.subject.clone(),
            tags: tags.get(&commit.id).cloned().unwrap_or_default(),
            trailers: facts,
        }
    }

    /// How many steps it made stale, if it says so.
    fn stale(&self) -> usize {
        let counted = self.trailers.get("Stale-Count");
        let counted = counted.and_then(|values| values.first()?.parse().ok());
        counted.unwrap_or_else(|| self.trailers.get("Stale").map_or(0, Vec::len))
    }

    /// The time to the minute, as people read it.
    fn shown_time(&self) -> String {
        self.time.get(..16).unwrap_or(&self.time).replace('T', " ")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.map(|number| format!("v{number}"));
        let commit = style::notable(&self.commit[..10]);
        let version = version.unwrap_or_default();
        let time = style::faint(self.shown_time());
        write!(
            f,
            "{commit} {version:4} {time} {}",
            clean_line(&self.subject)
        )?;
        if !self.tags.is_empty() {
            write!(f, " {}", style::name(format!("({})", self.tags.join(", "))))?;
        }
        match self.stale() {
            0 => writeln!(f),
            1 => writeln!(f, " {}", style::faint("[1 step stale]")),
            more => writeln!(f, " {}", style::faint(format!("[{more} steps stale]"))),
        }
    }
}
