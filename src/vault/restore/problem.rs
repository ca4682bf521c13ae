//! What a restore could not do.
use std::fmt;

use serde::Serialize;

/// An entry that is not as the snapshot has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// What it lacks.
    pub trouble: Trouble,
    /// Its path in the snapshot.
    pub path: String,
    /// What the system said, if it said anything.
    pub reason: Option<String>,
}

/// What can be lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Its content is damaged in the vault.
    Damaged,
    /// A newer buildkeep stored what this one does not understand.
    Unknown,
    /// It could not be made.
    NotMade,
    /// A folder stands where it belongs.
    InTheWay,
    /// It should go, and could not be removed.
    NotRemoved,
    /// Something is mounted where it belongs.
    Mounted,
    /// Its owner or group.
    Owner,
    /// Setuid or setgid, taken away because its owner could not be set.
    SetId,
    /// Its mode or time.
    Mode,
    /// An extended attribute, ACL or capability.
    Attribute,
}

impl Trouble {
    /// What it means, after a number of entries.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Damaged => "damaged in the vault, not restored",
            Self::Unknown => "of a newer format, not restored",
            Self::NotMade => "could not be made",
            Self::InTheWay => "not restored: a folder is in the way",
            Self::NotRemoved => "could not be removed",
            Self::Mounted => "not restored: something is mounted there",
            Self::Owner => "without their owner (only root may give files away)",
            Self::SetId => "without setuid or setgid, as their owner could not be set",
            Self::Mode => "without their mode or time",
            Self::Attribute => "without some extended attributes",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() {
            "."
        } else {
            &self.path
        })?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
