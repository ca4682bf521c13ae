//! A line of ours in a script of the user's: in the folder that `core.hooksPath` names.
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::catalogue::{Event, LINE_MARK, quoted};
use crate::config::Error;
use crate::fs::{
    AtPath as _, create_dirs_durable, read_optional, remove_file_durable, write_durable,
    write_durable_mode,
};
use crate::store::HooksPath;

const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ksh", "zsh"];
const START: &str = "#!/bin/sh\n";

/// A script of the user's, and the line that calls us.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Line {
    /// The line for an event. In a work tree, which others share, it has no path of this machine.
    pub(super) fn new(folder: &HooksPath, root: &Path, program: &Path, event: Event) -> Self {
        let folder = scripts_folder(&folder.dir);
        let is_shared = folder.starts_with(root) && !folder.starts_with(root.join(".git"));
        let program = if is_shared {
            "buildkeep".to_owned()
        } else {
            quoted(program)
        };
        Self {
            path: folder.join(event.name),
            text: event.line(&program),
        }
    }

    /// Whether the script has this line; or, if not, another one of ours.
    pub(super) fn found(&self) -> Result<(bool, bool), Error> {
        let text = read_optional(&self.path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let has = |wanted: &dyn Fn(&str) -> bool| text.lines().any(wanted);
        Ok((has(&|line| line == self.text), has(&is_ours)))
    }

    /// Adds the line at the end of the script, or makes one of it.
    pub(super) fn install(&self) -> Result<(), Error> {
        let old = self.script()?;
        let mut text = without_ours(old.as_deref().unwrap_or(START));
        // A script without a last line break stays one, so that it comes back as it was.
        let (before, after) = if text.is_empty() || text.ends_with('\n') {
            ("", "\n")
        } else {
            ("\n", "")
        };
        text.push_str(&format!("{before}{}{after}", self.text));
        if let Some(folder) = self.path.parent() {
            create_dirs_durable(folder)?;
        }
        match old {
            Some(_) => write_durable(&self.path, text.as_bytes())?,
            None => write_durable_mode(&self.path, text.as_bytes(), 0o755)?,
        }
        Ok(())
    }

    /// Takes the line out again; a script that has nothing else was made by us.
    pub(super) fn remove(&self) -> Result<(), Error> {
        let Some(bytes) = read_optional(&self.path)? else {
            return Ok(());
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(());
        };
        let rest = without_ours(&text);
        if rest == START {
            remove_file_durable(&self.path)?;
        } else if rest != text {
            write_durable(&self.path, rest.as_bytes())?;
        }
        Ok(())
    }

    /// The script, if a line at its end would run.
    fn script(&self) -> Result<Option<String>, Error> {
        let refused = |why: &'static str| Error::NotAScript {
            path: self.path.clone(),
            why,
            line: self.text.clone(),
        };
        let Some(bytes) = read_optional(&self.path)? else {
            return Ok(None);
        };
        if self.path.is_symlink() {
            return Err(refused("is a symlink"));
        }
        let text = String::from_utf8(bytes).map_err(|_| refused("is no shell script"))?;
        let first = text.lines().next().unwrap_or_default();
        let is_shell = |first: &str| {
            let word = first.rsplit([' ', '/']).find(|word| !word.starts_with('-'));
            word.is_some_and(|word| SHELLS.contains(&word))
        };
        if first.starts_with("#!") && !is_shell(first) {
            return Err(refused("is no shell script"));
        }
        let last = without_ours(&text);
        let last = last.lines().rev().find(|line| !line.trim().is_empty());
        let leaves = |line: &str| line.starts_with("exit") || line.starts_with("exec ");
        if last.is_some_and(leaves) {
            return Err(refused("ends before a line after its last one could run"));
        }
        let meta = self.path.metadata().at("look at", &self.path)?;
        let is_husky = self
            .path
            .parent()
            .is_some_and(|folder| folder.join("_").is_dir());
        if meta.permissions().mode() & 0o111 == 0 && !is_husky {
            return Err(refused("is not executable: Git does not run it"));
        }
        Ok(Some(text))
    }
}

/// husky lets Git look into a folder of its own, whose scripts run those beside it.
pub(super) fn scripts_folder(dir: &Path) -> PathBuf {
    let is_husky = dir.ends_with("_") && (dir.join("h").exists() || dir.join("husky.sh").exists());
    match dir.parent() {
        Some(parent) if is_husky => parent.to_owned(),
        _ => dir.to_owned(),
    }
}

fn is_ours(line: &str) -> bool {
    line.ends_with(LINE_MARK)
}

fn without_ours(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    let mut rest: String = lines
        .filter(|line| !is_ours(line.trim_end_matches('\n')))
        .collect();
    if text.lines().last().is_some_and(is_ours) && !text.ends_with('\n') {
        rest.pop();
    }
    rest
}
