//! What was written last, so that a change by hand is told from one of the configuration.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Error;
use crate::fs::{create_dirs_durable, read_optional, write_durable_mode};
use crate::store::Repo;

/// What is known of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The hash of what the file held when we last agreed with it.
    pub content: String,
    /// The hash of what the configuration made then; another one if a change by hand was adopted.
    pub rendered: String,
    /// The commit of the configuration, if it was committed.
    pub commit: Option<String>,
    /// When, RFC 3339.
    pub time: String,
}

/// The records of all targets, in a private folder.
#[derive(Debug)]
pub struct Applied {
    folder: PathBuf,
    records: BTreeMap<String, Record>,
    /// The hashes of what is about to be written: whoever dies in between did not change it by hand.
    intended: BTreeMap<String, String>,
}

impl Applied {
    /// Reads them from `folder`.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let text = read_optional(&folder.join("index.json"))?.unwrap_or_default();
        let intended = read_optional(&folder.join("intended.json"))?.unwrap_or_default();
        Ok(Self {
            folder: folder.to_owned(),
            // Without records files that are there are taken for somebody else's: nothing is lost.
            records: serde_json::from_slice(&text).unwrap_or_default(),
            intended: serde_json::from_slice(&intended).unwrap_or_default(),
        })
    }

    /// Notes what is about to be written.
    pub fn intend(&mut self, files: &[(PathBuf, &[u8])]) -> Result<(), Error> {
        let mut intended = BTreeMap::new();
        for (path, content) in files {
            intended.insert(path.to_string_lossy().into_owned(), hash(content)?);
        }
        if intended.is_empty() {
            return Ok(());
        }
        self.intended = intended;
        create_dirs_durable(&self.folder)?;
        let text = serde_json::to_vec_pretty(&self.intended).expect("texts only");
        let path = self.folder.join("intended.json");
        Ok(write_durable_mode(&path, &text, 0o600)?)
    }

    /// What is known of a target that holds `content`: the record, or what was to be written when
    /// somebody died who had no time to note that it was.
    pub fn known(&self, path: &Path, content: Option<&[u8]>) -> Result<Option<Record>, Error> {
        let record = self.get(path).cloned();
        let intended = path.to_str().and_then(|path| self.intended.get(path));
        let (Some(intended), Some(content)) = (intended, content) else {
            return Ok(record);
        };
        if *intended != hash(content)? {
            return Ok(record);
        }
        Ok(Some(Record {
            content: intended.clone(),
            rendered: intended.clone(),
            commit: None,
            time: record.map(|record| record.time).unwrap_or_default(),
        }))
    }

    /// What is known of a target.
    pub fn get(&self, path: &Path) -> Option<&Record> {
        self.records.get(path.to_str()?)
    }

    /// What a file held when we last agreed with it, unless it may hold secrets.
    pub fn content(&self, record: &Record) -> Result<Option<Vec<u8>>, Error> {
        Ok(read_optional(&self.folder.join(&record.content))?)
    }

    /// Keeps a content, to be compared with later.
    pub fn keep(&self, content: &[u8]) -> Result<(), Error> {
        create_dirs_durable(&self.folder)?;
        let path = self.folder.join(hash(content)?);
        Ok(write_durable_mode(&path, content, 0o600)?)
    }

    /// Notes what is known of a target, and writes all down.
    pub fn note(&mut self, path: &Path, record: Record) -> Result<(), Error> {
        self.records
            .insert(path.to_string_lossy().into_owned(), record);
        create_dirs_durable(&self.folder)?;
        let text = serde_json::to_vec_pretty(&self.records).expect("records have text keys only");
        Ok(write_durable_mode(
            &self.folder.join("index.json"),
            &text,
            0o600,
        )?)
    }

    /// All targets with what is known of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.records
            .iter()
            .map(|(path, record)| (path.as_str(), record))
    }
}

/// What stands for a content.
pub(super) fn hash(content: &[u8]) -> Result<String, Error> {
    Ok(Repo::blob_id(content)?.to_string())
}
