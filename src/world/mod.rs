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
    /// The name of this machine, made fit for a ref.
    pub hostname: String,
    /// Counts the processors; asked only by who wants to know, as the kernel is slow to tell.
    pub count_cpus: fn() -> usize,
    /// Our own program, to start helpers from.
    pub exe: PathBuf,
    /// What was typed, for the record.
    pub argv: Vec<String>,
}

impl World {
    /// How many processors a build may use; `BUILDKEEP_TEST_CPUS` for tests.
    pub fn cpus(&self) -> usize {
        let fixed = self.env.text("BUILDKEEP_TEST_CPUS");
        let fixed = fixed.and_then(|text| text.parse().ok());
        fixed.unwrap_or_else(self.count_cpus)
    }
}

#[cfg(test)]
impl World {
    /// A world for tests: its clock stands still, its ids repeat, its environment has only `PATH`.
    #[expect(clippy::disallowed_methods, reason = "tests find their programs")]
    pub(crate) fn for_test() -> Self {
        let clock = Clock::fixed("2026-01-02T03:04:05Z".parse().expect("a time"));
        Self {
            ids: Ids::fixed(clock.clone(), 1),
            clock,
            env: std::env::vars_os()
                .filter(|(name, _)| name == "PATH")
                .collect(),
            person: Person {
                name: "Test Er".into(),
                email: "test.er@example.org".into(),
            },
            cwd: PathBuf::from("/"),
            hostname: "host".into(),
            count_cpus: || 2,
            exe: PathBuf::from("buildkeep"),
            argv: vec!["test".into()],
        }
    }
}
