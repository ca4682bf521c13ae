//! Journals: files of events, one JSON object a line, numbered and checksummed.
//!
//! A journal has one writer at a time, or several that append by [`append_shared`] only. An event counts once its line is synced. A torn or damaged
//! tail is cut when the journal is opened for writing, and ignored when it is only read; what is more
//! than a torn line is kept beside it, in `<name>.damaged`. Numbers
//! start at 1 and have no gaps, which makes reading the same journal twice harmless.
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fs::{AppendFile, PathError, read_optional, read_tail, write_durable};

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
        let rest = &bytes[whole..];
        if rest.contains(&b'\n') {
            // More than one torn line: not a crash but damage, for people to look at.
            write_durable(&path.with_extension("damaged"), rest)?;
        }
        if !rest.is_empty() {
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

/// Longer than any line of ours.
const TAIL: u64 = 64 << 10;

/// How much of a journal is looked at before something is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All of it: what is damaged is cut.
    Whole,
    /// Its last line, unless that is torn.
    Tail,
}

/// Appends an event to the journal at `path`, which other processes append to as well, and waits until
/// the disk has it.
pub fn append_shared(path: &Path, mut event: Event, check: Check) -> Result<u64, PathError> {
    let mut file = AppendFile::open(path)?;
    file.have_alone()?;
    let next = match check {
        Check::Tail => next_after(&read_tail(path, TAIL)?),
        Check::Whole => None,
    };
    let Some(next) = next else {
        return Journal::open(path)?.append(event);
    };
    event.seq = next;
    file.append_synced(print(&event).as_bytes())?;
    Ok(event.seq)
}

/// The number after that of the last line, if that is whole.
fn next_after(tail: &[u8]) -> Option<u64> {
    let before = tail.strip_suffix(b"\n")?;
    let start = before.iter().rposition(|byte| *byte == b'\n');
    let last = parse_line(&tail[start.map_or(0, |at| at + 1)..])?;
    Some(last.seq + 1)
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
    fn several_writers_number_their_events_in_one_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let write = || {
                    for _ in 0..25 {
                        append_shared(&path, event("x"), Check::Tail).unwrap();
                    }
                };
                scope.spawn(write);
            }
        });
        assert_eq!(read(&path).unwrap().len(), 100);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert_eq!(append_shared(&path, event("y"), Check::Tail).unwrap(), 100);
        assert_eq!(read(&path).unwrap().len(), 100, "what was torn is cut");
    }

    /// A journal of some events, and where each of its lines ends.
    fn journal(kinds: &[String]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (at, kind) in kinds.iter().enumerate() {
            let seq = at as u64 + 1;
            let line = print(&Event { seq, ..event(kind) });
            bytes.extend_from_slice(line.as_bytes());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// How many lines end at or before a byte.
    fn before(ends: &[usize], at: usize) -> usize {
        ends.iter().filter(|end| **end <= at).count()
    }

    proptest::proptest! {
        #[test]
        fn a_torn_journal_keeps_every_earlier_line(
            kinds in proptest::collection::vec(".{0,20}", 1..6),
        ) {
            let (bytes, ends) = journal(&kinds);
            for cut in 0..=bytes.len() {
                let (events, whole) = parse(&bytes[..cut]);
                let count = before(&ends, cut);
                assert_eq!(events.len(), count);
                assert_eq!(whole, if count == 0 { 0 } else { ends[count - 1] });
            }
        }

        #[test]
        fn a_damaged_byte_costs_no_earlier_line(
            kinds in proptest::collection::vec(".{0,20}", 1..6),
            at in proptest::prelude::any::<proptest::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let (mut bytes, ends) = journal(&kinds);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            assert_eq!(parse(&bytes).0.len(), before(&ends, at));
        }

        #[test]
        fn what_follows_a_torn_line_is_cut_and_the_journal_goes_on(
            kinds in proptest::collection::vec("[a-z]{1,9}", 1..5),
            at in proptest::prelude::any::<proptest::sample::Index>(),
            junk in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        ) {
            let (mut bytes, ends) = journal(&kinds);
            bytes.truncate(at.index(bytes.len()));
            let kept = before(&ends, bytes.len());
            bytes.extend(junk);
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("j");
            std::fs::write(&path, &bytes).unwrap();
            let next = Journal::open(&path).unwrap().append(event("next")).unwrap();
            assert_eq!(next, kept as u64 + 1);
            let cut = &bytes[if kept == 0 { 0 } else { ends[kept - 1] }..];
            let aside = std::fs::read(dir.path().join("j.damaged")).unwrap_or_default();
            assert_eq!(aside, if cut.contains(&b'\n') { cut } else { b"" });
            let read = read(&path).unwrap();
            assert_eq!(read.len(), kept + 1);
            assert_eq!(read[kept].kind, "next");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        ) {
            let (events, whole) = parse(&bytes);
            assert!(events.is_empty() && whole == 0);
        }
    }
}
