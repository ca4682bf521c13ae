//! What going back, undoing and doing again have in common: a plan is shown, work is saved, the
//! keep is looked at again, and what the plan says becomes a commit.
use std::fmt::{self, Write as _};

use serde::Serialize;

use super::run::{running, runs_of};
use super::stale::{self, Side, Stale};
use super::{Context, secret, validate, versions};
use crate::config::diff::KeyChange;
use crate::config::rollback::{Plan, Restored};
use crate::config::{Error, Files, Role};
use crate::document::Problem;
use crate::failure::{Failure, Kind};
use crate::report::words::{Marks, changed_key};
use crate::store::{
    Change, ChangeKind, Expect, FileChange, Keep, Message, ObjectId, Trailers, WriteGuard,
};
use crate::ui::clean_line;

/// Keys that are named in the history.
const RECORDED: usize = 20;

/// What a plan changes.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Changes {
    /// Keys whose value differs on this host.
    pub(super) keys: Vec<KeyChange>,
    /// Files that are written or removed.
    pub(super) files: Vec<File>,
    #[serde(flatten)]
    pub(super) stale: Stale,
    #[serde(skip)]
    marks: Marks,
}

/// How words are marked for those who read.
pub(super) fn marks(cx: &Context) -> Marks {
    if cx.ui.is_coloured() {
        Marks::Colour
    } else {
        Marks::Brackets
    }
}

/// A file that is written or removed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct File {
    path: String,
    kind: ChangeKind,
}

impl Changes {
    /// What `plan` changes, and what that means for the steps.
    pub(super) fn of(cx: &Context, keep: &Keep, plan: &Plan) -> Result<Self, Failure> {
        let before = Files::of_work_tree(keep)?;
        let after = before.with(&plan.changes());
        let mut sides = [Side::of(&before), Side::of(&after)];
        for file in plan
            .files
            .iter()
            .filter(|file| Role::of(&file.path).is_none())
        {
            let content = file.after.as_ref().map(|(_, content)| content.as_slice());
            sides[0].put(&file.path, file.before.as_deref());
            sides[1].put(&file.path, content);
        }
        Ok(Self {
            keys: plan.keys.clone(),
            files: plan.files.iter().map(File::of).collect(),
            stale: stale::by_change(cx, keep, &sides[0], &sides[1]),
            marks: marks(cx),
        })
    }

    /// Writes the facts of a commit that makes these changes.
    pub(super) fn record(&self, keep: &Keep, trailers: &mut Trailers) -> Result<(), Failure> {
        for key in self.keys.iter().take(RECORDED) {
            trailers.push("Key", &key.key);
        }
        self.stale.record(trailers);
        let is_configuration =
            |file: &File| Role::of(&file.path).is_some_and(|role| role.is_configuration());
        if self.files.iter().any(is_configuration) {
            versions::add_next(keep, trailers)?;
        }
        Ok(())
    }
}

impl File {
    fn of(restored: &Restored) -> Self {
        let kind = match (&restored.before, &restored.after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        };
        Self {
            path: restored.path.clone(),
            kind,
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = String::new();
        for key in &self.keys {
            let _ = writeln!(lines, "  {}", changed_key(key, self.marks));
        }
        for file in &self.files {
            let what = match file.kind {
                ChangeKind::Added => "is added",
                ChangeKind::Modified => "changes",
                ChangeKind::Deleted => "is removed",
            };
            let _ = writeln!(lines, "  {} {what}", clean_line(&file.path));
        }
        write!(f, "{lines}{}", self.stale)
    }
}

/// Scripts that run read configuration and one another: they should not change underneath.
pub(super) fn refuse_while_running(cx: &Context, keep: &Keep, what: &str) -> Result<(), Failure> {
    if !runs_of(keep).is_active()? && running(cx, keep)?.is_empty() {
        return Ok(());
    }
    let message = format!("steps are running, and may read what {what} changes");
    Err(Failure::text(Kind::Busy, message)
        .hint("stop them first: `buildkeep stop`")
        .hint("or do it all the same: add `--while-running`"))
}

/// Refuses to write anything but what was shown.
pub(super) fn refuse_changed(shown: &Plan, again: &Plan) -> Result<(), Failure> {
    if again.unwritten().eq(shown.unwritten()) {
        Ok(())
    } else {
        Err(Error::Changed.into())
    }
}

/// Says what of that which comes back looks like a secret. It is in the history already, so it is no
/// reason to refuse it: but `push` will, and nobody should be surprised by then.
pub(super) fn warn_of_secrets(cx: &mut Context, keep: &Keep, plan: &Plan) -> Result<(), Failure> {
    let before = Files::of_work_tree(keep)?;
    let after = before.with(&plan.changes());
    let here = plan
        .files
        .iter()
        .filter_map(|file| Some((file.path.as_str(), file.before.as_deref()?)));
    let known = secret::found_in(cx, &before, here)?;
    let back = plan.files.iter().filter_map(|file| {
        let (_, content) = file.after.as_ref()?;
        Some((file.path.as_str(), content.as_slice()))
    });
    let found = secret::found_in(cx, &after, back)?;
    let is_here = |one: &Problem| {
        let same = |known: &Problem| (&known.file, &known.message) == (&one.file, &one.message);
        known.iter().any(same)
    };
    for problem in found.iter().filter(|problem| !is_here(problem)) {
        cx.ui.warn(format!(
            "{}:{}:{} comes back: {}",
            problem.file, problem.line, problem.column, problem.message
        ));
        cx.ui
            .hint("if it is one, `push` refuses it: take it out again (docs/guide/secrets.md)");
    }
    Ok(())
}

/// Saves uncommitted work before it is overwritten: on the branch if it is valid, else beside it.
///
/// What a crash left of the same change is not work: it is committed with the rest.
pub(super) fn save_work(
    cx: &mut Context,
    keep: &Keep,
    guard: &WriteGuard,
    (plan, what): (&Plan, &str),
) -> Result<Option<String>, Failure> {
    let changes = keep.changes()?;
    let is_ours = |change: &Change| {
        let path = change.path.to_string();
        let mut files = plan.files.iter();
        files.any(|file| file.is_there && file.path == path)
    };
    if changes.iter().all(is_ours) {
        return Ok(None);
    }
    let reason = format!("saved before {what}");
    let trailers = cx.trailers("config", keep).with("Reason", reason);
    let mut message = Message::new(format!("keep: save work before {what}"), trailers);
    let signature = cx.signature(keep);
    let holds_secrets = secret::refuse_changes(cx, keep, &changes).is_err();
    if holds_secrets || validate::commit_of(keep, &changes).is_err() {
        let files = keep.file_changes(&changes)?;
        return save_beside(cx, keep, &files, &message).map(Some);
    }
    versions::number_next(keep, &changes, &mut message.trailers)?;
    let saved = keep.commit_work_tree(guard, &changes, &message, &signature)?;
    let id = saved.map(|id| id.to_string()).unwrap_or_default();
    cx.ui.status(format!(
        "saved uncommitted work as commit {}",
        &id[..10.min(id.len())]
    ));
    Ok(Some(id))
}

fn save_beside(
    cx: &mut Context,
    keep: &Keep,
    files: &[FileChange],
    message: &Message,
) -> Result<String, Failure> {
    let signature = cx.signature(keep);
    let base = keep.repo().head()?;
    let tree = base.map(|head| keep.repo().commit(head)).transpose()?;
    let mut transaction = keep.repo().begin();
    let tree_id = transaction.edit_tree(tree.map(|commit| commit.tree_id), files)?;
    let parents: Vec<ObjectId> = base.into_iter().collect();
    let id = transaction.commit(tree_id, &parents, message, &signature)?;
    let name = format!("refs/buildkeep/saved/{}", cx.op);
    transaction.set_ref(&name, Expect::Absent, id, &message.subject)?;
    transaction.finish()?;
    cx.ui.status(format!(
        "saved uncommitted work, which is not valid, beside the branch: `git show {}`",
        id.to_hex_with_len(10)
    ));
    Ok(id.to_string())
}
