//! From the name of a secret to its value.
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};

use super::{Secrets, Source, age_file, program};
use crate::fs::read_optional;
use crate::world::{Clock, Env};

/// A value that must not be shown; it cannot be printed by accident.
#[derive(Clone)]
pub struct Revealed(SecretString);

impl Revealed {
    pub(super) fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why a secret has no value.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}` cannot be resolved from {source_name}: {cause}")]
pub struct Unresolved {
    /// Its name.
    pub name: String,
    /// Where it should come from.
    pub source_name: String,
    /// What went wrong.
    pub cause: String,
    /// What to type next.
    pub next: String,
}

/// What went wrong, and what to type next.
pub(super) struct Cause {
    pub(super) what: String,
    pub(super) next: String,
}

impl Cause {
    pub(super) fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            next: next.into(),
        }
    }
}

/// Where secrets are looked for.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// The secrets there are.
    pub secrets: &'a Secrets,
    /// The root of the keep.
    pub root: &'a Path,
    /// The variables there are.
    pub env: &'a Env,
    /// For deadlines.
    pub clock: &'a Clock,
}

impl Resolver<'_> {
    /// The value of a secret.
    pub fn resolve(&self, name: &str) -> Result<Revealed, Unresolved> {
        let Some(source) = self.secrets.get(name) else {
            return Err(Unresolved {
                name: name.to_owned(),
                source_name: "buildkeep.toml".to_owned(),
                cause: "`[secrets]` does not have it".to_owned(),
                next: "list what there is: `buildkeep secret list`".to_owned(),
            });
        };
        let found = match source {
            Source::Env(variable) => self.variable(variable),
            Source::Command { argv, limit } => program::run(argv, *limit, self),
            Source::Age {
                file,
                identity,
                key,
            } => self.age(file, identity.as_deref(), key.as_deref()),
        };
        let found = found.and_then(usable);
        found.map(Revealed::new).map_err(|cause| Unresolved {
            name: name.to_owned(),
            source_name: source.to_string(),
            cause: cause.what,
            next: cause.next,
        })
    }

    /// The content of the age file of a secret with a new `value`, which may be one of several.
    pub fn encrypt(
        &self,
        name: &str,
        (file, key): (&str, Option<&str>),
        value: &str,
    ) -> Result<Vec<u8>, Unresolved> {
        let done = self.text_with(file, (name, key), value);
        let done = done.and_then(|text| age_file::encrypted(&text, &self.secrets.recipients));
        done.map_err(|cause| Unresolved {
            name: name.to_owned(),
            source_name: format!("age file {file}"),
            cause: cause.what,
            next: cause.next,
        })
    }

    fn text_with(
        &self,
        file: &str,
        (name, key): (&str, Option<&str>),
        value: &str,
    ) -> Result<String, Cause> {
        let Some(key) = key else {
            return Ok(value.to_owned());
        };
        let identity = match self.secrets.get(name) {
            Some(Source::Age { identity, .. }) => identity.as_deref(),
            _ => None,
        };
        let there = self.path(file).exists();
        let old = if there {
            self.age(file, identity, None)?
        } else {
            String::new()
        };
        age_file::text_with(&old, key, value)
    }

    /// A path that may begin with `~/`, or be relative to the keep.
    pub fn path(&self, written: &str) -> PathBuf {
        match (written.strip_prefix("~/"), self.env.path("HOME")) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.root.join(written),
        }
    }

    fn variable(&self, variable: &str) -> Result<String, Cause> {
        match self.env.get(variable) {
            Some(value) => value.to_str().map(str::to_owned).ok_or_else(|| {
                Cause::new(
                    "its value is not UTF-8",
                    format!("set it anew: `export {variable}=…`"),
                )
            }),
            None => Err(Cause::new(
                "it is not set",
                format!("set it: `export {variable}=…`"),
            )),
        }
    }

    fn age(&self, file: &str, identity: Option<&str>, key: Option<&str>) -> Result<String, Cause> {
        let Some(identity) = identity else {
            return Err(Cause::new(
                "no `identity` says which private key reads it",
                "add `identity = \"~/.config/age/key.txt\"` to it, or to all of `[secrets]`",
            ));
        };
        let path = self.path(file);
        let content = read_optional(&path)
            .map_err(|error| Cause::new(error.to_string(), "mend that and try again"))?;
        let content = content.ok_or_else(|| {
            Cause::new(
                format!("there is no file {}", path.display()),
                "make it: `buildkeep secret set NAME`",
            )
        })?;
        let identities = age_file::identities(&self.path(identity))?;
        let text = age_file::decrypted(&content, &identities)?;
        match key {
            Some(key) => age_file::value_of(&text, key),
            None => Ok(text),
        }
    }
}

/// A value without one line end; what no variable can hold is none.
fn usable(value: String) -> Result<String, Cause> {
    let trimmed = value.strip_suffix('\n').unwrap_or(&value);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err(Cause::new(
            "the value is empty",
            "give it one, and try again",
        ));
    }
    if trimmed.contains('\0') {
        return Err(Cause::new(
            "the value has a NUL byte, which no variable can hold",
            "encode it, as with base64",
        ));
    }
    Ok(trimmed.to_owned())
}
