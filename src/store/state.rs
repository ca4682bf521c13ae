//! The state branch of a host: manifests, and batches of events.
//!
//! A commit there holds the newest manifests and only this batch's events. `cursors.json` tells how
//! far each journal is published, so that publishing again after a crash adds nothing twice.
use std::collections::BTreeMap;
use std::path::PathBuf;

use gix::ObjectId;
use serde_json::{Map, Value, json};

use super::journal::{self, Event};
use super::{Error, Expect, FileChange, Keep, Message, Signature, WriteGuard};

/// A journal to publish from.
#[derive(Clone, Debug)]
pub struct JournalRef {
    /// Its name in the history, as `<run>/<attempt>`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is complete: never offered again once its last events are published.
    pub complete: bool,
}

/// What is to be published at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Journals whose new events are taken.
    pub journals: Vec<JournalRef>,
    /// Manifests and other files of the state tree; no content takes a file away.
    pub files: Vec<(String, Option<Vec<u8>>)>,
    /// What the commit says.
    pub message: Message,
}

/// How far journals are published.
type Cursors = BTreeMap<String, u64>;

impl Keep {
    /// The name of the state branch of a host.
    pub fn state_ref(host: &str) -> String {
        format!("refs/heads/state/{host}")
    }

    /// The newest state commit of this host.
    pub fn state_tip(&self) -> Result<Option<ObjectId>, Error> {
        let host = self.host();
        if host.is_empty() {
            return Ok(None);
        }
        self.repo().find_ref(&Self::state_ref(&host))
    }

    /// The newest states of other hosts, as they were pushed or fetched, newest first.
    pub fn other_states(&self) -> Result<Vec<(String, ObjectId)>, Error> {
        let own = self.host();
        let mut found = Vec::new();
        for prefix in ["refs/heads/", "refs/remotes/"] {
            for (name, tip) in self.repo().refs(prefix)? {
                let Some((_, host)) = name.split_once("/state/") else {
                    continue;
                };
                if host != own {
                    found.push((self.repo().commit(tip)?.author.time, host.to_owned(), tip));
                }
            }
        }
        found.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
        Ok(found
            .into_iter()
            .map(|(_, host, tip)| (host, tip))
            .collect())
    }

    /// A file of the newest state of this host.
    pub fn state_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let tip = self.state_tip()?;
        Ok(tip
            .map(|tip| self.repo().file_at(tip, path))
            .transpose()?
            .flatten())
    }

    /// All files of the newest state of this host below `prefix`, with their content.
    pub fn state_files(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        match self.state_tip()? {
            Some(tip) => self.state_files_at(tip, prefix),
            None => Ok(Vec::new()),
        }
    }

    /// All files of a state commit below `prefix`, with their content.
    pub fn state_files_at(
        &self,
        tip: ObjectId,
        prefix: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let files = self.repo().files_at(tip, prefix)?;
        let content = |file: super::TreeFile| {
            Ok((
                super::repo::shown(file.path.as_ref()),
                self.repo().read_blob(file.blob_id)?,
            ))
        };
        files.into_iter().map(content).collect()
    }

    /// Publishes new events and changed files as one commit of the state branch.
    ///
    /// Does nothing, and says so, if there is nothing new.
    pub fn publish(
        &self,
        _guard: &WriteGuard,
        batch: &Batch,
        signature: &Signature,
    ) -> Result<Option<ObjectId>, Error> {
        let tip = self.state_tip()?;
        let mut cursors = self.cursors()?;
        let lines = new_events(&batch.journals, &mut cursors)?;
        let files = self.changed_files(&batch.files)?;
        if lines.is_empty() && files.is_empty() {
            return Ok(None);
        }
        let mut changes = files;
        changes.push(FileChange::put("events.jsonl", lines.concat()));
        changes.push(FileChange::put("cursors.json", print_cursors(&cursors)));
        self.commit_state(tip, &changes, &batch.message, signature)
            .map(Some)
    }

    fn commit_state(
        &self,
        tip: Option<ObjectId>,
        changes: &[FileChange],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        let base = tip
            .map(|tip| self.repo().commit(tip))
            .transpose()?
            .map(|commit| commit.tree_id);
        let mut transaction = self.repo().begin();
        let tree_id = transaction.edit_tree(base, changes)?;
        let parents: Vec<_> = tip.into_iter().collect();
        let commit_id = transaction.commit(tree_id, &parents, message, signature)?;
        let name = Self::state_ref(&self.host());
        transaction.set_ref(&name, Expect::seen(tip), commit_id, &message.subject)?;
        transaction.finish()?;
        Ok(commit_id)
    }

    fn cursors(&self) -> Result<Cursors, Error> {
        let text = self.state_file("cursors.json")?.unwrap_or_default();
        Ok(serde_json::from_slice(&text).unwrap_or_default())
    }

    fn changed_files(&self, files: &[(String, Option<Vec<u8>>)]) -> Result<Vec<FileChange>, Error> {
        let mut changed = Vec::new();
        for (path, content) in files {
            if self.state_file(path)? != *content {
                changed.push(match content {
                    Some(content) => FileChange::put(path.as_str(), content.clone()),
                    None => FileChange::remove(path.as_str()),
                });
            }
        }
        Ok(changed)
    }
}

/// The lines of events that the cursors have not passed; moves the cursors.
///
/// A complete journal is not offered again, unless whoever published it died before it noted so. The
/// journal of a run therefore leaves a mark, until another run publishes something; for that of an
/// attempt, the manifest is mark enough.
fn new_events(journals: &[JournalRef], cursors: &mut Cursors) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    let runs: Vec<String> = journals.iter().map(|one| mark(&one.name)).collect();
    if !journals.is_empty() {
        cursors.retain(|name, _| !name.ends_with(MARK) || runs.contains(name));
    }
    for reference in journals {
        let name = &reference.name;
        let published = cursors.get(name).or_else(|| cursors.get(&mark(name)));
        let published = published.copied().unwrap_or(0);
        let events = journal::read(&reference.path)?;
        let last = events.last().map_or(published, |event| event.seq);
        let new = events.iter().filter(|event| event.seq > published);
        lines.extend(new.map(|event| print_event(name, event)));
        if !reference.complete {
            cursors.insert(name.clone(), last);
            continue;
        }
        cursors.remove(name);
        if !name.contains('/') {
            cursors.insert(mark(name), last);
        }
    }
    Ok(lines)
}

/// How the name of a cursor ends whose journal is complete.
const MARK: &str = " ended";

fn mark(journal: &str) -> String {
    let run = journal.split('/').next().unwrap_or(journal);
    format!("{run}{MARK}")
}

fn print_event(journal: &str, event: &Event) -> String {
    let mut object = Map::from_iter([("journal".to_owned(), json!(journal))]);
    if let Ok(Value::Object(fields)) = serde_json::to_value(event) {
        object.extend(fields);
    }
    format!("{}\n", Value::Object(object))
}

fn print_cursors(cursors: &Cursors) -> String {
    serde_json::to_string_pretty(cursors).expect("a map of numbers") + "\n"
}
