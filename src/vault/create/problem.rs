//! What a snapshot could not take in.
use std::fmt;

use serde::Serialize;

/// A file that is not in the snapshot, or not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The path from the source folder.
    pub path: String,
    /// What happened.
    pub trouble: Trouble,
    /// What the system said, if it said anything.
    pub reason: Option<String>,
}

/// What can happen to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It could not be read, and is missing.
    Unreadable,
    /// It changed each time it was read; the last reading is stored.
    Changing,
    /// Something else took its place while it was read; it is missing.
    Replaced,
    /// A socket: nothing that could be restored.
    Socket,
}

impl Problem {
    /// Whether the snapshot is the poorer for it.
    pub fn is_loss(&self) -> bool {
        self.trouble != Trouble::Socket
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.trouble {
            Trouble::Unreadable => "could not be read and is missing",
            Trouble::Changing => "kept changing while it was read; stored as last read",
            Trouble::Replaced => "was replaced by something else while it was read and is missing",
            Trouble::Socket => "is a socket and was left out",
        };
        let path = if self.path.is_empty() {
            "."
        } else {
            &self.path
        };
        write!(f, "{path} {what}")?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
