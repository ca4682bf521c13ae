//! Files that were written later than now: `make` builds them again and again, or not at all.
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::Host;
use super::Finding;

/// So much a clock of another machine may go ahead.
const LENIENCE: Duration = Duration::from_mins(2);

/// Folders are looked into so deep, and so many files are looked at.
const DEPTH: usize = 2;
const MOST: usize = 5000;

/// Looks at the files in `top` and a little below.
pub(super) fn newest(top: &Path, host: &Host<'_>) -> Finding {
    let latest = SystemTime::from(host.clock.now()) + LENIENCE;
    let mut folders = vec![(top.to_owned(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            let Ok(meta) = entry.metadata() else { continue };
            if meta.modified().is_ok_and(|time| time > latest) {
                return told(&entry.path());
            }
            if meta.is_dir() && depth < DEPTH && seen < MOST {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    Finding::ok("none")
}

fn told(path: &Path) -> Finding {
    let shown = path.display().to_string();
    Finding::fail(format!("{shown} was written later than now")).subject(shown)
}
