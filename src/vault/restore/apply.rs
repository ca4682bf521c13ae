//! Doing what a plan says.
use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use super::attributes::{Place, set};
use super::existing::Action;
use super::plan::{Plan, PlannedLink};
use super::problem::{Problem, Trouble};
use super::work::{FolderJob, Shared, Worker};
use crate::fs::{AtPath as _, Folder, create_dirs_durable, reason};
use crate::store::pack::Objects;
use crate::vault::folder::StoredFolder;
use crate::vault::queue::{Job, Queue};
use crate::vault::{Error, Progress, Vault, join};

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Bytes of content written.
    pub bytes_written: u64,
    /// What is not as the snapshot has it.
    pub problems: Vec<Problem>,
}

/// Does what the plan says; when it returns, a power cut loses nothing of it.
pub fn apply(
    vault: &Vault,
    plan: &Plan,
    progress: &(dyn Progress + Sync),
) -> Result<Restored, Error> {
    if !plan.to.exists() {
        create_dirs_durable(&plan.to)?;
    }
    let target = Folder::open(&plan.to).at("open", &plan.to)?;
    let again = Folder::open(&plan.to).at("open", &plan.to)?;
    let objects = Objects::open(&vault.objects_dir())?;
    let shared = Shared {
        plan,
        queue: Queue::default(),
        written: AtomicU64::new(0),
        problems: Mutex::new(plan.problems.clone()),
        progress,
    };
    if !plan.is_empty() {
        shared.queue.push(Job::Folder(FolderJob {
            number: 0,
            within: Err(again),
        }));
    }
    shared.queue.work(crate::vault::threads(), || {
        let worker = Worker {
            shared: &shared,
            reader: objects.reader(),
            buffer: Vec::new(),
        };
        worker.run()
    })?;
    link_all(&shared, &target, &objects)?;
    rustix::fs::syncfs(&target).at("sync", &plan.to)?;
    Ok(Restored {
        bytes_written: shared.written.load(Ordering::Relaxed),
        problems: sorted(shared.problems),
    })
}

fn sorted(problems: Mutex<Vec<Problem>>) -> Vec<Problem> {
    let mut problems = problems
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    problems.sort();
    problems
}

/// Makes the other names of files, now that each is there under one, and sets the times of their
/// folders once more.
fn link_all(shared: &Shared<'_>, target: &Folder, objects: &Objects) -> Result<(), Error> {
    let mut touched = BTreeSet::new();
    for link in &shared.plan.links {
        if let Err(errno) = make_link(shared.plan, target, link) {
            let folder = &shared.plan.folders[link.to.0].path;
            shared.problem(
                &join(folder, &link.to.1),
                Trouble::NotMade,
                Some(reason(errno)),
            );
        }
        touched.insert(link.to.0);
    }
    let mut reader = objects.reader();
    for number in touched {
        let folder = &shared.plan.folders[number];
        if folder.own == Action::Keep {
            continue;
        }
        let stored = StoredFolder::read(&mut reader, folder.tree_id, &folder.path)?;
        if let Ok(dir) = target.beneath(&folder.path) {
            // What fails now has failed before, and is known.
            drop(set(Place::Open(dir.as_fd()), &stored.meta.folder));
        }
    }
    Ok(())
}

fn make_link(plan: &Plan, target: &Folder, link: &PlannedLink) -> Result<(), Errno> {
    let from = target.beneath(&link.from.0)?;
    let to = target.beneath(&plan.folders[link.to.0].path)?;
    match to.make_name(&link.to.1, &from, &link.from.1) {
        Err(Errno::EXIST) => {
            let temporary = Folder::temporary_name();
            to.make_name(&temporary, &from, &link.from.1)?;
            let replaced = to.replace(&link.to.1, &temporary);
            // Still there if it failed, or if both were names of the same file already.
            let _ = to.remove(&temporary);
            replaced
        }
        made => made,
    }
}
