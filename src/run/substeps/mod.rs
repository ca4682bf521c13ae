//! How far a script says that it is.
//!
//! The file `substeps` of an attempt is the script's own: each line names the part that begins,
//! written by `echo` or by `buildkeep step`. It may hold anything, so it is read with care: only so
//! much of it, and only if it is a plain file. When a line was written is known from the line, or
//! from `substeps.seen`, where whoever looks after the run notes how long the file was when.
mod line;
mod seen;
mod tell;

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::{AttemptDir, Redactor};
use line::Line;
use seen::Seen;
pub use seen::note_substeps;
pub use tell::{Told, tell_substep};

/// So much of the file is read; the rest of one that is longer tells nothing.
const READ: u64 = 256 << 10;
/// So many parts of a step are known, the first ones; the newest is known as well.
const PARTS: usize = 200;

/// A part of a step, as its script named it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Substep {
    /// Its name.
    pub name: String,
    /// When it began, in seconds since the script did.
    #[serde(default)]
    pub began_s: Option<f64>,
    /// How long it took, once it is over.
    #[serde(default)]
    pub duration_s: Option<f64>,
}

/// All that a script told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Substeps {
    /// The parts, in the order in which they began.
    pub parts: Vec<Substep>,
    /// How many there will be, if that was told.
    pub of: Option<u32>,
    /// How many parts were left out before the last one.
    pub left_out: usize,
}

impl Substeps {
    /// What the script of the attempt in `dir` told, which began at `began_s` since boot, and took
    /// `took_s` if it is over.
    ///
    /// What cannot be read is as if it had not been told: nothing depends on it.
    pub(super) fn read(dir: &AttemptDir, began_s: Option<f64>, took_s: Option<f64>) -> Self {
        let Some(bytes) = head(&dir.substeps()).filter(|bytes| !bytes.is_empty()) else {
            return Self::default();
        };
        let redactor = Redactor::load(dir).unwrap_or_default();
        let lines = line::lines(&bytes, &redactor);
        let seen = Seen::read(dir);
        let mut told = Self::default();
        for (end, line) in lines {
            let at_s = line.at_ms.or_else(|| seen.time_of(end));
            let at_s = at_s.map(|ms| ms as f64 / 1000.0);
            let at_s = at_s.zip(began_s).map(|(at, began)| (at - began).max(0.0));
            let at_s = at_s.map(|at| at.min(took_s.unwrap_or(f64::INFINITY)));
            told.add(line, at_s);
        }
        told.end(took_s);
        told
    }

    /// The part that goes on, or ended last, and its number from 1.
    pub fn newest(&self) -> Option<(usize, &Substep)> {
        let newest = self.parts.last()?;
        Some((self.parts.len() + self.left_out, newest))
    }

    fn add(&mut self, line: Line, at_s: Option<f64>) {
        self.of = line.of.or(self.of);
        let before = self.parts.last().and_then(|part| part.began_s);
        // Time goes on, whatever a script says.
        let at_s = at_s.map(|at| at.max(before.unwrap_or(0.0)));
        self.end(at_s);
        if line.is_end {
            return;
        }
        if self.parts.len() >= PARTS {
            self.parts.pop();
            self.left_out += 1;
        }
        self.parts.push(Substep {
            name: line.name,
            began_s: at_s.map(rounded),
            duration_s: None,
        });
    }

    /// Ends the part that goes on, if one does.
    fn end(&mut self, at_s: Option<f64>) {
        if let Some(part) = self.parts.last_mut()
            && part.duration_s.is_none()
        {
            let took = at_s.zip(part.began_s);
            part.duration_s = took.map(|(end, began)| rounded((end - began).max(0.0)));
        }
    }
}

/// The beginning of a plain file, never waiting for one that is none.
fn head(path: &Path) -> Option<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits() as i32);
    let file = options.open(path).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    file.take(READ).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Milliseconds are all that anybody reads.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(bytes: &[u8]) -> Substeps {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("substeps"), bytes).unwrap();
        Substeps::read(&AttemptDir::new(dir.path()), Some(100.0), Some(60.0))
    }

    fn names(told: &Substeps) -> Vec<&str> {
        told.parts.iter().map(|part| part.name.as_str()).collect()
    }

    #[test]
    fn lines_are_parts_and_each_ends_the_one_before() {
        let told = told(b"configure\tof=3\tat=101000\nmake\tat=104500\n\tdone\tat=110500\n");
        assert_eq!(names(&told), ["configure", "make"]);
        assert_eq!(told.of, Some(3));
        let times: Vec<_> = told
            .parts
            .iter()
            .map(|p| (p.began_s, p.duration_s))
            .collect();
        assert_eq!(times, [(Some(1.0), Some(3.5)), (Some(4.5), Some(6.0))]);
        assert_eq!(told.newest().unwrap().0, 2);
    }

    #[test]
    fn the_last_part_ends_with_the_step() {
        let told = told(b"configure\tat=101000\n");
        assert_eq!(told.parts[0].duration_s, Some(59.0));
    }

    #[test]
    fn lines_without_a_time_are_timed_by_who_saw_them_come() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = AttemptDir::new(dir.path());
        let at = |seconds| Duration::from_secs(seconds);
        assert!(
            !note_substeps(&attempt, &mut 0, at(100)),
            "there is nothing yet"
        );
        let mut known = 0;
        std::fs::write(attempt.substeps(), "one\n").unwrap();
        assert!(note_substeps(&attempt, &mut known, at(103)));
        assert!(
            !note_substeps(&attempt, &mut known, at(104)),
            "that is no news"
        );
        std::fs::write(attempt.substeps(), "one\ntwo\nthree\n").unwrap();
        assert!(note_substeps(&attempt, &mut known, at(110)));
        let told = Substeps::read(&attempt, Some(100.0), None);
        assert_eq!(names(&told), ["one", "two", "three"]);
        let times: Vec<_> = told
            .parts
            .iter()
            .map(|p| (p.began_s, p.duration_s))
            .collect();
        let (three, ten) = (Some(3.0), Some(10.0));
        assert_eq!(times, [(three, Some(7.0)), (ten, Some(0.0)), (ten, None)]);
    }

    #[test]
    fn whatever_a_script_writes_does_no_harm() {
        let hostile =
            told(b"\x1b[31mred\x07\nx\xff\xfe\n\n   \nat=9\tat=-4\tof=99999999999\tdone=\n");
        assert_eq!(names(&hostile)[0], "\u{fffd}[31mred\u{fffd}");
        assert_eq!(hostile.of, None);
        let long = told("ä".repeat(1000).as_bytes());
        assert_eq!(names(&long), [""; 0], "half a line is no line yet");
        let long = told(format!("{}\n", "ä".repeat(100_000)).as_bytes());
        assert_eq!(names(&long)[0].chars().count(), 80);
        let back = told(b"a\tat=105000\nb\tat=99\nc\tat=18446744073709551615\n");
        assert_eq!(back.parts[1].began_s, Some(5.0), "time does not go back");
        assert_eq!(back.parts[2].duration_s, Some(0.0));
    }

    #[test]
    fn of_many_parts_the_first_and_the_newest_are_known() {
        let many: Vec<_> = (1..=5000).map(|at| format!("part {at}\n")).collect();
        let many = many.concat();
        let told = told(many.as_bytes());
        assert_eq!(told.parts.len(), PARTS);
        let (number, newest) = told.newest().unwrap();
        assert_eq!((number, newest.name.as_str()), (5000, "part 5000"));
        let endless = "x\n".repeat(1 << 20);
        assert_eq!(
            tests::told(endless.as_bytes()).left_out,
            (128 << 10) - PARTS
        );
    }

    #[test]
    fn a_file_that_is_none_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = AttemptDir::new(dir.path());
        let read = || Substeps::read(&attempt, None, None);
        assert_eq!(read(), Substeps::default());
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, attempt.substeps(), fifo, mode, 0).unwrap();
        assert_eq!(read(), Substeps::default());
        std::fs::remove_file(attempt.substeps()).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", attempt.substeps()).unwrap();
        assert_eq!(read(), Substeps::default());
    }
}
