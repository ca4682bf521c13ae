//! Errors of [`crate::store`].
use super::{Failure, Kind};
use crate::store::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
