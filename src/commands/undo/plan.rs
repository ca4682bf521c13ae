//! What undoing an operation comes to.
use serde::Serialize;

use crate::commands::restore::Changes;
use crate::commands::{Context, validate};
use crate::config::Error;
use crate::config::rollback::Plan;
use crate::failure::{Failure, Kind};
use crate::store::{Keep, ObjectId, Operation, RefMove};

/// What undoing one operation writes.
#[derive(Debug)]
pub(super) struct Reversal {
    /// The operation.
    pub(super) operation: Operation,
    /// Newer ones that have no effect left; they count as undone too.
    pub(super) without_effect: Vec<Operation>,
    /// The files, if it moved the branch.
    pub(super) files: Option<Plan>,
    /// The tags to move back.
    pub(super) tags: Vec<RefMove>,
}

/// A tag that is put back or taken away.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TagChange {
    pub(super) name: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Reversal {
    /// Plans to undo the first of `candidates` that still has an effect. Nothing is written.
    pub(super) fn plan(keep: &Keep, candidates: Vec<Operation>) -> Result<Self, Failure> {
        let mut without_effect = Vec::new();
        let only = candidates.len() == 1;
        for operation in candidates {
            let reversal = Self::of(keep, operation)?;
            if only || !reversal.is_noop() {
                return Ok(Self {
                    without_effect,
                    ..reversal
                });
            }
            without_effect.push(reversal.operation);
        }
        Err(
            Failure::user("nothing is left to undo: what was done last has no effect any more")
                .hint("see what was done: `buildkeep undo --list`"),
        )
    }

    fn of(keep: &Keep, operation: Operation) -> Result<Self, Failure> {
        let branch = keep.branch()?;
        let (mut files, mut tags) = (None, Vec::new());
        for one in &operation.moves {
            match (one.before, one.after) {
                (Some(before), Some(after)) if one.name == branch => {
                    let plan = Plan::reverse(keep, before, after);
                    files = Some(plan.map_err(|error| refused(keep, &operation, before, error))?);
                }
                _ if one.name.starts_with("refs/tags/") => tags.extend(tag_back(keep, one)?),
                _ => {}
            }
        }
        Ok(Self {
            operation,
            without_effect: Vec::new(),
            files,
            tags,
        })
    }

    /// Whether nothing of it is left.
    pub(super) fn is_noop(&self) -> bool {
        self.files.as_ref().is_none_or(Plan::is_noop) && self.tags.is_empty()
    }

    /// Whether it is the same plan for the same operation.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let files = match (&self.files, &other.files) {
            (Some(one), Some(other)) => one.unwritten().eq(other.unwritten()),
            (one, other) => one.is_none() && other.is_none(),
        };
        files && self.operation.id() == other.operation.id() && self.tags == other.tags
    }

    /// What it changes, for people.
    pub(super) fn changes(&self, cx: &Context, keep: &Keep) -> Result<Changes, Failure> {
        match &self.files {
            Some(plan) => Changes::of(cx, keep, plan),
            None => Ok(Changes::default()),
        }
    }

    /// The tags, for people.
    pub(super) fn tag_changes(&self) -> Vec<TagChange> {
        let id = |id: Option<ObjectId>| id.map(|id| id.to_string());
        let tags = self.tags.iter().map(|tag| TagChange {
            name: tag.name.trim_start_matches("refs/tags/").to_owned(),
            before: id(tag.before),
            after: id(tag.after),
        });
        tags.collect()
    }
}

/// Why it cannot be undone, and what can be done instead.
fn refused(keep: &Keep, operation: &Operation, before: ObjectId, error: Error) -> Failure {
    let is_brought_back = matches!(error, Error::Invalid(_)) && validate::work_tree(keep).is_ok();
    let failure = Failure::from(error);
    let version = before.to_hex_with_len(10);
    if failure.kind() == Kind::Conflict {
        return failure.hint(format!(
            "to bring back all the same what was before: `buildkeep rollback --to {version} --key KEY`, or `--file FILE`"
        ));
    }
    let failure = failure.hint("nothing was changed");
    if !is_brought_back {
        return failure;
    }
    let (verb, again) = if operation.undoes().is_empty() {
        ("undoing", "")
    } else {
        ("doing", " again")
    };
    let subject = original(keep, operation).commit.message.subject;
    failure
        .hint(format!("{verb} `{subject}`{again} would bring this back"))
        .hint(format!(
            "bring back only what is valid of it: `buildkeep rollback --to {version} --key KEY`"
        ))
        .hint("or leave it, and undo what was done before it: `buildkeep undo --list`, `buildkeep undo OPERATION`")
}

/// What was done in the first place.
pub(super) fn original(keep: &Keep, operation: &Operation) -> Operation {
    let undone = operation.undoes().first().copied();
    let told = undone.and_then(|id| keep.operation(id).ok());
    told.unwrap_or_else(|| operation.clone())
}

/// How the tag goes back, if it has not; somebody else's tag is left alone.
fn tag_back(keep: &Keep, one: &RefMove) -> Result<Option<RefMove>, Failure> {
    let now = keep.repo().find_ref(&one.name)?;
    if now == one.before {
        return Ok(None);
    }
    if now != one.after {
        let name = one.name.trim_start_matches("refs/tags/");
        let message = format!("the tag `{name}` was changed again since then");
        return Err(Failure::text(Kind::Conflict, message)
            .hint(format!("look at it: `git show {name}`"))
            .hint("nothing was changed"));
    }
    Ok(Some(RefMove {
        name: one.name.clone(),
        before: one.after,
        after: one.before,
    }))
}
