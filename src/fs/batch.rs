//! Many changes, made durable in as few steps as the file system allows, and in order.
//!
//! A caller writes files under temporary names and notes them, calls [`Batch::order`], renames them
//! and notes the folders, and so on; at the end it calls [`Batch::settle`]. What that costs depends
//! on the [`Syncing`] of the file system; what may be seen after a power cut does not.
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{AtPath as _, PathError, Syncing, at_once, is_absent, sync_dir, write_out};

/// More files than this are not kept open.
const MOST_OPEN: usize = 64;
/// With more KiB than this waiting for any disk, the whole file system is not synced for our sake.
const LITTLE: u64 = 2048;
/// So few things are synced each for itself.
const FEW: usize = 2;

/// Changes that are not durable yet.
#[must_use = "nothing is durable before it is settled"]
#[derive(Debug)]
pub struct Batch {
    way: Syncing,
    anchor: Option<Anchor>,
    /// Written since the last step.
    files: Vec<(File, PathBuf)>,
    /// With another name in them since the last step.
    folders: BTreeSet<PathBuf>,
    /// What was changed after everything else, if that is known.
    newest: Option<Newest>,
}

/// The folder that stands for its file system.
#[derive(Debug)]
struct Anchor {
    file: File,
    path: PathBuf,
    device: u64,
}

#[derive(Debug)]
enum Newest {
    Folder(PathBuf),
    File(File, PathBuf),
}

impl Batch {
    /// Changes on the file system of the folder `path`; on others, each is synced for itself.
    pub fn on(path: &Path, way: Syncing) -> Self {
        // Opened before anything is written, it tells of all that could not be.
        let anchor = Anchor::open(path).ok();
        let is_little = || unwritten().is_some_and(|kib| kib <= LITTLE);
        let way = match way {
            _ if anchor.is_none() => Syncing::Each,
            Syncing::WholeOrEach if is_little() => Syncing::Whole,
            Syncing::WholeOrEach => Syncing::Each,
            way => way,
        };
        Self {
            way,
            anchor,
            files: Vec::new(),
            folders: BTreeSet::new(),
            newest: None,
        }
    }

    /// Notes a file that was written.
    pub fn wrote(&mut self, file: File, path: &Path) -> Result<(), PathError> {
        if !self.is_here(file.metadata()) {
            return file.sync_all().at("write", path);
        }
        self.newest = None;
        if self.way == Syncing::Log {
            write_out::begin(&file).at("write", path)?;
        }
        if self.way == Syncing::Whole && self.files.len() > FEW {
            return Ok(());
        }
        self.files.push((file, path.to_owned()));
        if self.files.len() >= MOST_OPEN {
            self.sync_files()?;
        }
        Ok(())
    }

    /// Notes a folder in which a name is new, gone, or that of another file.
    pub fn named(&mut self, folder: &Path) -> Result<(), PathError> {
        if !self.is_here(fs::metadata(folder)) {
            return sync_there(folder);
        }
        if self.way == Syncing::Log {
            self.is_newest(Newest::Folder(folder.to_owned()));
        } else {
            self.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    /// Notes a file, still open, that got the name `path`.
    pub fn moved(&mut self, file: File, path: &Path) -> Result<(), PathError> {
        self.named(path.parent().unwrap_or(path))?;
        if self.way == Syncing::Log && self.is_here(file.metadata()) {
            self.is_newest(Newest::File(file, path.to_owned()));
        }
        Ok(())
    }

    /// From now on, nothing lasts without all that was noted before.
    pub fn order(&mut self) -> Result<(), PathError> {
        match self.way {
            // The log gets what comes after what it got by now; only data goes its own way.
            Syncing::Log => self.sync_files(),
            Syncing::Whole if self.files.len() + self.folders.len() > FEW => self.sync_all(),
            _ => self.sync_each(),
        }
    }

    /// Makes all that was noted durable.
    pub fn settle(mut self) -> Result<(), PathError> {
        self.order()?;
        if self.way != Syncing::Log {
            return Ok(());
        }
        match &self.newest {
            // Of an XFS that failed meanwhile, a file tells, a folder does not.
            Some(Newest::File(file, path)) => file.sync_all().at("sync", path),
            Some(Newest::Folder(folder)) => sync_there(folder),
            None => self.sync_all(),
        }
    }

    fn is_newest(&mut self, newest: Newest) {
        self.newest = self.files.is_empty().then_some(newest);
    }

    /// Brings what files hold to the disk.
    fn sync_files(&mut self) -> Result<(), PathError> {
        let files = std::mem::take(&mut self.files);
        if self.way == Syncing::Log {
            let mut files = files.iter();
            return files.try_for_each(|(file, path)| write_out::complete(file).at("write", path));
        }
        at_once(&files, |(file, path)| file.sync_all().at("write", path))
    }

    /// Syncs the whole file system.
    fn sync_all(&mut self) -> Result<(), PathError> {
        self.files.clear();
        self.folders.clear();
        let Some(Anchor { file, path, .. }) = &self.anchor else {
            return Ok(());
        };
        rustix::fs::syncfs(file).at("sync", path)?;
        // Without a journal, ext4 writes its last tables after it has emptied the disk's cache.
        file.sync_all().at("sync", path)
    }

    fn sync_each(&mut self) -> Result<(), PathError> {
        let files = std::mem::take(&mut self.files).into_iter();
        let folders = std::mem::take(&mut self.folders).into_iter();
        let files = files.map(|(file, path)| (Some(file), path));
        let all: Vec<_> = files.chain(folders.map(|path| (None, path))).collect();
        at_once(&all, |(file, path)| match file {
            Some(file) => file.sync_all().at("write", path),
            None => sync_there(path),
        })
    }

    fn is_here(&self, meta: io::Result<fs::Metadata>) -> bool {
        let device = self.anchor.as_ref().map(|anchor| anchor.device);
        self.way == Syncing::Each || meta.is_ok_and(|meta| Some(meta.dev()) == device)
    }
}

impl Anchor {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let device = file.metadata()?.dev();
        let path = path.to_owned();
        Ok(Self { file, path, device })
    }
}

/// A folder that somebody deleted meanwhile has no names that could be lost.
fn sync_there(folder: &Path) -> Result<(), PathError> {
    match sync_dir(folder) {
        Err(error) if is_absent(&error.source) => Ok(()),
        done => done,
    }
}

/// How much waits to be written to any disk, in KiB.
fn unwritten() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let of = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some(of("Dirty:")? + of("Writeback:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Staged, remove_file};

    #[test]
    fn in_every_way_files_get_their_names_and_what_is_dropped_is_gone() {
        for way in [
            Syncing::Log,
            Syncing::Whole,
            Syncing::WholeOrEach,
            Syncing::Each,
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: usize| dir.path().join(name.to_string());
            let mut batch = Batch::on(dir.path(), way);
            let staged: Vec<_> = (0..MOST_OPEN + 10)
                .map(|n| Staged::file(&path(n), b"new", 0o640, &mut batch).unwrap())
                .collect();
            batch.order().unwrap();
            let is_there = |n: &usize| fs::read(path(*n)).is_ok_and(|content| content == b"new");
            assert_eq!((0..MOST_OPEN + 10).filter(is_there).count(), 0);
            for one in staged.into_iter().skip(1) {
                one.place(&mut batch).unwrap();
            }
            remove_file(&path(1), &mut batch).unwrap();
            remove_file(&path(1), &mut batch).unwrap();
            batch.settle().unwrap();
            assert_eq!((0..MOST_OPEN + 10).filter(is_there).count(), MOST_OPEN + 8);
            let left = fs::read_dir(dir.path()).unwrap().count();
            assert_eq!(left, MOST_OPEN + 8, "{way:?}");
        }
    }

    #[test]
    fn a_folder_that_is_gone_and_another_file_system_stop_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for way in [Syncing::Log, Syncing::Whole, Syncing::Each] {
            let mut batch = Batch::on(dir.path(), way);
            batch.named(&dir.path().join("gone")).unwrap();
            let elsewhere = File::open("/proc/version").unwrap();
            let synced = batch.wrote(elsewhere, Path::new("/proc/version"));
            // It cannot be synced, and that is told: at once, or with all others.
            let synced = synced.and_then(|()| batch.settle());
            assert_eq!(synced.unwrap_err().path, Path::new("/proc/version"));
        }
    }

    #[test]
    fn what_changed_after_the_last_name_is_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut batch = Batch::on(dir.path(), Syncing::Log);
        let file = File::create(&path).unwrap();
        batch.moved(file.try_clone().unwrap(), &path).unwrap();
        assert!(matches!(batch.newest, Some(Newest::File(..))));
        batch.wrote(file.try_clone().unwrap(), &path).unwrap();
        assert!(batch.newest.is_none());
        batch.named(dir.path()).unwrap();
        assert!(batch.newest.is_none(), "its data may come later");
        batch.order().unwrap();
        batch.named(dir.path()).unwrap();
        assert!(matches!(batch.newest, Some(Newest::Folder(_))));
        batch.settle().unwrap();
    }
}
