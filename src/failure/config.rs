//! Errors of [`crate::config`].
use super::{Failure, Kind};
use crate::config::secrets::Unresolved;
use crate::config::{Error, Overlaid};
use crate::document::{Problem, render};
use crate::ui::{clean, style};

impl Failure {
    /// A failure that shows problems of documents, each at its place.
    pub fn problems(problems: &[Problem]) -> Self {
        let message = match problems {
            [only] => only.message.clone(),
            many => format!("the configuration has {} problems", many.len()),
        };
        let mut failure = Self::user(message).detail(render(problems));
        failure.problems = problems.to_vec();
        failure
    }

    /// Problems, and in a last line what was refused because of them.
    pub fn refused(problems: &[Problem], what: &str) -> Self {
        let failure = Self::problems(problems);
        let last = format!("{} {}", style::bad("buildkeep:"), clean(what));
        let detail = format!("{}\n\n{last}", render(problems));
        failure.said(what).detail(detail)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) => Self::problems(&problems),
            Error::Entangled { problems, .. } => Self::problems(&problems)
                .hint("the work tree has changes that are not committed: without them this one is not valid")
                .hint("commit them first: `buildkeep commit`"),
            Error::Io(error) => error.into(),
            Error::Store(error) => error.into(),
            other => hinted(&other),
        }
    }
}

impl From<Unresolved> for Failure {
    fn from(error: Unresolved) -> Self {
        let next = error.next.clone();
        Self::new(Kind::User, &error).hint(next)
    }
}

/// What each error lets people try.
fn hinted(error: &Error) -> Failure {
    let kind = match error {
        Error::Changed | Error::Overlaid(_) => Kind::Conflict,
        Error::ConfigLocked { .. } => Kind::Busy,
        _ => Kind::User,
    };
    let failure = Failure::new(kind, error);
    match error {
        Error::NoValue { .. } => failure.hint("write it as `-c build.jobs=8`"),
        Error::NotSet { key } | Error::NotAList { key, .. } | Error::NotInList { key, .. } => {
            failure.hint(format!(
                "see where its value comes from: `buildkeep config get {key} --show-origin`"
            ))
        }
        Error::BadKey { .. } => failure.hint("a key looks like this: `build.jobs`"),
        Error::UnknownKey {
            near: Some(near), ..
        } => failure.hint(format!("did you mean `{near}`?")),
        Error::UnknownKey { near: None, .. } => {
            failure.hint("list all keys: `buildkeep config list`")
        }
        Error::NotAValue { .. } => failure
            .hint("text that begins with a bracket or a quote is quoted itself: `KEY='\"[1\"'`"),
        Error::Twice { .. } => failure.hint("leave one of the two out"),
        Error::NotConfiguration { .. } => {
            failure.hint("name a file such as config/build.toml or config/hosts/HOST.toml")
        }
        Error::NoGoodVersion => failure
            .hint("a finished run marks its version as good")
            .hint("choose one yourself: `buildkeep log`"),
        Error::NoVersion { .. } | Error::NothingThatOld { .. } => {
            failure.hint("list versions: `buildkeep log`")
        }
        Error::CutOff { .. } => failure.hint("bring the rest: `git fetch --unshallow`"),
        Error::NotThere { version, .. } => failure.hint(format!(
            "look at what was there: `buildkeep show {version}`"
        )),
        Error::TwoHooks { path, .. } => failure.hint(format!(
            "put both into one file, remove {}, and try again",
            path.display()
        )),
        Error::Overlaid(all) => overlaid(failure, all),
        Error::HooksPath { lines, .. } => lines
            .iter()
            .fold(failure, |failure, (path, line)| {
                failure.hint(format!("add to {}: {line}", path.display()))
            })
            .hint("or let buildkeep do so: `buildkeep hooks install --into-hooks-path`"),
        Error::NotAScript { line, .. } => {
            failure.hint(format!("put this line where it runs: {line}"))
        }
        Error::ConfigLocked { lock } => failure.hint(format!(
            "try again; if no `git` is at work, `rm {}`",
            lock.display()
        )),
        Error::Changed => failure.hint("nothing was written; look again and repeat the command"),
        Error::Invalid(_) | Error::Entangled { .. } | Error::Io(_) | Error::Store(_) => failure,
    }
}

/// What to look at before deciding.
fn overlaid(failure: Failure, all: &[Overlaid]) -> Failure {
    let failure = failure.hint("nothing was changed, so that the later change is not lost");
    match all.first().map(|one| (one.keys.first(), &one.path)) {
        Some((Some(key), _)) => failure.hint(format!(
            "see how it came about: `buildkeep config history {key}`"
        )),
        Some((None, path)) => {
            failure.hint(format!("see how it came about: `buildkeep log -- {path}`"))
        }
        None => failure,
    }
}
