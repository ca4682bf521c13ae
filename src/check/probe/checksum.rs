//! Files that must be what a list of sums says, as many at once as there are processors.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::Host;
use super::super::definition::Check;
use super::super::program::{Ran, command, run, search};
use super::Finding;
use super::digest::{Sum, of_file};
use super::limits::{cpus, others};
use super::program::piped;
use crate::fs::together;

/// How a list is compared, by a word in its name: by a program, or here, which goes first where it is
/// faster.
const KINDS: &[(&str, &str, Option<Sum>, Faster)] = &[
    ("md5", "md5sum", Some(Sum::Md5), Faster::Program),
    ("sha1", "sha1sum", None, Faster::Program),
    ("sha256", "sha256sum", Some(Sum::Sha256), Faster::Here),
    ("sha512", "sha512sum", Some(Sum::Sha512), Faster::Here),
    ("b2", "b2sum", None, Faster::Program),
];

/// Where sums are made faster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Faster {
    Here,
    Program,
}

/// What is said where not all was looked at.
const TOO_SHORT: &str = "the time was too short for all files";

/// So much of a list is given to one program: it fits into a pipe, and so does its answer.
const PART: usize = 16 * 1024;

pub(super) fn look(
    path: &str,
    folder: Option<&str>,
    (check, host): (&Check, &Host<'_>),
) -> Finding {
    let Some(list) = host.place(path) else {
        return Finding::no_root();
    };
    let name = list
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let Some((_, program, own, faster)) = KINDS.iter().find(|(word, ..)| name.contains(word))
    else {
        return Finding::unknown(format!("the name `{name}` does not tell the kind of sum"));
    };
    let found = search(program, host.env).filter(|_| *faster == Faster::Program || own.is_none());
    let how = match (found, own) {
        (Some(program), _) => How::Program(program),
        (None, Some(sum)) => How::Here(*sum),
        (None, None) => {
            return Finding::unknown(format!("there is no {program} to check it with"));
        }
    };
    let folder = match folder {
        Some(folder) => host.place(folder),
        None => list.parent().map(ToOwned::to_owned),
    };
    let Some(folder) = folder else {
        return Finding::no_root();
    };
    match fs::read_to_string(&list) {
        Ok(text) => compare(&text, &Sums { how, folder }, (check, host)),
        Err(error) if crate::fs::is_absent(&error) => {
            Finding::skipped(format!("there is no {}", list.display()))
        }
        Err(error) => Finding::unknown(error.to_string()),
    }
}

/// What compares, and where the files are.
struct Sums {
    how: How,
    folder: PathBuf,
}

enum How {
    Program(PathBuf),
    Here(Sum),
}

fn compare(text: &str, sums: &Sums, (check, host): (&Check, &Host<'_>)) -> Finding {
    let parts = parts(text, &sums.folder);
    let deadline = host.clock.since_boot() + check.limit;
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Found::default());
    together(others(), || {
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let left = deadline.saturating_sub(host.clock.since_boot());
            let answer = sums.ask(part, left, host);
            if let Ok(mut found) = found.lock() {
                found.add(answer);
            }
        }
    });
    let found = found.into_inner().unwrap_or_default();
    found.finding(text.lines().filter_map(file_of).count())
}

/// What all programs said.
#[derive(Default)]
struct Found {
    wrong: BTreeSet<String>,
    unknown: Option<String>,
}

impl Found {
    fn add(&mut self, answer: Result<Vec<String>, String>) {
        match answer {
            Ok(wrong) => self.wrong.extend(wrong),
            Err(why) => self.unknown = Some(why),
        }
    }

    fn finding(self, files: usize) -> Finding {
        let wrong: Vec<PathBuf> = self.wrong.iter().map(PathBuf::from).collect();
        match (wrong.first(), self.unknown) {
            (Some(first), _) => {
                let found = format!("missing or not the same: {}", super::tree::named(&wrong));
                Finding::fail(found).subject(first.display().to_string())
            }
            (None, Some(why)) => Finding::unknown(why),
            (None, None) => Finding::ok(format!("all {files} files")),
        }
    }
}

impl Sums {
    /// The files of a part of the list that are not as it says.
    fn ask(&self, part: &str, left: Duration, host: &Host<'_>) -> Result<Vec<String>, String> {
        match &self.how {
            How::Program(program) => self.ask_program(program, part, (left, host)),
            How::Here(sum) => self.make(*sum, part, (left, host)),
        }
    }

    fn make(
        &self,
        sum: Sum,
        part: &str,
        (left, host): (Duration, &Host<'_>),
    ) -> Result<Vec<String>, String> {
        let deadline = host.clock.since_boot() + left;
        let is_late = || host.clock.since_boot() >= deadline;
        let mut wrong = Vec::new();
        for line in part.lines() {
            let (Some(name), Some((wanted, _))) = (file_of(line), line.split_once(' ')) else {
                continue;
            };
            match of_file(&self.folder.join(name), sum, &is_late) {
                Ok(Some(found)) if found.eq_ignore_ascii_case(wanted) => {}
                Ok(Some(_)) | Err(_) => wrong.push(name.to_owned()),
                Ok(None) => return Err(TOO_SHORT.into()),
            }
        }
        Ok(wrong)
    }

    fn ask_program(
        &self,
        program: &Path,
        part: &str,
        (left, host): (Duration, &Host<'_>),
    ) -> Result<Vec<String>, String> {
        let mut checking = command(program, &["-c".to_owned(), "-".to_owned()]);
        checking.current_dir(&self.folder);
        checking.stdin(piped(part).map_err(|error| error.to_string())?);
        match run(checking, host.env, host.clock, left) {
            Ran::Ended(output) => {
                let wrong: Vec<String> = output.stdout.lines().filter_map(failed).collect();
                if wrong.is_empty() && !output.status.success() {
                    return Err(output.first_line().to_owned());
                }
                Ok(wrong)
            }
            Ran::TooLong(_) => Err(TOO_SHORT.into()),
            Ran::TooMuch => Err("it prints without end".into()),
            Ran::NotStarted(error) => Err(error.to_string()),
        }
    }
}

/// `name: FAILED`, or `name: FAILED open or read`.
fn failed(line: &str) -> Option<String> {
    let (name, verdict) = line.rsplit_once(": ")?;
    verdict.starts_with("FAILED").then(|| name.to_owned())
}

/// The list in parts that take about as long as one another: large files alone, and first.
fn parts(text: &str, folder: &Path) -> Vec<String> {
    let size = |line: &str| {
        let file = file_of(line).map(|name| folder.join(name));
        file.and_then(|file| fs::metadata(file).ok())
            .map_or(0, |meta| meta.len())
    };
    let mut lines: Vec<(u64, &str)> = text.lines().map(|line| (size(line), line)).collect();
    lines.retain(|(_, line)| file_of(line).is_some());
    lines.sort_by(|one, other| other.cmp(one));
    let all: u64 = lines.iter().map(|(size, _)| size).sum();
    let share = all / (cpus().unwrap_or(1) * 8).max(1);
    let mut parts: Vec<(u64, String)> = Vec::new();
    for (size, line) in lines {
        match parts.last_mut() {
            Some((has, part)) if *has + size <= share && part.len() + line.len() < PART => {
                *has += size;
                part.push_str(line);
                part.push('\n');
            }
            _ => parts.push((size, format!("{line}\n"))),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The name in a line of a list: `SUM  NAME`, or `SUM *NAME`.
fn file_of(line: &str) -> Option<&str> {
    let (sum, name) = line.trim_end().split_once(' ')?;
    let name = name.trim_start_matches([' ', '*']);
    let is_sum = sum.len() >= 32 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_sum && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn lists_are_read() {
        assert_eq!(file_of(&format!("{SUM}  a b.tar")), Some("a b.tar"));
        assert_eq!(file_of(&format!("{SUM} *a.tar\r")), Some("a.tar"));
        for line in ["", "# a comment", "abc  a.tar", SUM] {
            assert_eq!(file_of(line), None, "{line}");
        }
        assert_eq!(failed("a: b.tar: FAILED open or read").unwrap(), "a: b.tar");
        assert_eq!(failed("a.tar: OK"), None);
    }

    #[test]
    fn every_line_is_in_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let lines = (0..3000).map(|n| format!("{SUM}  file-{n}\n"));
        let text: String = lines.collect();
        let parts = parts(&text, folder.path());
        assert!(parts.iter().all(|part| part.len() <= PART + 100));
        let mut given: Vec<&str> = parts.iter().flat_map(|part| part.lines()).collect();
        let mut wanted: Vec<&str> = text.lines().collect();
        given.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(given, wanted);
    }
}
