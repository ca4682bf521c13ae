//! Errors of [`crate::run`].
use super::{Failure, Kind};
use crate::run::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
