//! Errors of [`crate::vault`].
use super::{Failure, Kind};
use crate::vault::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
