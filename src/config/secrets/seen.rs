//! What secrets were when they were last looked at: never their values.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Revealed, Source};
use crate::config::Error;
use crate::fs::{create_dirs_durable, create_exclusive_durable, read_optional, write_durable_mode};
use crate::store::Repo;

/// What stands for a secret that was never looked at.
pub const UNSEEN: &str = "unseen";

/// Digests of secrets by name, keyed with a key that only this keep on this machine has.
#[derive(Debug)]
pub struct Seen {
    folder: PathBuf,
    key: Option<String>,
    digests: BTreeMap<String, String>,
    is_new: bool,
}

impl Seen {
    /// Reads what is known in `folder`, a private one.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let text = |name: &str| -> Result<Option<String>, Error> {
            let bytes = read_optional(&folder.join(name))?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let digests = text("seen")?.unwrap_or_default();
        let digests = digests.lines().filter_map(|line| line.split_once(' '));
        Ok(Self {
            digests: digests
                .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
                .collect(),
            key: text("key")?.map(|key| key.trim().to_owned()),
            folder: folder.to_owned(),
            is_new: false,
        })
    }

    /// The digest of a secret as it last was.
    pub fn digest(&self, name: &str) -> &str {
        self.digests.get(name).map_or(UNSEEN, String::as_str)
    }

    /// The digest of a value that stands in a file; without a key nothing can be said of it.
    pub fn digest_of(&self, value: &str) -> Result<String, Error> {
        match &self.key {
            Some(key) => digest(key, value),
            None => Ok(UNSEEN.to_owned()),
        }
    }

    /// Makes the key, if there is none; `random` is what it is made of.
    pub fn ensure_key(&mut self, random: impl FnOnce() -> String) -> Result<(), Error> {
        if self.key.is_some() {
            return Ok(());
        }
        create_dirs_durable(&self.folder)?;
        let path = self.folder.join("key");
        // Whoever was first wins; nobody else may read it.
        create_exclusive_durable(&path, format!("{}\n", random()).as_bytes())?;
        let text = read_optional(&path)?.unwrap_or_default();
        write_durable_mode(&path, &text, 0o600)?;
        self.key = Some(String::from_utf8_lossy(&text).trim().to_owned());
        Ok(())
    }

    /// Notes what a secret is now.
    pub fn note(&mut self, name: &str, value: &Revealed) -> Result<(), Error> {
        let digest = self.digest_of(value.expose())?;
        self.is_new |= self.digest(name) != digest;
        self.digests.insert(name.to_owned(), digest);
        Ok(())
    }

    /// Keeps what was noted.
    pub fn save(&mut self) -> Result<(), Error> {
        if !self.is_new {
            return Ok(());
        }
        let lines = self
            .digests
            .iter()
            .map(|(name, digest)| format!("{digest} {name}\n"));
        let text = lines.collect::<Vec<_>>().concat();
        write_durable_mode(&self.folder.join("seen"), text.as_bytes(), 0o600)?;
        self.is_new = false;
        Ok(())
    }
}

impl Source {
    /// Whether looking at it costs nothing and asks nobody.
    pub fn is_quiet(&self) -> bool {
        !matches!(self, Self::Command { .. })
    }
}

/// Twice over, so that nothing can be added to what was hashed.
fn digest(key: &str, value: &str) -> Result<String, Error> {
    let inner = Repo::blob_id(format!("{key}\0{value}").as_bytes())?;
    let outer = Repo::blob_id(format!("{key}\0{inner}").as_bytes())?;
    Ok(outer.to_hex_with_len(16).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_again_and_not_by_others() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut seen = Seen::load(one.path()).unwrap();
        assert_eq!(seen.digest_of("x").unwrap(), UNSEEN);
        seen.ensure_key(|| "k1".into()).unwrap();
        seen.ensure_key(|| "k2".into()).unwrap();
        let value = Revealed::new("hush".into());
        seen.note("a", &value).unwrap();
        assert_eq!(Seen::load(one.path()).unwrap().digest("a"), UNSEEN);
        seen.save().unwrap();
        let again = Seen::load(one.path()).unwrap();
        assert_eq!(again.digest("a"), seen.digest("a"));
        seen.note("a", &Revealed::new("other".into())).unwrap();
        assert_ne!(again.digest("a"), seen.digest("a"));
        let mut others = Seen::load(other.path()).unwrap();
        others.ensure_key(|| "k3".into()).unwrap();
        others.note("a", &value).unwrap();
        assert_ne!(others.digest("a"), again.digest("a"));
        for name in ["key", "seen"] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(one.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
