//! The folder of an attempt, and its JSON files.
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use crate::fs::{create_exclusive_durable, read_optional, write_durable};

/// The folder of an attempt: `.buildkeep/runs/<run>/<attempt>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptDir(PathBuf);

impl AttemptDir {
    /// The attempt in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was to be run: [`super::Spec`].
    pub fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    /// Held while somebody is in charge.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Which process became the script, if any ever will.
    pub fn process(&self) -> PathBuf {
        self.0.join("proc.json")
    }

    /// The journal of the attempt.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// How it ended: [`super::Exit`].
    pub fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }

    /// Who wanted it to end: [`super::Stop`].
    pub fn stop(&self) -> PathBuf {
        self.0.join("stop.json")
    }

    /// When it was paused.
    pub fn pauses(&self) -> PathBuf {
        self.0.join("pauses.json")
    }

    /// What still ran when the attempt was over: [`super::LeftRunning`].
    pub fn left_running(&self) -> PathBuf {
        self.0.join("left.json")
    }

    /// Why the script could not be started.
    pub fn launch_error(&self) -> PathBuf {
        self.0.join("launch-error.json")
    }

    /// The bytes of the script as it was started.
    pub fn script(&self) -> PathBuf {
        self.0.join("script")
    }

    /// By what secrets are known in its output: [`super::Redactor`].
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// Where a script may tell how far it is.
    pub fn substeps(&self) -> PathBuf {
        self.0.join("substeps")
    }

    /// When the script told something.
    pub fn substeps_seen(&self) -> PathBuf {
        self.0.join("substeps.seen")
    }

    /// Where the script writes to.
    pub fn fifo(&self) -> PathBuf {
        self.0.join("out.fifo")
    }

    /// What it took of the machine, noted while it ran: [`super::samples`].
    pub fn samples(&self) -> PathBuf {
        self.0.join("samples")
    }

    /// The folder of the log.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

/// Reads a JSON file, or nothing if there is none.
pub(super) fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(bytes) = read_optional(path)? else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(source) => Err(Error::Damaged {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The same of a file that is created empty, before it is known whether anything will be in it.
pub(super) fn load_filled<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match read_optional(path)? {
        Some(bytes) if !bytes.is_empty() => load(path),
        _ => Ok(None),
    }
}

/// Fills a file that was opened while it could be.
pub(super) fn fill<T: Serialize>(file: &mut File, value: &T) -> io::Result<()> {
    file.write_all(&json(value))?;
    file.sync_all()
}

/// Replaces a JSON file durably.
pub(super) fn save<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    Ok(write_durable(path, &json(value))?)
}

/// Creates a JSON file durably unless it exists; returns whether this call created it.
pub(super) fn save_first<T: Serialize>(path: &Path, value: &T) -> Result<bool, Error> {
    Ok(create_exclusive_durable(path, &json(value))?)
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("our records have text keys only");
    text.push(b'\n');
    text
}
