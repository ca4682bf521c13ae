//! Where the end of an attempt is noted while its own folder cannot be written.
//!
//! It is taken from there by whoever puts it on record later, also after a restart of the machine.
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exit::Ending;
use super::{AttemptDir, syslog};
use crate::fs::{create_dirs_durable, create_exclusive_durable, read_optional, remove_tree};
use crate::world::Clock;

/// Outlives a restart, unlike `/tmp` on many machines.
const PLACE: &str = "/var/tmp";
/// The name of the note in the folder of its attempt.
const NOTE: &str = "end.json";

/// Notes how an attempt ended; that it does not work leaves things as they are.
pub(super) fn note(dir: &AttemptDir, ending: Ending, clock: &Clock) {
    let Some((_, folder)) = place(dir) else {
        return;
    };
    let (code, signal) = match ending {
        Ending::Code(code) => (Some(code), None),
        Ending::Signal(signal) => (None, Some(signal)),
        Ending::Unknown(_) => return,
    };
    let text = json!({ "attempt": dir.path(), "code": code, "signal": signal });
    let is_first = create_dirs_durable(&folder)
        .and_then(|()| create_exclusive_durable(&folder.join(NOTE), text.to_string().as_bytes()));
    if matches!(is_first, Ok(true)) {
        let (attempt, folder) = (dir.path().display(), folder.display());
        let message =
            format!("the end of {attempt} cannot be recorded there; it is in {folder}: {text}");
        syslog::tell(clock, &message);
    }
}

/// What was noted of an attempt.
pub(super) fn noted(dir: &AttemptDir) -> Option<Ending> {
    let (_, folder) = place(dir)?;
    let bytes = read_optional(&folder.join(NOTE)).ok()??;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let is_meant = value["attempt"].as_str().map(Path::new) == Some(dir.path());
    let number = |name: &str| value[name].as_i64().and_then(|n| i32::try_from(n).ok());
    let ending = number("code")
        .map(Ending::Code)
        .or_else(|| number("signal").map(Ending::Signal));
    ending.filter(|_| is_meant)
}

/// Takes a note away: what it says is on record.
pub(super) fn forget(dir: &AttemptDir) {
    if let Some((base, folder)) = place(dir).filter(|(_, folder)| folder.exists()) {
        let _ = remove_tree(&base, &folder);
    }
}

/// A folder that nobody else may write, and in it that of an attempt.
fn place(dir: &AttemptDir) -> Option<(PathBuf, PathBuf)> {
    let me = rustix::process::geteuid().as_raw();
    let base = PathBuf::from(format!("{PLACE}/buildkeep-{me}"));
    // It may exist: then what counts is whose it is.
    let _ = std::fs::DirBuilder::new().mode(0o700).create(&base);
    let known = std::fs::symlink_metadata(&base).ok()?;
    // The lowest six bits are what others may do.
    let is_ours = known.is_dir() && known.uid() == me && known.mode().trailing_zeros() >= 6;
    let path = dir.path();
    let name = path.file_name()?.to_str()?;
    let whole = crc32fast::hash(path.as_os_str().as_bytes());
    let folder = base.join(format!("{name}-{whole:08x}"));
    is_ours.then_some((base, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_by_its_attempt_only_and_taken_away() {
        let place = tempfile::tempdir().unwrap();
        let dir = AttemptDir::new(place.path().join("attempt"));
        let other = AttemptDir::new(place.path().join("other"));
        assert_eq!(noted(&dir), None);
        note(&dir, Ending::Code(7), &Clock::new(chrono::Utc::now));
        assert_eq!(noted(&dir), Some(Ending::Code(7)));
        assert_eq!(noted(&other), None);
        forget(&dir);
        assert_eq!(noted(&dir), None);
    }
}
