//! Who asks.

/// The person that a commit names as its author: the real one, also behind `sudo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name, as in `git config user.name`.
    pub name: String,
    /// Address, as in `git config user.email`.
    pub email: String,
}
