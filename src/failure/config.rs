//! Errors of [`crate::config`].
use super::{Failure, Kind};
use crate::config::Error;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::User, &error)
    }
}
