//! Folders in which something is tried out.
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::super::Host;
use crate::fs::remove_tree;
use crate::world::Ids;

/// A folder that only we can look into, gone when dropped.
pub(super) struct Scratch {
    parent: PathBuf,
    path: PathBuf,
}

impl Scratch {
    /// One where programs keep their temporary files.
    pub(super) fn new(host: &Host<'_>) -> io::Result<Self> {
        let parent = host.env.path("TMPDIR").filter(|path| path.is_absolute());
        let parent = parent.unwrap_or_else(|| Path::new("/tmp").to_owned());
        Self::in_folder(&parent, host.ids)
    }

    /// One in `parent`.
    pub(super) fn in_folder(parent: &Path, ids: &Ids) -> io::Result<Self> {
        let path = parent.join(format!("buildkeep-check-{}", ids.next()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self {
            parent: parent.to_owned(),
            path,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // One that stays behind is no reason to fail.
        let _ = remove_tree(&self.parent, &self.path);
    }
}
