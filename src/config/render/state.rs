//! How a target differs: by the configuration, by hand, or by both.
use serde::Serialize;

use super::applied::{Record, hash};
use super::target::There;
use crate::config::Error;

/// How things are with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As the configuration makes it.
    Same,
    /// It is not there.
    Missing,
    /// The configuration makes another; nobody touched the file.
    Outdated,
    /// Somebody changed the file; the configuration makes what it made.
    Drifted,
    /// Both changed.
    Conflict,
    /// A file is there that we never wrote.
    Foreign,
    /// Somebody changed the file, and that was adopted.
    Adopted,
}

/// A target with what is there and what would be.
#[derive(Clone, Debug)]
pub struct State {
    /// How it differs.
    pub status: Status,
    /// What is there.
    pub there: Option<There>,
    /// What the configuration makes.
    pub rendered: Vec<u8>,
    /// The mode that it should have.
    pub mode: u32,
    /// What it held when we last agreed with it.
    pub record: Option<Record>,
}

impl State {
    /// Compares what is there, what would be, and what was.
    pub fn of(
        there: Option<There>,
        (rendered, mode): (Vec<u8>, u32),
        record: Option<&Record>,
    ) -> Result<Self, Error> {
        let status = match (&there, record) {
            (None, _) => Status::Missing,
            (Some(there), _) if there.content == rendered => {
                if there.mode == mode {
                    Status::Same
                } else {
                    Status::Outdated
                }
            }
            (Some(_), None) => Status::Foreign,
            (Some(there), Some(record)) => {
                let by_hand = hash(&there.content)? != record.content;
                let by_us = hash(&rendered)? != record.rendered;
                let adopted = record.content != record.rendered;
                match (by_hand, by_us) {
                    (false, false) if adopted => Status::Adopted,
                    (false, true) if adopted => Status::Conflict,
                    (false, _) => Status::Outdated,
                    (true, false) => Status::Drifted,
                    (true, true) => Status::Conflict,
                }
            }
        };
        Ok(Self {
            status,
            there,
            rendered,
            mode,
            record: record.cloned(),
        })
    }

    /// Whether the file is to be written if nobody is asked.
    pub fn is_due(&self) -> bool {
        matches!(self.status, Status::Missing | Status::Outdated)
    }

    /// Whether writing it would lose what somebody wrote.
    pub fn is_in_the_way(&self) -> bool {
        matches!(self.status, Status::Conflict | Status::Foreign)
    }
}
