//! Errors of [`crate::store`].
use super::{Failure, Kind};
use crate::store::Error;
use crate::store::health::{FROM_REFTABLE, FROM_SHA256};
use crate::ui::quoted;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Lock(error) => error.into(),
            other => hinted(&other),
        }
    }
}

/// What each error lets people try.
fn hinted(error: &Error) -> Failure {
    let failure = Failure::new(kind(error), error);
    if error.disk().is_some() {
        return failure.hint("is the disk full, or failing? `df -h`, `dmesg | tail`");
    }
    match error {
        Error::NoKeep { .. } => failure
            .hint("make one here: `buildkeep init`")
            .hint("or name one: `buildkeep -C DIR …`"),
        Error::NotAKeep { .. } => failure.hint("is it the right URL? nothing was left behind"),
        Error::AlreadyKeep { root } => failure.hint(format!(
            "look at it: `buildkeep -C {} status`",
            quoted(&root.to_string_lossy())
        )),
        Error::Submodule { .. } => {
            failure.hint("make the keep in a folder of its own, or of the outer repository itself")
        }
        Error::SecondWorkTree { .. } => failure
            .hint("work in the first one; plain `git commit` here is checked by the hooks")
            .hint("or make a keep of its own: `buildkeep clone`"),
        Error::PrivateLink { path } => failure.hint(format!(
            "remove the link: `rm {}`; a folder on another disk can be mounted there",
            quoted(&path.to_string_lossy())
        )),
        Error::PrivateTracked { .. } => failure
            .hint("do you trust it? nothing was left behind")
            .hint("in the original: `git rm -r --cached .buildkeep`, commit, push"),
        Error::NestedKeep { .. } => failure.hint("choose a folder outside of it"),
        Error::NotEmpty { .. } => failure.hint("name a new folder, or empty this one"),
        Error::Foreign { owner, path } => failure
            .hint(format!(
                "run it as its owner: `sudo -u '#{owner}' buildkeep …`"
            ))
            .hint(format!(
                "or take it over: `chown -R \"$(id -u)\" {}`",
                quoted(&path.parent().unwrap_or(path).to_string_lossy())
            )),
        Error::Unsupported { what, .. } if what.contains("SHA") => {
            failure.hint(format!("convert it, in the keep: `{FROM_SHA256}`"))
        }
        Error::Unsupported { .. } => {
            failure.hint(format!("convert it, in the keep: `{FROM_REFTABLE}`"))
        }
        other => hinted_of_git(failure, other),
    }
}

/// The same for what refs, branches and the `git` program say.
fn hinted_of_git(failure: Failure, error: &Error) -> Failure {
    match error {
        Error::UnknownRevision { .. } => {
            failure.hint("list versions: `buildkeep log`; list tags: `buildkeep tag`")
        }
        Error::Moved { .. } => failure.hint("nothing was changed; try again"),
        Error::Exists { name } => failure.hint(format!(
            "look at it: `buildkeep show {}`",
            name.rsplit('/').next().unwrap_or(name)
        )),
        Error::InTheWay { other, .. } => match other.strip_prefix("refs/tags/") {
            Some(tag) => failure.hint("choose another name").hint(format!(
                "or take the old one away: `buildkeep tag --delete {tag}`"
            )),
            None => failure.hint("choose another name"),
        },
        Error::BadRefName { .. } => {
            failure.hint("use letters, digits, `.`, `-` and `_`, as in `good-2026.1`")
        }
        Error::DetachedHead { .. } => failure.hint("go back to the branch: `git switch main`"),
        Error::GitAtWork { .. } => failure
            .hint("nothing was changed; finish it (an editor of `git commit`?) and try again"),
        Error::Unfinished { what, .. } => failure.hint(format!(
            "finish it (`git {what} --continue`) or leave it (`git {what} --abort`)"
        )),
        Error::NoGitProgram => {
            failure.hint("install it: `apt-get install git`, `dnf install git`, …")
        }
        Error::GitProgram { stderr, .. } => said(failure, stderr),
        Error::Refused { said, .. } => told(failure, said),
        Error::NewerFormat { .. } => failure.hint("install the newer buildkeep that wrote it"),
        Error::Git { action, .. } if reads(action) => failure
            .hint("is something damaged? `buildkeep doctor` finds out, and mends what it can")
            .hint("if it was pushed: `buildkeep clone URL` brings it back as a new keep"),
        _ => failure,
    }
}

/// What Git or the remote said.
pub(super) fn said_by_git(failure: Failure, error: &Error) -> Failure {
    match error {
        Error::GitProgram { stderr, .. } => said(failure, stderr),
        Error::Refused { said, .. } => told(failure, said),
        _ => failure,
    }
}

/// What the `git` program printed, line by line.
fn said(failure: Failure, stderr: &str) -> Failure {
    stderr
        .lines()
        .filter(|line| !line.is_empty())
        .take(8)
        .fold(failure, |failure, line| {
            failure.hint(format!("git: {line}"))
        })
}

/// What a remote said, line by line, as Git passes it on.
fn told(failure: Failure, said: &str) -> Failure {
    let lines = said.lines().filter_map(|line| line.strip_prefix("remote:"));
    let lines: Vec<_> = lines.map(str::trim_end).collect();
    let text = lines.join("\nremote:");
    failure.hint(format!("remote:{text}"))
}

fn kind(error: &Error) -> Kind {
    match error {
        Error::Refused { .. } | Error::Torn { .. } => Kind::Remote,
        Error::Moved { .. } => Kind::Conflict,
        Error::GitAtWork { .. } => Kind::Busy,
        Error::Git { action, .. } if error.disk().is_none() && !reads(action) => Kind::Internal,
        Error::GitProgram { command, .. } if is_remote(command) => Kind::Remote,
        _ => Kind::User,
    }
}

/// Whether an action only reads: what fails then is the repository, not what we did to it.
fn reads(action: &str) -> bool {
    ["open", "read", "follow", "list", "look", "find"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

fn is_remote(command: &str) -> bool {
    ["push", "fetch", "clone", "ls-remote"]
        .iter()
        .any(|verb| command.split(' ').any(|word| word == *verb))
}
