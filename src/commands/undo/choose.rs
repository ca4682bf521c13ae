//! Which operation is undone or done again.
use std::collections::HashSet;

use crate::failure::Failure;
use crate::store::{Keep, ObjectId, Operation};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense<'a> {
    /// The newest operation that is not undone yet.
    Undo,
    /// This operation, whichever it is.
    UndoNamed(&'a str),
    /// The newest undo that was not taken back yet.
    Redo,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It holds.
    Done,
    /// It was undone.
    Undone,
    /// It undid another one.
    Undo,
    /// It did again what was undone.
    Redo,
    /// It saved uncommitted work for another operation: nothing to undo.
    Save,
    /// It changed what no ref holds: settings of Git, say.
    Beyond,
    /// It was made on another branch.
    Elsewhere,
    /// It made the keep: nothing comes before it.
    First,
}

/// Reads the log, newest first, and knows of each operation what became of it.
pub(super) struct Reader {
    branch: String,
    undone: HashSet<ObjectId>,
    taken_back: HashSet<ObjectId>,
}

impl Reader {
    /// Reads as it looks from the branch that is checked out.
    pub(super) fn new(keep: &Keep) -> Result<Self, Failure> {
        Ok(Self {
            branch: keep.branch()?,
            undone: HashSet::new(),
            taken_back: HashSet::new(),
        })
    }

    /// What became of `operation`; all newer ones were asked for before.
    pub(super) fn standing(&mut self, operation: &Operation) -> Standing {
        if operation.take_back().is_some() {
            return Standing::Beyond;
        }
        if !operation.moves.iter().any(|one| self.is_ours(&one.name)) {
            return Standing::Elsewhere;
        }
        if let Some(undo) = operation.redoes() {
            self.taken_back.insert(undo);
            return Standing::Redo;
        }
        let undoes = operation.undoes();
        if !undoes.is_empty() {
            let holds = !self.taken_back.contains(&operation.id());
            self.undone.extend(undoes.into_iter().filter(|_| holds));
            return if holds {
                Standing::Undo
            } else {
                Standing::Undone
            };
        }
        if self.undone.contains(&operation.id()) {
            Standing::Undone
        } else if operation.is_save() {
            Standing::Save
        } else if is_first(operation) {
            Standing::First
        } else {
            Standing::Done
        }
    }

    fn is_ours(&self, name: &str) -> bool {
        name == self.branch || name.starts_with("refs/tags/")
    }
}

/// Whether nothing was on the branch before.
fn is_first(operation: &Operation) -> bool {
    let mut branches = operation.moves.iter();
    branches.any(|one| one.name.starts_with("refs/heads/") && one.before.is_none())
}

/// The operations that `sense` may mean, the first choice first.
pub(super) fn candidates(keep: &Keep, sense: Sense<'_>) -> Result<Vec<Operation>, Failure> {
    match sense {
        Sense::Undo => undoable(keep),
        Sense::UndoNamed(name) => Ok(vec![named(keep, name)?]),
        Sense::Redo => Ok(vec![last_undo(keep)?]),
    }
}

fn undoable(keep: &Keep) -> Result<Vec<Operation>, Failure> {
    /// What has no effect left is passed over, but not without end.
    const MOST: usize = 20;
    let mut reader = Reader::new(keep)?;
    let mut found = Vec::new();
    for operation in keep.operations()? {
        let operation = operation?;
        match reader.standing(&operation) {
            Standing::Done => found.push(operation),
            Standing::First => break,
            _ => {}
        }
        if found.len() == MOST {
            break;
        }
    }
    if found.is_empty() {
        let last = beyond(keep)?;
        let failure = last.first().map(out_of_reach);
        return Err(failure
            .unwrap_or_else(|| Failure::user("nothing is left to undo"))
            .hint("see what was done: `buildkeep undo --list`")
            .hint("go back to a version: `buildkeep rollback --to VERSION`"));
    }
    Ok(found)
}

/// What was done since, and is beyond `undo`: it is not to be silent about that.
pub(super) fn beyond(keep: &Keep) -> Result<Vec<Operation>, Failure> {
    let mut found = Vec::new();
    for operation in keep.operations()? {
        let operation = operation?;
        if operation.take_back().is_none() {
            break;
        }
        found.push(operation);
    }
    Ok(found)
}

fn named(keep: &Keep, name: &str) -> Result<Operation, Failure> {
    let mut reader = Reader::new(keep)?;
    let mut found = None;
    for operation in keep.operations()? {
        let operation = operation?;
        let standing = reader.standing(&operation);
        if is_called(&operation, name) {
            if found.is_some() {
                let message = format!("`{name}` could be more than one operation");
                return Err(Failure::user(message).hint("write more of it"));
            }
            found = Some((operation, standing));
        }
    }
    let unknown = || {
        Failure::user(format!("there is no operation `{name}`"))
            .hint("list them: `buildkeep undo --list`")
    };
    let (operation, standing) = found.ok_or_else(unknown)?;
    let subject = &operation.commit.message.subject;
    match standing {
        Standing::Undone => Err(Failure::user(format!("`{subject}` is undone already"))
            .hint("do it again: `buildkeep redo`")),
        Standing::First => Err(Failure::user(format!(
            "`{subject}` made the keep: nothing comes before it"
        ))
        .hint("to be rid of the keep delete its folder")),
        Standing::Elsewhere => Err(Failure::user(format!(
            "`{subject}` was done on another branch"
        ))
        .hint("check that branch out first: `git switch BRANCH`")),
        Standing::Beyond => Err(out_of_reach(&operation)),
        _ => Ok(operation),
    }
}

fn out_of_reach(operation: &Operation) -> Failure {
    let subject = &operation.commit.message.subject;
    let failure = Failure::user(format!("`{subject}` is beyond `undo`"));
    match operation.take_back() {
        Some(how) => failure.hint(format!("take it back: {how}")),
        None => failure,
    }
}

/// The beginning of the operation's id, or any part that is its own of the id of its command.
fn is_called(operation: &Operation, name: &str) -> bool {
    let id = operation.id().to_string();
    let op = operation.fact("Op").unwrap_or_default();
    name.len() >= 4 && (id.starts_with(&name.to_ascii_lowercase()) || op == name)
}

fn last_undo(keep: &Keep) -> Result<Operation, Failure> {
    /// So far back an undo is looked for that came too late to be taken back by `redo`.
    const NEAR: usize = 50;
    let mut reader = Reader::new(keep)?;
    let mut newer = None;
    for (at, operation) in keep.operations()?.enumerate() {
        let operation = operation?;
        match reader.standing(&operation) {
            Standing::Undo => match newer {
                None => return Ok(operation),
                Some(newer) => return Err(too_late(&operation, &newer)),
            },
            Standing::Done | Standing::First => newer = newer.or(Some(operation)),
            _ => {}
        }
        if newer.is_some() && at > NEAR {
            break;
        }
    }
    Err(Failure::user("nothing was undone that could be done again")
        .hint("see what was done: `buildkeep undo --list`"))
}

fn too_late(undo: &Operation, newer: &Operation) -> Failure {
    let done = &newer.commit.message.subject;
    let id = undo.commit.short_id();
    Failure::user(format!(
        "nothing to do again: `{done}` was done since the last undo"
    ))
    .hint(format!(
        "to take that undo back all the same: `buildkeep undo {id}`"
    ))
}
