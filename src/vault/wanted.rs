//! Which parts of a snapshot are restored.
use std::path::PathBuf;

use crate::vault::Error;
use crate::vault::folder::shown;

/// Which paths are wanted.
pub(super) struct Wanted(Vec<(Vec<u8>, bool)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Yes,
    /// Something below it is.
    OnTheWay,
    No,
}

impl Wanted {
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        let normal = |path: &PathBuf| {
            let names = path.components().filter_map(|part| match part {
                std::path::Component::Normal(name) => Some(name.as_encoded_bytes()),
                _ => None,
            });
            (names.collect::<Vec<_>>().join(&b'/'), false)
        };
        Self(paths.iter().map(normal).collect())
    }

    pub(super) fn choose(&mut self, path: &[u8]) -> Choice {
        if self.0.is_empty() {
            return Choice::Yes;
        }
        let mut choice = Choice::No;
        for (wanted, found) in &mut self.0 {
            if is_below(path, wanted) {
                *found = true;
                return Choice::Yes;
            }
            if is_below(wanted, path) {
                choice = Choice::OnTheWay;
            }
        }
        choice
    }

    pub(super) fn all_found(&self, tag: &str) -> Result<(), Error> {
        match self.0.iter().find(|(_, found)| !found) {
            None => Ok(()),
            Some((path, _)) => Err(Error::NotInSnapshot {
                tag: tag.to_owned(),
                path: shown(path),
            }),
        }
    }
}

/// Whether `path` is `above` or lies in it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    match path.strip_prefix(above) {
        Some(rest) => above.is_empty() || rest.is_empty() || rest[0] == b'/',
        None => false,
    }
}
