//! What a script does to tell how far it is.
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

use super::READ;
use super::line::{Line, print};

/// What is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// The name of the part.
    pub name: &'a str,
    /// How many parts there are.
    pub of: Option<u32>,
    /// Whether a part is over, and none begins.
    pub is_end: bool,
}

/// Adds a line to the file at `path`; returns whether that was possible.
///
/// The caller is a script that has better things to do than to fail here, or to wait.
pub fn tell_substep(path: &Path, told: &Told<'_>, now: Duration) -> bool {
    let line = print(&Line {
        name: told.name.to_owned(),
        of: told.of,
        at_ms: u64::try_from(now.as_millis()).ok(),
        is_end: told.is_end,
    });
    let append = || -> Option<()> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = File::options();
        // One that was there before the script is not there: the attempt was deleted, say.
        let folder = path.parent()?.metadata().ok()?;
        options
            .append(true)
            .create(folder.is_dir())
            .custom_flags(flags.bits() as i32);
        let mut file = options.open(path).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || meta.len() >= READ {
            return None;
        }
        file.write_all(line.as_bytes()).ok()
    };
    append().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{AttemptDir, Substeps};

    fn told(name: &str) -> Told<'_> {
        Told {
            name,
            ..Told::default()
        }
    }

    #[test]
    fn what_is_told_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("substeps");
        let at = Duration::from_secs;
        assert!(tell_substep(
            &path,
            &Told {
                of: Some(2),
                ..told("a\nb\tc")
            },
            at(101)
        ));
        assert!(
            tell_substep(&path, &told(""), at(102)),
            "nothing is nothing"
        );
        let end = Told {
            is_end: true,
            ..told("")
        };
        assert!(tell_substep(&path, &end, at(103)));
        let read = Substeps::read(&AttemptDir::new(dir.path()), Some(100.0), None);
        assert_eq!((read.parts.len(), read.of), (1, Some(2)));
        assert_eq!(read.parts[0].name, "a\u{fffd}b\u{fffd}c");
        assert_eq!(read.parts[0].duration_s, Some(2.0));
    }

    #[test]
    fn nowhere_to_tell_is_no_trouble_and_nothing_grows_forever() {
        let dir = tempfile::tempdir().unwrap();
        let now = Duration::from_secs(1);
        for nowhere in ["/", "/dev/full", "/proc/self/nothing", "", "gone/substeps"] {
            assert!(
                !tell_substep(Path::new(nowhere), &told("x"), now),
                "{nowhere}"
            );
        }
        let fifo = dir.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(!tell_substep(&fifo, &told("x"), now), "nobody reads it");
        let full = dir.path().join("full");
        std::fs::write(&full, vec![b'x'; READ as usize]).unwrap();
        assert!(!tell_substep(&full, &told("x"), now));
        assert_eq!(std::fs::metadata(&full).unwrap().len(), READ);
    }
}
