//! What was mended on this machine, and how it is taken back: written down before it is done.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::commands::Context;
use crate::failure::Failure;
use crate::fs::{AtPath as _, create_dirs_durable, is_absent, read, write_durable};
use crate::store::Keep;

/// One fix.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) check: String,
    pub(super) at: String,
    pub(super) found: Option<String>,
    pub(super) run: Vec<Vec<String>>,
    pub(super) undo: Vec<Vec<String>>,
    /// Whether the check holds since; nothing as long as that is not known.
    pub(super) mended: Option<bool>,
    /// When it was taken back.
    pub(super) undone: Option<String>,
}

impl Record {
    pub(super) fn new(
        cx: &Context,
        (check, run, undo): (&str, &[Vec<String>], &[Vec<String>]),
        found: Option<String>,
    ) -> Self {
        Self {
            id: cx.world.ids.next(),
            check: check.to_owned(),
            at: cx.world.clock.stamp(),
            found,
            run: run.to_vec(),
            undo: undo.to_vec(),
            mended: None,
            undone: None,
        }
    }
}

/// Where fixes are noted: in the keep, or with what the person's programs remember.
fn folder(cx: &Context, keep: Option<&Keep>) -> Result<PathBuf, Failure> {
    if let Some(keep) = keep {
        return Ok(keep.private("fixes"));
    }
    let env = &cx.world.env;
    let state = env.path("XDG_STATE_HOME");
    let state = state.or_else(|| Some(env.path("HOME")?.join(".local/state")));
    let state = state.filter(|path| path.is_absolute());
    state
        .map(|state| state.join("buildkeep/fixes"))
        .ok_or_else(|| {
            Failure::user("there is no place to note how a fix is taken back")
                .hint("do it in a keep, or set HOME")
        })
}

/// Writes a record down.
pub(super) fn save(cx: &Context, keep: Option<&Keep>, record: &Record) -> Result<(), Failure> {
    let folder = folder(cx, keep)?;
    create_dirs_durable(&folder)?;
    let text = serde_json::to_vec_pretty(record).unwrap_or_default();
    Ok(write_durable(
        &folder.join(format!("{}.json", record.id)),
        &text,
    )?)
}

/// The newest fix that was not taken back, of this check if one is named.
pub(super) fn newest(
    cx: &Context,
    keep: Option<&Keep>,
    check: &str,
) -> Result<Option<Record>, Failure> {
    let folder = folder(cx, keep)?;
    let entries = std::fs::read_dir(&folder);
    if entries.as_ref().is_err_and(is_absent) {
        return Ok(None);
    }
    let mut paths = Vec::new();
    for entry in entries.at("list", &folder)? {
        paths.push(entry.at("list", &folder)?.path());
    }
    // Names begin with the time.
    paths.sort();
    for path in paths.iter().rev() {
        let Ok(record) = serde_json::from_slice::<Record>(&read(path)?) else {
            continue;
        };
        let is_named = check.is_empty() || record.check == check;
        if is_named && record.undone.is_none() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// Tells of it in the keep's log of operations, so that `undo` knows.
pub(super) fn tell(cx: &mut Context, keep: Option<&Keep>, record: &Record) {
    let Some(keep) = keep.filter(|keep| !keep.host().is_empty()) else {
        return;
    };
    let check = &record.check;
    let (what, back) = match record.undone {
        None => (
            format!("check: a fix of {check}"),
            format!("buildkeep check --undo {check}"),
        ),
        Some(_) => (
            format!("check: the fix of {check} taken back"),
            format!("buildkeep check --fix --only {check}"),
        ),
    };
    let told = cx
        .lock(keep)
        .and_then(|guard| cx.note_beyond((keep, &guard), what, &back));
    if let Err(failure) = told {
        cx.ui.warn(format!(
            "this is not in the log of operations: {}",
            failure.message()
        ));
    }
}
