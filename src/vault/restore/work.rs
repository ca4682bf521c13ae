//! What one worker of a restore does.
use std::fs::File;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::Mode as FileMode;
use rustix::io::Errno;

use super::attributes::{Place, Troubles, set};
use super::content::{self, Failed};
use super::existing::Action;
use super::plan::Plan;
use super::problem::{Problem, Trouble};
use super::special::special;
use crate::fs::{AtPath as _, Folder};
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader};
use crate::vault::folder::{StoredFolder, shown};
use crate::vault::meta::{Decoded, Record};
use crate::vault::queue::{Job, Queue};
use crate::vault::{Error, Progress, join};

/// Files above this are jobs of their own.
const LARGE: u64 = 1 << 20;

/// What all workers of a restore share.
pub(super) struct Shared<'p> {
    pub(super) plan: &'p Plan,
    pub(super) queue: Queue<FolderJob, LargeJob>,
    pub(super) written: AtomicU64,
    pub(super) problems: Mutex<Vec<Problem>>,
    pub(super) progress: &'p (dyn Progress + Sync),
}

/// A folder to be filled.
pub(super) struct FolderJob {
    pub(super) number: usize,
    /// The folder around it and its name there; none for the target itself, which is open.
    pub(super) within: Result<(Arc<Open>, Vec<u8>), Folder>,
}

/// A large file to be written.
pub(super) struct LargeJob {
    open: Arc<Open>,
    record: Record,
    object: (Mode, ObjectId),
    action: Action,
}

/// A folder that is being filled.
pub(super) struct Open {
    number: usize,
    dir: Folder,
    record: Record,
    parent: Option<Arc<Self>>,
    /// How many of its parts are not done: itself, large files, subfolders.
    left: AtomicUsize,
}

impl Shared<'_> {
    pub(super) fn problem(&self, path: &[u8], trouble: Trouble, reason: Option<String>) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.push(Problem {
            trouble,
            path: shown(path),
            reason,
        });
    }

    pub(super) fn troubles(&self, path: &[u8], troubles: Troubles) {
        for (trouble, reason) in troubles {
            self.problem(path, trouble, reason);
        }
    }

    /// What the disk said about an entry: the end if it is full, else a problem.
    fn refused(&self, path: &[u8], error: std::io::Error) -> Result<(), Error> {
        let full = Err(error).at("write", &self.plan.to.join(shown(path)));
        match full {
            Ok(()) => Ok(()),
            Err(error) if error.is_full() => Err(error.into()),
            Err(error) => {
                self.problem(path, Trouble::NotMade, Some(error.source.to_string()));
                Ok(())
            }
        }
    }
}

/// A worker.
pub(super) struct Worker<'s, 'p> {
    pub(super) shared: &'s Shared<'p>,
    pub(super) reader: ObjectReader<'s>,
    pub(super) buffer: Vec<u8>,
}

impl Worker<'_, '_> {
    pub(super) fn run(mut self) -> Result<(), Error> {
        while let Some(mut taken) = self.shared.queue.next() {
            match taken.job() {
                Some(Job::Folder(job)) => self.folder(job)?,
                Some(Job::Large(job)) => self.large(&job)?,
                None => {}
            }
        }
        Ok(())
    }

    fn folder(&mut self, job: FolderJob) -> Result<(), Error> {
        let planned = &self.shared.plan.folders[job.number];
        let parent = job.within.as_ref().ok().map(|(open, _)| Arc::clone(open));
        let stored = StoredFolder::read(&mut self.reader, planned.tree_id, &planned.path)?;
        let dir = match job.within {
            Err(target) => Ok(target),
            Ok((open, name)) => enter(&open.dir, &name, planned.own),
        };
        let dir = match dir {
            Ok(dir) => dir,
            Err(errno) => {
                self.shared.refused(&planned.path, errno.into())?;
                if let Some(parent) = parent {
                    self.part_done(parent);
                }
                return Ok(());
            }
        };
        let open = Arc::new(Open {
            number: job.number,
            dir,
            record: stored.meta.folder.clone(),
            parent,
            left: AtomicUsize::new(1),
        });
        self.fill(&open, &stored)?;
        self.part_done(open);
        Ok(())
    }

    /// Does what the plan says for each entry, or leaves it to others.
    fn fill(&mut self, open: &Arc<Open>, stored: &StoredFolder) -> Result<(), Error> {
        let planned = &self.shared.plan.folders[open.number];
        let replaces = |action: &Action| matches!(action, Action::Replace | Action::Link);
        if planned.actions.iter().any(replaces) {
            // What is left here if not: names that are in nobody's way.
            let _ = open.dir.sweep();
        }
        for removal in &planned.removals {
            for (path, errno) in removal.apply(&open.dir, &planned.path) {
                let reason = Some(crate::fs::reason(errno));
                self.shared.problem(&path, Trouble::NotRemoved, reason);
            }
        }
        for (number, child) in &planned.subfolders {
            open.left.fetch_add(1, Ordering::AcqRel);
            let name = stored.meta.entries[*number].name().to_vec();
            self.shared.queue.push(Job::Folder(FolderJob {
                number: *child,
                within: Ok((Arc::clone(open), name)),
            }));
        }
        for (action, entry) in planned.actions.iter().zip(&stored.meta.entries) {
            let Decoded::Known(record) = entry else {
                continue;
            };
            match action {
                Action::Keep | Action::Link | Action::Enter => {}
                Action::Attributes => {
                    self.finish((open, record), Place::Entry(&open.dir, &record.name));
                }
                Action::Make | Action::Replace => {
                    self.make(open, record, (stored.object(record), *action))?;
                }
            }
        }
        Ok(())
    }

    /// Makes an entry now, or leaves it to whoever is free if it is large.
    fn make(
        &mut self,
        open: &Arc<Open>,
        record: &Record,
        (object, action): (Option<(Mode, ObjectId)>, Action),
    ) -> Result<(), Error> {
        match (special(record), object) {
            (Some(_), _) => self.make_special(open, record, action),
            (None, None) => {
                let path = self.path(open, record);
                let reason = Some("it has no content".to_owned());
                self.shared.problem(&path, Trouble::Damaged, reason);
                Ok(())
            }
            (None, Some(object)) if record.size > LARGE => {
                open.left.fetch_add(1, Ordering::AcqRel);
                self.shared.queue.push(Job::Large(LargeJob {
                    open: Arc::clone(open),
                    record: record.clone(),
                    object,
                    action,
                }));
                Ok(())
            }
            (None, Some(object)) => self.make_file(open, record, (object, action)),
        }
    }

    fn large(&mut self, job: &LargeJob) -> Result<(), Error> {
        self.make_file(&job.open, &job.record, (job.object, job.action))?;
        self.part_done(Arc::clone(&job.open));
        Ok(())
    }

    fn make_file(
        &mut self,
        open: &Open,
        record: &Record,
        (object, action): ((Mode, ObjectId), Action),
    ) -> Result<(), Error> {
        let name = first_name(record, action);
        let file: File = match open.dir.make_file(&name) {
            Ok(file) => file,
            Err(errno) => return self.shared.refused(&self.path(open, record), errno.into()),
        };
        match content::write(&file, record, object, (&mut self.reader, &mut self.buffer)) {
            Ok(written) => {
                self.shared.written.fetch_add(written, Ordering::Relaxed);
                self.shared.progress.read(written);
                self.finish((open, record), Place::Open(file.as_fd()));
                self.put((open, record), &name, action)
            }
            Err(failed) => {
                // A file that is not whole is worse than none.
                let _ = open.dir.remove(&name);
                let path = self.path(open, record);
                match failed {
                    Failed::Disk(error) => self.shared.refused(&path, error),
                    Failed::Damaged(reason) => {
                        self.shared.problem(&path, Trouble::Damaged, Some(reason));
                        Ok(())
                    }
                }
            }
        }
    }

    fn make_special(&self, open: &Open, record: &Record, action: Action) -> Result<(), Error> {
        let name = first_name(record, action);
        let made = special(record).map_or(Ok(()), |what| open.dir.make_special(&name, what));
        match made {
            Ok(()) => {
                self.finish((open, record), Place::Entry(&open.dir, &name));
                self.put((open, record), &name, action)
            }
            Err(errno) => self.shared.refused(&self.path(open, record), errno.into()),
        }
    }

    /// Renames what was made beside its place into it.
    fn put(
        &self,
        (open, record): (&Open, &Record),
        name: &[u8],
        action: Action,
    ) -> Result<(), Error> {
        if action != Action::Replace {
            return Ok(());
        }
        match open.dir.replace(&record.name, name) {
            Ok(()) => Ok(()),
            Err(errno) => {
                let _ = open.dir.remove(name);
                self.shared.refused(&self.path(open, record), errno.into())
            }
        }
    }

    /// Gives an entry its attributes, and notes which it could not have.
    fn finish(&self, (open, record): (&Open, &Record), place: Place<'_>) {
        let troubles = set(place, record);
        if !troubles.is_empty() {
            self.shared.troubles(&self.path(open, record), troubles);
        }
    }

    /// A part of a folder is done; if it was the last, the folder gets its attributes.
    fn part_done(&self, open: Arc<Open>) {
        let mut next = Some(open);
        while let Some(open) = next.take() {
            if open.left.fetch_sub(1, Ordering::AcqRel) != 1 {
                return;
            }
            let planned = &self.shared.plan.folders[open.number];
            if planned.own != Action::Keep {
                let troubles = set(Place::Open(open.dir.as_fd()), &open.record);
                self.shared.troubles(&planned.path, troubles);
            }
            self.shared.progress.seen(planned.actions.len() as u64);
            next.clone_from(&open.parent);
        }
    }

    fn path(&self, open: &Open, record: &Record) -> Vec<u8> {
        join(&self.shared.plan.folders[open.number].path, &record.name)
    }
}

/// The name under which an entry is made: its own, unless something stands there.
fn first_name(record: &Record, action: Action) -> Vec<u8> {
    if action == Action::Replace {
        Folder::temporary_name()
    } else {
        record.name.clone()
    }
}

/// Opens a folder, or makes it in place of whatever else stands there.
fn enter(parent: &Folder, name: &[u8], own: Action) -> Result<Folder, Errno> {
    if own != Action::Make {
        return writable(parent.folder(name)?);
    }
    match parent.make_folder(name) {
        Err(Errno::EXIST) => match parent.folder(name) {
            Err(Errno::NOTDIR | Errno::LOOP) => {
                parent.remove(name)?;
                parent.make_folder(name)
            }
            opened => opened,
        },
        made => made,
    }
}

/// A folder of ours that we may not write to is made writable until it gets its mode.
fn writable(folder: Folder) -> Result<Folder, Errno> {
    let stat = rustix::fs::fstat(&folder)?;
    let me = rustix::process::geteuid().as_raw();
    if me != 0 && stat.st_uid == me && stat.st_mode & 0o700 != 0o700 {
        let mode = FileMode::from_raw_mode(stat.st_mode & 0o7777 | 0o700);
        rustix::fs::fchmod(&folder, mode)?;
    }
    Ok(folder)
}
