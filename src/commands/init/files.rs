//! The files of a new keep.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::fs::{AtPath as _, create_dirs_durable, read, write_durable_mode};
use crate::plan;

/// Scripts folders beyond this size hold more than scripts.
const LARGEST: u64 = 64 << 20;

/// A file to be written.
#[derive(Clone, Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
}

impl NewFile {
    /// A text file; scripts get their run bit.
    pub(super) fn text(path: &str, text: String) -> Self {
        Self {
            mode: if text.starts_with("#!") { 0o755 } else { 0o644 },
            path: path.into(),
            content: text.into_bytes(),
        }
    }
}

/// The scripts that a keep begins with.
pub(super) struct Scripts {
    /// Where they stay, if they are not copied.
    pub(super) linked: Option<PathBuf>,
    /// Their copies.
    pub(super) copies: Vec<NewFile>,
}

impl Scripts {
    /// Checks the scripts in `from` and reads them, unless they are to stay where they are.
    pub(super) fn read(from: &Path, link: bool) -> Result<Self, Failure> {
        let from = fs::canonicalize(from).at("open", from)?;
        refuse_unfit(&from)?;
        if link {
            return Ok(Self {
                linked: Some(from),
                copies: Vec::new(),
            });
        }
        let mut copies = Vec::new();
        let mut left = LARGEST;
        copy(&from, Path::new("scripts"), &mut copies, &mut left)?;
        Ok(Self {
            linked: None,
            copies,
        })
    }
}

/// A keep begins with scripts that can run.
fn refuse_unfit(from: &Path) -> Result<(), Failure> {
    let text = format!(
        "schema = 1\nscripts = {}\n",
        toml_edit::Value::from(from.to_string_lossy().as_ref())
    );
    plan::load(from, "plan.toml", &text)?;
    Ok(())
}

fn copy(from: &Path, to: &Path, copies: &mut Vec<NewFile>, left: &mut u64) -> Result<(), Failure> {
    let mut entries = fs::read_dir(from)
        .at("list", from)?
        .collect::<Result<Vec<_>, _>>()
        .at("list", from)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().at("look at", &entry.path())?;
        let to = to.join(entry.file_name());
        if kind.is_dir() && entry.file_name() != ".git" {
            copy(&entry.path(), &to, copies, left)?;
        } else if kind.is_file() || kind.is_symlink() && entry.path().is_file() {
            let meta = fs::metadata(entry.path()).at("look at", &entry.path())?;
            *left = left
                .checked_sub(meta.len())
                .ok_or_else(|| too_large(from))?;
            let mode = if meta.permissions().mode() & 0o111 == 0 {
                0o644
            } else {
                0o755
            };
            copies.push(NewFile {
                path: to,
                content: read(&entry.path())?,
                mode,
            });
        }
    }
    Ok(())
}

fn too_large(from: &Path) -> Failure {
    Failure::user(format!(
        "{} holds more than 64 MiB: more than scripts",
        from.display()
    ))
    .hint("leave the scripts where they are: `--link`")
}

/// Nothing of the user's is overwritten.
pub(super) fn refuse_overwriting(keep: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let there = files
        .iter()
        .map(|file| keep.join(&file.path))
        .find(|path| path.exists());
    match there {
        Some(path) if !keep.join("buildkeep.toml").exists() => Err(Failure::user(format!(
            "{} exists, and would be overwritten",
            path.display()
        ))
        .hint("choose a new folder for the keep")),
        _ => Ok(()),
    }
}

/// Writes the files durably.
pub(super) fn write(keep: &Path, files: &[NewFile]) -> Result<(), Failure> {
    for file in files {
        let path = keep.join(&file.path);
        if let Some(folder) = path.parent() {
            create_dirs_durable(folder)?;
        }
        write_durable_mode(&path, &file.content, file.mode)?;
    }
    Ok(())
}
