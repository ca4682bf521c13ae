//! What was exported: one file for each archive in the state history of the machine.
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::format::Form;
use crate::commands::Context;
use crate::failure::Failure;
use crate::store::{Batch, Keep, Message};

/// Where the files lie in the state.
const FOLDER: &str = "archives/";

/// An archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Archive {
    pub(super) id: String,
    /// When it was written.
    pub(super) time: String,
    /// Where it went; nothing if that was standard output.
    pub(super) path: Option<String>,
    pub(super) form: Form,
    /// The vault that it was written from.
    pub(super) vault: String,
    /// The snapshots in it.
    pub(super) snapshots: Vec<String>,
    /// The snapshots that it builds upon.
    pub(super) since: Vec<String>,
    /// The paths in it; all if none are named.
    pub(super) paths: Vec<String>,
    pub(super) files: u64,
    pub(super) dirs: u64,
    /// The size of the files in it.
    pub(super) content_bytes: u64,
    /// Its own size; nothing for a folder.
    pub(super) bytes: Option<u64>,
    pub(super) sha256: Option<String>,
    /// The public keys that it is encrypted to.
    pub(super) recipients: Vec<String>,
    /// When it may be deleted.
    pub(super) expires: Option<String>,
}

impl Archive {
    /// Its name for people: that of its file.
    pub(super) fn name(&self) -> String {
        let path = self.path.as_deref().map(Path::new);
        let name = path.and_then(Path::file_name);
        name.map_or_else(
            || "standard output".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    fn file(&self) -> String {
        format!("{FOLDER}{}.json", self.id)
    }
}

/// All archives, oldest first. One that cannot be read, from a newer buildkeep say, is left out.
pub(super) fn all(keep: &Keep) -> Result<Vec<Archive>, Failure> {
    let files = keep.state_files(FOLDER)?;
    let parsed = files
        .iter()
        .filter_map(|(_, text)| serde_json::from_slice(text).ok());
    let mut archives: Vec<Archive> = parsed.collect();
    archives.sort_by(|a, b| (&a.time, &a.id).cmp(&(&b.time, &b.id)));
    Ok(archives)
}

/// The archives that these names mean: ids or the beginning of one, paths, file names.
pub(super) fn named(
    cx: &Context,
    archives: Vec<Archive>,
    names: &[String],
) -> Result<Vec<Archive>, Failure> {
    let mut found: Vec<Archive> = Vec::new();
    for name in names {
        let path = cx.path(Path::new(name)).display().to_string();
        let is_it = |one: &&Archive| {
            one.path.as_ref() == Some(&path)
                || one.name() == *name
                || (name.len() >= 4 && one.id.starts_with(&name.to_ascii_uppercase()))
        };
        // Of several that went to the same place, the newest is there.
        let Some(archive) = archives.iter().rev().find(is_it) else {
            return Err(
                Failure::user(format!("no archive `{name}` in the catalogue"))
                    .hint("list them: `buildkeep backup archive list`"),
            );
        };
        if !found.iter().any(|other| other.id == archive.id) {
            found.push(archive.clone());
        }
    }
    Ok(found)
}

/// Adds an archive; those that went to the same place are replaced, as it is there.
pub(super) fn add(cx: &mut Context, keep: &Keep, archive: &Archive) -> Result<(), Failure> {
    let before = all(keep)?;
    let is_gone = |one: &&Archive| one.path.is_some() && one.path == archive.path;
    let mut files: Vec<_> = before
        .iter()
        .filter(is_gone)
        .map(|one| (one.file(), None))
        .collect();
    let text = serde_json::to_string_pretty(archive).map_err(std::io::Error::other)?;
    files.push((archive.file(), Some(format!("{text}\n").into_bytes())));
    let mut trailers = cx.trailers("backup", keep);
    for tag in archive.snapshots.iter().take(20) {
        trailers.push("Snapshot", tag);
    }
    trailers.push("Archive", archive.name());
    trailers.push("Files", archive.files);
    trailers.push("Bytes", archive.bytes.unwrap_or(archive.content_bytes));
    let message = Message::new(format!("backup: export {}", archive.name()), trailers);
    publish(cx, keep, (files, message))
}

/// Takes archives out.
pub(super) fn remove(cx: &mut Context, keep: &Keep, gone: &[Archive]) -> Result<(), Failure> {
    let files = gone.iter().map(|archive| (archive.file(), None)).collect();
    let mut trailers = cx.trailers("backup", keep);
    for archive in gone.iter().take(20) {
        trailers.push("Archive", archive.name());
    }
    let what = match gone {
        [one] => format!("backup: forget archive {}", one.name()),
        many => format!("backup: forget {} archives", many.len()),
    };
    publish(cx, keep, (files, Message::new(what, trailers)))
}

type Files = Vec<(String, Option<Vec<u8>>)>;

fn publish(
    cx: &mut Context,
    keep: &Keep,
    (files, message): (Files, Message),
) -> Result<(), Failure> {
    let batch = Batch {
        journals: Vec::new(),
        files,
        message,
    };
    let guard = cx.lock(keep)?;
    keep.publish(&guard, &batch, &cx.signature(keep))?;
    Ok(())
}
