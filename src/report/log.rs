//! The history, one line a commit.
use std::collections::BTreeMap;
use std::fmt;

use chrono::SecondsFormat;
use serde::Serialize;

use crate::store::{Commit, ObjectId};
use crate::ui::{clean, style};

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

/// A part of the history, newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// The commits.
    pub commits: Vec<Entry>,
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

    /// The time to the minute, as people read it.
    fn shown_time(&self) -> String {
        self.time.get(..16).unwrap_or(&self.time).replace('T', " ")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self
            .version
            .map(|number| format!("v{number}"))
            .unwrap_or_default();
        write!(
            f,
            "{} {:5} {} {:9} {}",
            style::notable(&self.commit[..10]),
            version,
            style::faint(self.shown_time()),
            self.kind,
            clean(&self.subject)
        )?;
        if !self.tags.is_empty() {
            write!(f, " {}", style::name(format!("({})", self.tags.join(", "))))?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commits.is_empty() {
            return writeln!(f, "no commits");
        }
        self.commits.iter().try_for_each(|entry| entry.fmt(f))
    }
}
