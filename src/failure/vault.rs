//! Errors of [`crate::vault`].
use super::store::said_by_git;
use super::{Failure, Kind};
use crate::store::pack::PackError;
use crate::ui::size;
use crate::vault::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) | Error::Pack(PackError::Io(error)) => error.into(),
            Error::Lock(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Archive(error) => error.into(),
            other => hinted(&other),
        }
    }
}

/// What each error lets people try.
fn hinted(error: &Error) -> Failure {
    let failure = match error {
        Error::NoRoom {
            path,
            needed,
            available,
            unit: "bytes",
        } => Failure::user(format!(
            "{} has too little room: {} are free, {} are needed",
            path.display(),
            size(*available),
            size(*needed)
        )),
        _ => Failure::new(kind(error), error),
    };
    match error {
        Error::PushBroken { sent, source, .. } => {
            let failure = said_by_git(failure, source);
            if *sent == 0 {
                return failure;
            }
            failure.hint("what was sent stays there: type it again, and it goes on")
        }
        Error::NothingLess { .. } => failure
            .hint("let it give parts, there: `git config uploadpack.allowFilter true`")
            .hint("or fetch all of it: `buildkeep clone URL`"),
        Error::NoVault { path } => failure.hint(format!(
            "make one: `buildkeep vault init {}`; the first backup makes the default one",
            path.display()
        )),
        Error::Occupied { .. } => failure.hint("name a folder that is empty or does not exist"),
        Error::UnknownSnapshot { near: Some(near), .. } => failure
            .hint(format!("did you mean `{near}`?"))
            .hint("list them: `buildkeep backup list`"),
        Error::UnknownSnapshot { .. } | Error::NotASnapshot { .. } => {
            failure.hint("list them: `buildkeep backup list`")
        }
        Error::AmbiguousSnapshot { .. } => failure.hint("give more of its name"),
        Error::NotInSnapshot { tag, .. } | Error::NoFile { tag, .. } => failure.hint(format!(
            "paths are as in the snapshot, without a leading `/`; look into it: `buildkeep backup show {tag}`"
        )),
        Error::TargetNotEmpty { .. } => failure
            .hint("restore into a new folder")
            .hint("or change what differs in this one: `--in-place` (see it first: `--dry-run`)"),
        Error::InsideVault(_) => {
            failure.hint("copy a vault with Git: `git clone --mirror VAULT COPY`")
        }
        Error::HealFirst(_) => failure
            .hint("see what is damaged: `buildkeep backup verify`")
            .hint("a backup writes again what is still in its source: `buildkeep backup create`"),
        Error::Mounted { .. } | Error::BadTarget { .. } | Error::NoRoom { .. } => {
            of_target(error, failure)
        }
        Error::Pack(PackError::Damaged { .. } | PackError::Missing(_) | PackError::Index { .. })
        | Error::Tree { .. }
        | Error::Meta { .. }
        | Error::NoMeta { .. } => failure.hint("see what else is damaged: `buildkeep backup verify`"),
        _ => failure,
    }
}

fn kind(error: &Error) -> Kind {
    match error {
        Error::Changed { .. } => Kind::Conflict,
        Error::PushBroken { .. } => Kind::Remote,
        Error::Pack(PackError::Stopped) => Kind::Internal,
        _ => Kind::User,
    }
}

/// What to do about a folder that cannot be restored into.
fn of_target(error: &Error, failure: Failure) -> Failure {
    match error {
        Error::Mounted { path, .. } => failure
            .hint(format!("take it away first: `umount {}`", path.display()))
            .hint("restore the rest, and leave alone what is mounted: `--force`"),
        Error::BadTarget { .. } => failure.hint("name a folder to restore into: `--to DIR`"),
        Error::NoRoom { path, .. } => failure.hint(format!(
            "make room, or choose another disk: `df -h {}`",
            path.display()
        )),
        _ => failure,
    }
}
