//! Errors of [`crate::check`].
use super::{Failure, Kind};
use crate::check::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Schema(error) => Self::new(Kind::Internal, &error),
            Error::Document(problems) => Self::problems(&problems),
            Error::UnknownCheck { ref nearest, .. } => {
                let hint = match nearest {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`buildkeep check --list` names all".into(),
                };
                Self::new(Kind::User, &error).hint(hint)
            }
            Error::UnknownSet {
                ref nearest,
                ref known,
                ..
            } => {
                let hint = match nearest {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                };
                Self::new(Kind::User, &error).hint(hint)
            }
        }
    }
}
