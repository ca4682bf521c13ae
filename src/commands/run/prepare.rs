//! What a run does to the keep before its first step and after its last.
use crate::commands::config::rendering::Rendering;
use crate::commands::{Context, commit, secret, validate, versions};
use crate::failure::Failure;
use crate::fs::create_dirs_durable;
use crate::plan::{Apply, Plan};
use crate::store::{Error, Expect, Keep, Message};

/// Commits what the work tree has that no commit has: what is built must be in the history.
pub(super) fn save_changes(cx: &mut Context, keep: &Keep) -> Result<(), Failure> {
    let changes = keep.changes()?;
    if changes.is_empty() {
        return Ok(());
    }
    let guard = cx.lock(keep)?;
    let changes = keep.changes()?;
    validate::commit_of(keep, &changes)?;
    secret::refuse_changes(cx, keep, &changes)?;
    let subject = commit::subject_of(&changes);
    let trailers = cx
        .trailers("config", keep)
        .with("Reason", "saved before a run");
    let mut message = Message::new(subject, trailers);
    versions::number_next(keep, &changes, &mut message.trailers)?;
    let signature = cx.signature(keep);
    keep.commit_work_tree(&guard, &changes, &message, &signature)?;
    cx.ui
        .status(format!("committed before the run: {}", message.subject));
    Ok(())
}

/// Writes the files that scripts read, if the plan says so; else only says which are not as the
/// configuration makes them.
pub(super) fn render(cx: &mut Context, keep: &Keep, plan: &Plan) -> Result<(), Failure> {
    let rendering = Rendering::of(cx, keep, plan.root.clone());
    if plan.apply == Apply::Before {
        let rendering = rendering?;
        let guard = cx.lock(keep)?;
        return rendering.before_run(cx, (keep, &guard));
    }
    match rendering {
        Err(failure) => cx.ui.warn(failure.message()),
        Ok(rendering) => {
            for path in rendering.differing() {
                cx.ui.warn(format!(
                    "{path} is not as the configuration makes it: `buildkeep config drift`"
                ));
            }
        }
    }
    Ok(())
}

/// Makes the folder that is built, if it is not there.
pub(super) fn make_root(plan: &Plan) -> Result<(), Failure> {
    match &plan.root {
        Some(root) => Ok(create_dirs_durable(root)?),
        None => Ok(()),
    }
}

/// Tags the version that a finished build was made from: `last-good`.
pub(super) fn mark_good(cx: &mut Context, keep: &Keep, run: &str) -> Result<(), Failure> {
    let guard = cx.lock(keep)?;
    let Some(head) = keep
        .repo()
        .head()?
        .filter(|_| keep.changes().is_ok_and(|c| c.is_empty()))
    else {
        return Ok(());
    };
    let name = format!("good/{run}");
    let message = Message::new(
        "run: every step is done",
        cx.trailers("run", keep).with("Run", run),
    );
    let mut transaction = keep.repo().begin();
    let tag_id = transaction.tag(&name, head, &message, &cx.signature(keep))?;
    transaction.set_ref(
        &format!("refs/tags/{name}"),
        Expect::Any,
        tag_id,
        "run: done",
    )?;
    let marked = transaction.finish();
    drop(guard);
    if let Err(Error::InTheWay { other, .. }) = &marked {
        // The build is done all the same.
        cx.ui.warn(format!(
            "this version could not be marked as good: the name {other} is in the way"
        ));
        return Ok(());
    }
    Ok(marked?)
}
