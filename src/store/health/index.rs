//! Git's index: a cache of the last commit, which can always be read from it again.
use std::fs;

use gix::ObjectId;
use gix::hash::Kind;

use super::{Finding, Patient, Remedy};
use crate::store::Repo;

impl Patient {
    pub(super) fn look_at_index(&self) -> Option<Finding> {
        let path = self.git_dir.join("index");
        let why = "plain `git status` and `git commit` refuse, or think that every file is gone";
        let mend = "read it from the last commit; files of the work tree stay as they are";
        let finding =
            |id, found: &str| Some(Finding::new(id, found, why).remedy(mend, Remedy::Index));
        if !path.exists() {
            // Before the first commit there is nothing to be in it.
            let has_commits = self.head_commit().is_some();
            return finding("no-index", "the index is missing").filter(|_| has_commits);
        }
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == 0) {
            return finding("damaged-index", "the index is empty");
        }
        match self.read_index() {
            Some(_) => None,
            None => finding("damaged-index", "the index is damaged"),
        }
    }

    pub(super) fn read_index(&self) -> Option<gix::index::File> {
        let options = gix::index::decode::Options::default();
        let path = self.git_dir.join("index");
        gix::index::File::at(path, Kind::Sha1, false, options).ok()
    }

    fn head_commit(&self) -> Option<ObjectId> {
        Repo::open(&self.git_dir).ok()?.head().ok().flatten()
    }
}
