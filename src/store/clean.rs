//! Files that Git's index knows to be unchanged: they need not be read.
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::BString;
use gix::index::entry::Stat;
use gix::index::entry::stat::Options;

use super::Repo;

/// All that `stat` tells counts, to the nanosecond.
pub(super) const EXACT: Options = Options {
    trust_ctime: true,
    check_stat: true,
    use_nsec: true,
    use_stdev: false,
};

/// What the index knows of the files of a work tree.
#[derive(Default)]
pub(super) struct Clean(HashMap<BString, (Stat, ObjectId)>);

impl Clean {
    /// Reads the index; one that cannot be read knows nothing.
    ///
    /// A file that was changed when the index was written, or later, may have changed again within
    /// the same tick of the clock: it is not in here.
    pub(super) fn of(repo: &Repo) -> Self {
        let Ok(index) = repo.gix().open_index() else {
            return Self::default();
        };
        let written = index.timestamp();
        let settled = |entry: &&gix::index::Entry| {
            entry.stage_raw() == 0 && !entry.stat.is_racy(written, EXACT)
        };
        let entries = index.entries().iter().filter(settled);
        let known = entries.map(|entry| (entry.path(&index).to_owned(), (entry.stat, entry.id)));
        Self(known.collect())
    }

    /// The id of the content of a file, if it is as the index saw it.
    pub(super) fn id_of(&self, path: &BString, file: &Path) -> Option<ObjectId> {
        let (known, id) = self.0.get(path)?;
        let meta = gix::index::fs::Metadata::from_path_no_follow(file).ok()?;
        let now = Stat::from_fs(&meta).ok()?;
        // Git writes no size for what it wants to look at itself, and an empty file is read at once.
        let is_same = known.size > 0 && known.matches(&now, EXACT);
        is_same.then_some(*id)
    }
}

/// The stat of a file that did not change while `read` read it; nothing else proves what was read.
pub(super) fn stat_while<T>(file: &Path, read: impl FnOnce() -> Option<T>) -> Option<(Stat, T)> {
    let stat = || {
        let meta = gix::index::fs::Metadata::from_path_no_follow(file).ok()?;
        Stat::from_fs(&meta).ok()
    };
    let before = stat()?;
    let found = read()?;
    (stat()? == before).then_some((before, found))
}

/// Whether a file has the run bit, or is a link.
pub(super) fn mode_of(file: &Path) -> Option<super::Mode> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = fs::symlink_metadata(file).ok()?;
    Some(if meta.is_symlink() {
        super::Mode::Link
    } else if meta.permissions().mode() & 0o100 != 0 {
        super::Mode::Executable
    } else {
        super::Mode::File
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::{Keep, Message, Trailers};
    use super::*;
    use crate::fs::file_clock;
    use crate::world::World;

    /// Until the clock of the file system has moved on.
    fn wait() {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        while file_clock() <= (now.as_secs() as i64, now.subsec_nanos()) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_change_goes_unseen() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let keep = Keep::create(&root, "box").unwrap();
        let world = World::for_test();
        let (file, run) = (root.join("a.txt"), root.join("run.sh"));
        fs::write(&file, "one\n").unwrap();
        fs::write(&run, "#!/bin/sh\n").unwrap();
        wait();
        let changes = keep.changes().unwrap();
        let message = Message::new("first", Trailers::new("config", "OP", "box"));
        let guard = keep.lock(&world).unwrap();
        let signature = keep.signature(&world);
        keep.commit_work_tree(&guard, &changes, &message, &signature)
            .unwrap();
        let known = || Clean::of(keep.repo()).id_of(&"a.txt".into(), &file);
        assert!(known().is_some(), "it need not be read");
        assert!(keep.changes().unwrap().is_empty());
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "two\n").unwrap();
        fs::File::open(&file)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert_eq!(keep.changes().unwrap().len(), 1, "same size, same time");
        fs::write(&file, "one\n").unwrap();
        assert!(keep.changes().unwrap().is_empty());
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(keep.changes().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_stat() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "1").unwrap();
        let seen = stat_while(&file, || fs::read(&file).ok());
        assert_eq!(seen.unwrap().1, b"1");
        let changed = stat_while(&file, || fs::write(&file, "12").ok());
        assert!(changed.is_none());
    }
}
