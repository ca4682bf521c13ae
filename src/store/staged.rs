//! What plain `git commit` would commit: the index, read.
use std::path::Path;

use gix::bstr::ByteSlice as _;
use gix::index::entry::Stage;

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
        let merged = state
            .entries()
            .iter()
            .filter(|entry| entry.stage() == Stage::Unconflicted);
        let files = merged.filter_map(|entry| {
            let kind = entry.mode.to_tree_entry_mode()?.kind();
            Some(TreeFile {
                path: entry.path(&state).as_bstr().to_owned(),
                mode: Mode::from_kind(kind)?,
                blob_id: entry.id,
            })
        });
        Ok(files.collect())
    }
}
