//! What a file of the keep is for.

/// What a file of the keep is for, as far as configuration goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `buildkeep.toml`
    Settings,
    /// `plan.toml`
    Plan,
    /// `schemas/NAME.schema.json`
    Schema(String),
    /// `config/profiles/NAME.toml`
    Profile(String),
    /// `config/NAME.toml`
    Base(String),
    /// `config/hosts/ID.toml`
    Host(String),
}

impl Role {
    /// The role of the file at `path`, from the root of the keep.
    pub fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let toml = |file: &str| named(file, ".toml");
        match parts.as_slice() {
            ["buildkeep.toml"] => Some(Self::Settings),
            ["plan.toml"] => Some(Self::Plan),
            ["schemas", file] => named(file, ".schema.json").map(Self::Schema),
            ["config", "profiles", file] => toml(file).map(Self::Profile),
            ["config", "hosts", file] => toml(file).map(Self::Host),
            ["config", file] => toml(file).map(Self::Base),
            _ => None,
        }
    }

    /// Whether a change of this file makes a new version.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Settings | Self::Profile(_) | Self::Base(_) | Self::Host(_)
        )
    }
}

fn named(file: &str, ending: &str) -> Option<String> {
    let name = file.strip_suffix(ending)?;
    (!name.is_empty() && !name.starts_with('.')).then(|| name.to_owned())
}
