//! Errors of [`crate::run`].
use super::{Failure, Kind};
use crate::run::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Lock(error) => error.into(),
            Error::Active { .. } => Self::new(Kind::Busy, &error)
                .hint("watch it: `buildkeep attach`")
                .hint("end it: `buildkeep stop`"),
            Error::Damaged { ref path, .. } => {
                let hint = format!("look into it, or move {} away", path.display());
                Self::new(Kind::User, &error).hint(hint)
            }
            Error::Manifest { ref path, .. } => {
                let hint = format!("see who wrote it: `git log --all -- {path}`");
                Self::new(Kind::User, &error).hint(hint)
            }
            Error::Deleted { .. } => Self::new(Kind::User, &error)
                .hint("the script goes on, but how it ends is not recorded: look with `ps`"),
            Error::System { .. } => Self::new(Kind::User, &error),
            Error::HelperDied { ref path } => {
                let hint = format!("see {}", path.join("helper.log").display());
                Self::new(Kind::Internal, &error).hint(hint)
            }
        }
    }
}
