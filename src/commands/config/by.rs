//! Who changed something, when, and in which version.
use chrono::SecondsFormat;
use serde::Serialize;

use crate::store::Commit;

/// A commit, as the lines of `history` and `blame` name it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct By {
    /// Nothing for what is not committed yet.
    pub(super) commit: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) time: Option<String>,
    pub(super) author: String,
    pub(super) subject: String,
}

impl By {
    /// The commit of a version.
    pub(super) fn of(commit: &Commit, version: Option<u64>) -> Self {
        let author = &commit.author;
        Self {
            commit: Some(commit.id.to_string()),
            version,
            time: Some(author.time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            author: author.person.name.clone(),
            subject: commit.message.subject.clone(),
        }
    }

    /// What nobody has committed.
    pub(super) fn nobody() -> Self {
        Self {
            commit: None,
            version: None,
            time: None,
            author: String::new(),
            subject: "not committed yet".to_owned(),
        }
    }

    pub(super) fn short(&self) -> &str {
        self.commit.as_deref().map_or("-", |commit| &commit[..10])
    }

    pub(super) fn number(&self) -> String {
        self.version
            .map_or_else(String::new, |number| format!("v{number}"))
    }

    /// The time to the minute.
    pub(super) fn when(&self) -> String {
        let time = self.time.as_deref().unwrap_or_default();
        time.get(..16).unwrap_or(time).replace('T', " ")
    }
}
