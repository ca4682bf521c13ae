//! The files of a new keep.
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::fs::{AtPath as _, Batch, Staged, Syncing, create_dirs, read, sweep_temporaries};
use crate::store::FileChange;

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
    /// Where they stay, if they are not copied: from the keep if they lie in it.
    pub(super) stay: Option<PathBuf>,
    /// Their copies.
    pub(super) copies: Vec<NewFile>,
}

impl Scripts {
    /// Reads the scripts in `from`, unless they are to stay where they are or lie in the keep.
    pub(super) fn read(from: &Path, link: bool, keep: &Path) -> Result<Self, Failure> {
        let from = fs::canonicalize(from).at("open", from)?;
        if !from.is_dir() {
            return Err(Failure::user(format!("{} is a file", from.display()))
                .hint("name the folder that holds the scripts"));
        }
        let inside = from.strip_prefix(keep).ok();
        if inside == Some(Path::new("")) {
            return Err(
                Failure::user("the keep and the folder of its scripts are the same")
                    .hint("put the scripts into a folder `scripts` in it, and leave --scripts out"),
            );
        }
        let stay = inside.or(link.then_some(&from)).map(Path::to_owned);
        if stay.is_some() && keep.starts_with(&from) {
            return Err(
                Failure::user("the keep would lie in the folder of its scripts")
                    .hint("choose a folder outside of it, or leave --link out"),
            );
        }
        let mut copies = Vec::new();
        if stay.is_none() {
            let mut left = LARGEST;
            copy(&from, Path::new("scripts"), &mut copies, &mut left)?;
        }
        Ok(Self { stay, copies })
    }
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

/// The files that are not there yet: nothing of the user's is overwritten.
///
/// Those that are there with just this content were left by an interrupted `init`. In what was a
/// keep once, before it lost its `.git`, all files stay as they are.
pub(super) fn missing(keep: &Path, files: Vec<NewFile>) -> Result<Vec<NewFile>, Failure> {
    let was_keep = keep.join("buildkeep.toml").is_file();
    let mut missing = Vec::new();
    for file in files {
        let path = keep.join(&file.path);
        if fs::symlink_metadata(&path).is_err() {
            missing.push(file);
        } else if !was_keep && fs::read(&path).ok().as_ref() != Some(&file.content) {
            return Err(Failure::user(format!(
                "{} exists, and would be overwritten",
                path.display()
            ))
            .hint("choose a new folder for the keep"));
        }
    }
    Ok(missing)
}

/// The new files as changes of those that are there.
pub(super) fn changes(files: &[NewFile]) -> Vec<FileChange> {
    let change = |file: &NewFile| {
        let path = file.path.to_string_lossy().into_owned();
        FileChange::put(path, file.content.clone())
    };
    files.iter().map(change).collect()
}

/// Writes the files durably: all of them beside their places first, so that many cost few syncs.
pub(super) fn write(keep: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let mut batch = Batch::on(keep, Syncing::at(keep));
    let mut staged = Vec::with_capacity(files.len());
    let mut folders = BTreeSet::new();
    for file in files {
        let path = keep.join(&file.path);
        if let Some(folder) = path.parent()
            && folders.insert(folder.to_owned())
        {
            create_dirs(folder, &mut batch)?;
            sweep_temporaries(folder)?;
        }
        staged.push(Staged::file(&path, &file.content, file.mode, &mut batch)?);
    }
    batch.order()?;
    for file in staged {
        file.place(&mut batch)?;
    }
    Ok(batch.settle()?)
}
