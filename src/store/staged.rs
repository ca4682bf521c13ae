//! What plain `git commit` would commit: the index, read.
use std::path::Path;

use gix::bstr::ByteSlice as _;
use gix::index::Entry;
use gix::index::entry::{Flags, Stage};

use super::error::During as _;
use super::{Error, Mode, Repo, TreeFile};
use crate::fs::is_absent;

impl Repo {
    /// The files in the index, by path; `index` is the one Git named to a hook, if it did.
    pub fn staged_files(&self, index: Option<&Path>) -> Result<Vec<TreeFile>, Error> {
        let own = self.git_dir().join("index");
        let path = index.unwrap_or(&own);
        if std::fs::symlink_metadata(path).is_err_and(|error| is_absent(&error)) {
            return Ok(Vec::new());
        }
        let options = gix::index::decode::Options::default();
        let state = gix::index::File::at(path, gix::hash::Kind::Sha1, true, options)
            .during("read the index")?;
        // `git add -N` only says that there will be something.
        let is_staged = |entry: &&Entry| {
            entry.stage() == Stage::Unconflicted && !entry.flags.contains(Flags::INTENT_TO_ADD)
        };
        let mut files = Vec::new();
        for entry in state.entries().iter().filter(is_staged) {
            let path = entry.path(&state).as_bstr();
            if entry.mode.is_sparse() {
                files.extend(self.files_below(entry.id, path)?);
            } else if let Some(mode) = entry.mode.to_tree_entry_mode()
                && let Some(mode) = Mode::from_kind(mode.kind())
            {
                let path = path.to_owned();
                files.push(TreeFile {
                    path,
                    mode,
                    blob_id: entry.id,
                });
            }
        }
        Ok(files)
    }
}
