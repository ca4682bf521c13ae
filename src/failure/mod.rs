//! The one place where errors meet people: what to say, what to try, which code to exit with.
//!
//! Each feature has a file here that turns its `Error` into a [`Failure`]. Problems that a command
//! was asked to look for (findings, differences, a failed step) are results, not failures.

mod archive;
mod check;
mod config;
mod document;
mod fs;
mod plan;
mod run;
mod store;
mod vault;

use std::error::Error;
use std::fmt;
use std::io;

use serde::Serialize;
use serde_json::json;

use crate::document::Problem;
use crate::ui::{clean, style};

/// What sort of failure it was, and so the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The user can put it right: 2.
    User,
    /// Somebody else holds a lock: 3.
    Busy,
    /// Something changed underneath: 4.
    Conflict,
    /// A remote refused or cannot be reached: 5.
    Remote,
    /// We cannot explain it: 70.
    Internal,
    /// The person stopped us: 130.
    Interrupted,
    /// Our reader went away, which is success: 0.
    ClosedPipe,
}

impl Kind {
    /// The code to exit with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::User => 2,
            Self::Busy => 3,
            Self::Conflict => 4,
            Self::Remote => 5,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }
}

/// An error as people get to see it.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    detail: Option<String>,
    problems: Vec<Problem>,
    hints: Vec<String>,
}

/// A failure as scripts get to see it: `{"error": {…}}`.
impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = json!({
            "kind": self.kind,
            "exit": self.kind.exit_code(),
            "message": self.message,
            "problems": self.problems,
            "hints": self.hints,
        });
        json!({ "error": error }).serialize(serializer)
    }
}

impl Failure {
    /// A failure with the message of `error` and of its causes.
    pub fn new(kind: Kind, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        Self::text(kind, message)
    }

    /// A failure with a message of its own.
    pub fn text(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            problems: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A failure that the user can put right.
    pub fn user(message: impl Into<String>) -> Self {
        Self::text(Kind::User, message)
    }

    /// Shows `detail` (located snippets, say) in place of `error: message`; already rendered.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Gives it another message.
    fn said(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds something to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What sort it was.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message without detail and hints.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The hints, one a line.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => f.write_str(detail.trim_end())?,
            None => write!(f, "{} {}", style::bad("error:"), clean(&self.message))?,
        }
        for hint in &self.hints {
            write!(f, "\n{} {}", style::name("hint:"), clean(hint))?;
        }
        Ok(())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => Kind::ClosedPipe,
            io::ErrorKind::Interrupted => Kind::Interrupted,
            io::ErrorKind::StorageFull => {
                return Self::text(Kind::User, format!("cannot write the result: {error}"));
            }
            _ => Kind::Internal,
        };
        Self::new(kind, &error)
    }
}
