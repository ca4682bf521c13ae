//! What a command is told by the world: clock, ids, environment, who asks.
//!
//! [`crate::cli`] reads them once; everything below takes them as arguments, so that a test can
//! say what time it is.

mod clock;
mod env;
mod ids;
mod person;

pub use clock::{Clock, rfc3339};
pub use env::Env;
pub use ids::Ids;
pub use person::Person;

use std::path::PathBuf;

/// All that the world says, gathered once by [`crate::cli`].
#[derive(Clone, Debug)]
pub struct World {
    /// What time it is.
    pub clock: Clock,
    /// Where new ids come from.
    pub ids: Ids,
    /// The variables we were started with.
    pub env: Env,
    /// The person who asks, also behind `sudo`.
    pub person: Person,
    /// The folder we were started in.
    pub cwd: PathBuf,
    /// Our own program, to start helpers from.
    pub exe: PathBuf,
    /// What was typed, for the record.
    pub argv: Vec<String>,
}
