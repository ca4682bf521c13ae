//! Errors of [`crate::vault::archive`].
use std::io::ErrorKind;

use super::{Failure, Kind};
use crate::fs::PathError;
use crate::vault::archive::ArchiveError;

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let nothing = "nothing was imported";
        match error {
            ArchiveError::Write(error) => match error.downcast::<PathError>() {
                Ok(error) => error.into(),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => error.into(),
                Err(error) => Self::user(format!("cannot write the archive: {error}")),
            },
            ArchiveError::Unreadable { .. } => Self::new(Kind::User, &error)
                .hint("nothing was written; see what else is damaged: `buildkeep backup verify`"),
            ArchiveError::Unknown => Self::new(Kind::User, &error)
                .hint("for other compressions: `xz -dc FILE | buildkeep backup import -`"),
            ArchiveError::Cut { .. } | ArchiveError::Read { .. } | ArchiveError::Damaged { .. } => {
                Self::new(Kind::User, &error)
                    .hint(nothing)
                    .hint("compare it with its original: `sha256sum FILE`, `buildkeep backup archive list`")
            }
            ArchiveError::Refused { .. } => Self::new(Kind::User, &error)
                .hint(nothing)
                .hint("look into it: `tar -tvf FILE`; extract it elsewhere and import that folder"),
            ArchiveError::Lacking { .. } => Self::new(Kind::User, &error)
                .hint("import first the archive that this one was made after"),
            ArchiveError::Taken { .. } => Self::new(Kind::Conflict, &error).hint(nothing),
            ArchiveError::Empty | ArchiveError::NoSnapshots | ArchiveError::NotWhole { .. } => {
                Self::new(Kind::User, &error).hint(nothing)
            }
        }
    }
}
