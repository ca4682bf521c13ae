//! `undo --list`
use std::fmt;

use chrono::SecondsFormat;
use serde::Serialize;

use super::choose::{Reader, Standing};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::Operation;
use crate::ui::{clean, style};

/// An operation, told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    /// Its id, for `undo OPERATION`.
    id: String,
    time: String,
    author: String,
    kind: String,
    /// What was typed.
    command: String,
    pub(super) subject: String,
}

/// An operation, and what became of it.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    told: Told,
    standing: Standing,
    refs: Vec<Ref>,
}

/// A ref that moved.
#[derive(Debug, Serialize)]
struct Ref {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

/// What was done, newest first.
#[derive(Debug, Serialize)]
struct Operations {
    operations: Vec<Line>,
}

impl Told {
    pub(super) fn of(operation: &Operation) -> Self {
        let author = &operation.commit.author;
        Self {
            id: operation.id().to_string(),
            time: author.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            author: author.person.name.clone(),
            kind: operation.fact("Kind").unwrap_or_default().to_owned(),
            command: operation.command.clone(),
            subject: operation.commit.message.subject.clone(),
        }
    }

    /// The time to the minute.
    pub(super) fn when(&self) -> String {
        self.time.get(..16).unwrap_or(&self.time).replace('T', " ")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = match self.standing {
            Standing::Done => "",
            Standing::Undone => "undone",
            Standing::Undo => "undo",
            Standing::Redo => "redo",
            Standing::Save => "saved",
            Standing::Beyond => "beyond",
            Standing::Elsewhere => "branch",
            Standing::First => "first",
        };
        let (id, when) = (&self.told.id[..10], style::faint(self.told.when()));
        let subject = clean(&self.told.subject);
        write!(f, "{} {when} {standing:6} ", style::notable(id))?;
        match self.standing {
            Standing::Undone => writeln!(f, "{}", style::faint(subject)),
            _ => writeln!(f, "{subject}"),
        }
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.operations.is_empty() {
            return writeln!(f, "nothing was done yet");
        }
        self.operations.iter().try_for_each(|line| line.fmt(f))
    }
}

/// Lists operations, newest first.
pub(super) fn run(cx: &mut Context, limit: usize) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let mut reader = Reader::new(&keep)?;
    let mut operations = Vec::new();
    for operation in keep.operations()?.take(limit) {
        let operation = operation?;
        let id = |id: Option<crate::store::ObjectId>| id.map(|id| id.to_string());
        let refs = operation.moves.iter().map(|one| Ref {
            name: one.name.clone(),
            before: id(one.before),
            after: id(one.after),
        });
        operations.push(Line {
            standing: reader.standing(&operation),
            told: Told::of(&operation),
            refs: refs.collect(),
        });
    }
    cx.ui.show(&Operations { operations })?;
    Ok(Answer::Yes)
}
