//! Errors of [`crate::document`].
use super::{Failure, Kind};
use crate::document::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
