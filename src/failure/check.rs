//! Errors of [`crate::check`].
use super::{Failure, Kind};
use crate::check::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
