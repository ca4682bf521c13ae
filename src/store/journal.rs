//! Journals: files of events, one JSON object a line, numbered and checksummed.
//!
//! A journal has one writer at a time. An event counts once its line is synced. A torn or damaged
//! tail is cut when the journal is opened for writing, and ignored when it is only read. Numbers
//! start at 1 and have no gaps, which makes reading the same journal twice harmless.
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fs::{AppendFile, PathError, read_optional};

/// A fact with a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The number within its journal, from 1.
    pub seq: u64,
    /// When, RFC 3339: to be shown.
    pub time: String,
    /// Seconds since boot: to measure with, within one boot.
    pub boot_s: f64,
    /// What happened, as `step-started`.
    pub kind: String,
    /// The facts, an object whose fields depend on the kind.
    pub data: Value,
}

/// An event as it stands in a journal: with a checksum over the rest of its line.
#[derive(Serialize, Deserialize)]
struct Line {
    crc: String,
    event: Event,
}

/// A journal open for writing.
#[derive(Debug)]
pub struct Journal {
    file: AppendFile,
    next: u64,
}

impl Journal {
    /// Opens the journal at `path`, creating it if needed, and cuts a torn tail.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        let bytes = read_optional(path)?.unwrap_or_default();
        let (events, whole) = parse(&bytes);
        let mut file = AppendFile::open(path)?;
        if whole < bytes.len() {
            file.truncate(whole as u64)?;
        }
        Ok(Self {
            file,
            next: events.last().map_or(1, |event| event.seq + 1),
        })
    }

    /// Appends an event and waits until the disk has it; returns its number.
    pub fn append(&mut self, mut event: Event) -> Result<u64, PathError> {
        event.seq = self.next;
        self.file.append_synced(print(&event).as_bytes())?;
        self.next += 1;
        Ok(event.seq)
    }
}

/// Reads the whole events of the journal at `path`; none if there is no such file.
pub fn read(path: &Path) -> Result<Vec<Event>, PathError> {
    Ok(parse(&read_optional(path)?.unwrap_or_default()).0)
}

/// The line of an event, with its newline.
pub fn print(event: &Event) -> String {
    let body = serde_json::to_string(event).expect("an event holds only JSON");
    format!(
        "{{\"crc\":\"{:08x}\",\"event\":{body}}}\n",
        crc32fast::hash(body.as_bytes())
    )
}

/// The events up to the first line that is torn, damaged or out of order, and their length.
pub fn parse(bytes: &[u8]) -> (Vec<Event>, usize) {
    let (mut events, mut whole) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let expected = events.len() as u64 + 1;
        match parse_line(line).filter(|event| event.seq == expected) {
            Some(event) => events.push(event),
            None => break,
        }
        whole += line.len();
    }
    (events, whole)
}

fn parse_line(line: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let line: Line = serde_json::from_str(text).ok()?;
    let body = text.strip_prefix("{\"crc\":\"")?.get(8..)?;
    let body = body.strip_prefix("\",\"event\":")?.strip_suffix('}')?;
    (format!("{:08x}", crc32fast::hash(body.as_bytes())) == line.crc).then_some(line.event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Event {
        Event {
            seq: 0,
            time: "2026-01-02T03:04:05.000Z".into(),
            boot_s: 1.5,
            kind: kind.into(),
            data: serde_json::json!({"code": 127}),
        }
    }

    #[test]
    fn events_are_numbered_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.append(event("a")).unwrap(), 1);
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().append(event("b")).unwrap(), 2);
        let kinds: Vec<_> = read(&path).unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(kinds, ["a", "b"]);
    }

    #[test]
    fn a_torn_tail_is_cut_at_every_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(event("a")).unwrap();
        let first = std::fs::read(&path).unwrap().len();
        journal.append(event("b")).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for cut in first..bytes.len() {
            let (events, whole) = parse(&bytes[..cut]);
            assert_eq!((events.len(), whole), (1, first));
        }
    }

    #[test]
    fn a_flipped_byte_ends_the_journal() {
        let line = print(&Event {
            seq: 1,
            ..event("a")
        });
        for at in 0..line.len() - 1 {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(parse(&bytes).0.len(), 0, "byte {at}");
        }
    }
}
