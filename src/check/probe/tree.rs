//! Looking through a tree for what should not be there.
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::Host;
use super::super::definition::Check;
use super::Finding;

/// So many are named; of the others it is said how many there are.
const NAMED: usize = 3;

/// What is wrong with a file, from what the file system says of it.
pub(super) type Fault<'a> = dyn Fn(&Path, &Metadata) -> bool + 'a;

/// Looks through `top` for files with a fault, on one file system, following no symlink.
///
/// Folders that may not be read, and time that runs out, make the answer `unknown`, unless
/// something was found before.
pub(super) fn search_tree(
    top: &Path,
    fault: &Fault<'_>,
    (check, host): (&Check, &Host<'_>),
) -> Finding {
    let mut search = Search {
        deadline: host.clock.since_boot() + check.limit,
        top,
        found: Vec::new(),
        unread: None,
    };
    match search.run(fault, host) {
        Err(error) if crate::fs::is_absent(&error) => {
            Finding::skipped(format!("there is no {}", top.display()))
        }
        Err(error) => Finding::unknown(error.to_string()),
        Ok(done) => search.finding(done, check.limit),
    }
}

struct Search<'a> {
    deadline: Duration,
    top: &'a Path,
    found: Vec<PathBuf>,
    unread: Option<PathBuf>,
}

impl Search<'_> {
    /// `false` if time ran out.
    fn run(&mut self, fault: &Fault<'_>, host: &Host<'_>) -> io::Result<bool> {
        let top = fs::symlink_metadata(self.top)?;
        self.judge(self.top.to_owned(), &top, fault);
        let mut folders = vec![self.top.to_owned()];
        while let Some(folder) = folders.pop() {
            if host.clock.since_boot() > self.deadline {
                return Ok(false);
            }
            let Ok(entries) = fs::read_dir(&folder) else {
                self.unread.get_or_insert(folder);
                continue;
            };
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                if meta.dev() != top.dev() {
                    continue;
                }
                if meta.is_dir() {
                    folders.push(entry.path());
                }
                self.judge(entry.path(), &meta, fault);
            }
        }
        Ok(true)
    }

    fn judge(&mut self, path: PathBuf, meta: &Metadata, fault: &Fault<'_>) {
        if fault(&path, meta) {
            self.found.push(path);
        }
    }

    fn finding(mut self, done: bool, limit: Duration) -> Finding {
        self.found.sort();
        if let Some(first) = self.found.first() {
            let subject = first.display().to_string();
            return Finding::fail(named(&self.found)).subject(subject);
        }
        match self.unread {
            _ if !done => Finding::unknown(format!("not looked through within {limit:?}")),
            Some(folder) => Finding::unknown(format!("{} cannot be read", folder.display())),
            None => Finding::ok("none"),
        }
    }
}

/// The first few, and how many more there are.
pub(super) fn named(found: &[PathBuf]) -> String {
    let first = found.iter().take(NAMED);
    let first: Vec<String> = first.map(|path| path.display().to_string()).collect();
    match found.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
