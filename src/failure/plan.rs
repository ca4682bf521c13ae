//! Errors of [`crate::plan`].
use super::{Failure, Kind};
use crate::plan::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
