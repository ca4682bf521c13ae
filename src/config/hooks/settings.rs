//! Hooks named in the repository's own configuration, which Git 2.54 and newer run beside all
//! others, and wherever `core.hooksPath` leads.
//!
//! Ours are one block of `.git/config` between two marks, written and taken out as text, so that
//! every other byte stays.
use std::path::{Path, PathBuf};

use super::catalogue::Event;
use crate::config::Error;
use crate::fs::{create_exclusive_durable, read, remove_file_durable, write_durable};

const BEGIN: &str = "# buildkeep: hooks of `buildkeep hooks install`";
/// The same, where the file did not end with a line break.
const BEGIN_JOINED: &str = "# buildkeep: hooks of `buildkeep hooks install`, after a line break";
const END: &str = "# buildkeep: end of its hooks";

/// The configuration of a repository.
#[derive(Debug)]
pub(super) struct Settings {
    path: PathBuf,
    text: Vec<u8>,
}

impl Settings {
    pub(super) fn read(common_dir: &Path) -> Result<Self, Error> {
        let named = common_dir.join("config");
        let path = std::fs::canonicalize(&named).unwrap_or(named);
        let text = read(&path)?;
        Ok(Self { path, text })
    }

    /// The command that is named for an event, if it is one of ours.
    pub(super) fn has(&self, event: Event, command: &str) -> bool {
        let block = String::from_utf8_lossy(&self.text);
        block.contains(&section(event, command))
    }

    /// Whether anything of ours is named for an event.
    pub(super) fn names(&self, event: Event) -> bool {
        String::from_utf8_lossy(&self.text).contains(&header(event))
    }

    /// Names the commands, in place of all that was ours before.
    pub(super) fn install(&self, commands: &[(Event, String)]) -> Result<(), Error> {
        let mut text = without_ours(&self.text);
        let joined = !text.is_empty() && !text.ends_with(b"\n");
        let begin = if joined { BEGIN_JOINED } else { BEGIN };
        let sections: String = commands
            .iter()
            .map(|(event, command)| section(*event, command))
            .collect();
        let start = if joined { "\n" } else { "" };
        text.extend_from_slice(format!("{start}{begin}\n{sections}{END}\n").as_bytes());
        self.write(&text)
    }

    /// Takes all of ours out.
    pub(super) fn remove(&self) -> Result<(), Error> {
        self.write(&without_ours(&self.text))
    }

    /// Writes as Git does, under its lock.
    fn write(&self, text: &[u8]) -> Result<(), Error> {
        if text == self.text {
            return Ok(());
        }
        let lock = self.path.with_file_name("config.lock");
        if !create_exclusive_durable(&lock, b"")? {
            return Err(Error::ConfigLocked { lock });
        }
        let written = self.write_locked(text);
        remove_file_durable(&lock)?;
        written
    }
}

impl Settings {
    fn write_locked(&self, text: &[u8]) -> Result<(), Error> {
        if read(&self.path)? != self.text {
            return Err(Error::Changed);
        }
        Ok(write_durable(&self.path, text)?)
    }
}

fn header(event: Event) -> String {
    format!("[hook \"buildkeep-{}\"]", event.name)
}

fn section(event: Event, command: &str) -> String {
    let (header, name) = (header(event), event.name);
    let value = command.replace('\\', r"\\").replace('"', "\\\"");
    format!("{header}\n\tcommand = \"{value}\"\n\tevent = {name}\n")
}

/// The text without our block; sections of ours that somebody moved out of it go too.
fn without_ours(text: &[u8]) -> Vec<u8> {
    let mut kept: Vec<u8> = Vec::with_capacity(text.len());
    let mut is_ours = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let plain = line.trim_ascii();
        if plain == BEGIN_JOINED.as_bytes() {
            kept.pop_if(|byte| *byte == b'\n');
        }
        if plain == BEGIN.as_bytes() || plain == BEGIN_JOINED.as_bytes() || plain == END.as_bytes()
        {
            is_ours = false;
            continue;
        }
        if plain.starts_with(b"[") {
            is_ours = plain.starts_with(b"[hook \"buildkeep-");
        }
        if !is_ours {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hooks::KEEP;

    fn settings(text: &str) -> (tempfile::TempDir, Settings) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config"), text).unwrap();
        let settings = Settings::read(dir.path()).unwrap();
        (dir, settings)
    }

    #[test]
    fn every_byte_comes_back() {
        let event = KEEP[0];
        for before in [
            "",
            "[core]\n\tbare = false\n",
            "[core]\n\tbare = false",
            "\n\n# mine",
        ] {
            let (dir, settings) = settings(before);
            let command = event.command(Path::new("/opt/it's \"here\"/b"));
            let commands = [(event, command.clone())];
            settings.install(&commands).unwrap();
            let installed = Settings::read(dir.path()).unwrap();
            assert!(installed.has(event, &command) && installed.names(event));
            installed.install(&commands).unwrap();
            let twice = Settings::read(dir.path()).unwrap();
            assert_eq!(installed.text, twice.text, "twice is once");
            twice.remove().unwrap();
            let after = std::fs::read_to_string(dir.path().join("config")).unwrap();
            assert_eq!(after, before);
        }
    }

    #[test]
    fn what_others_wrote_since_stays() {
        let (dir, settings) = settings("[core]\n\tbare = false\n");
        settings.install(&[(KEEP[0], "x".into())]).unwrap();
        let path = dir.path().join("config");
        let with = std::fs::read_to_string(&path).unwrap() + "[user]\n\tname = a\n";
        std::fs::write(&path, with).unwrap();
        Settings::read(dir.path()).unwrap().remove().unwrap();
        let after = std::fs::read_to_string(&path).unwrap();
        assert_eq!(after, "[core]\n\tbare = false\n[user]\n\tname = a\n");
    }

    #[test]
    fn a_git_that_is_writing_is_not_disturbed() {
        let (dir, settings) = settings("[core]\n");
        std::fs::write(dir.path().join("config.lock"), "").unwrap();
        let refused = settings.install(&[(KEEP[0], "x".into())]).unwrap_err();
        assert!(matches!(refused, Error::ConfigLocked { .. }));
        assert!(dir.path().join("config.lock").exists());
    }
}
