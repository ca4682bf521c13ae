//! Making packs durable, on a thread of its own.
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

use gix::ObjectId;

use super::PackError;
use super::index::{IndexEntry, encode};
use super::writer::UNFINISHED_INDEX;
use crate::fs::{NewFile, PathError, remove_file_durable, sync_dir};

/// What a session added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Objects.
    pub objects: u64,
    /// Packs.
    pub packs: u64,
    /// Bytes of packs and their indexes.
    pub bytes: u64,
}

/// A pack that is written, but neither synced nor named.
pub(super) struct Finished {
    pub(super) file: NewFile,
    pub(super) entries: Vec<IndexEntry>,
    pub(super) sum: [u8; 20],
    pub(super) bytes: u64,
}

enum Task {
    SyncEarly(Arc<File>),
    Publish(Finished),
}

/// Why the thread stopped: whoever sends it something more is told.
type Why = Arc<Mutex<Option<PathError>>>;

/// The thread.
pub(super) struct Publisher {
    sender: Sender,
    worker: Worker,
}

enum Worker {
    Thread(JoinHandle<Result<Written, PackError>>),
    /// Where there may be no more threads, it is done at the end.
    Later(PathBuf, Tasks),
}

type Tasks = Arc<Mutex<Option<mpsc::Receiver<Task>>>>;

impl Publisher {
    pub(super) fn start(dir: &Path) -> Self {
        let (sender, tasks) = mpsc::channel();
        let tasks = Arc::new(Mutex::new(Some(tasks)));
        let why = Why::default();
        let (folder, theirs, noted) = (dir.to_owned(), Arc::clone(&tasks), Arc::clone(&why));
        let work = move || publish_all(&folder, (&theirs, &noted));
        let worker = match Builder::new().spawn(work) {
            Ok(thread) => Worker::Thread(thread),
            Err(_) => Worker::Later(dir.to_owned(), tasks),
        };
        let sender = Sender { to: sender, why };
        Self { sender, worker }
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    pub(super) fn finish(self) -> Result<Written, PackError> {
        let why = Arc::clone(&self.sender.why);
        drop(self.sender);
        match self.worker {
            Worker::Thread(thread) => thread.join().unwrap_or(Err(PackError::Stopped)),
            Worker::Later(dir, tasks) => publish_all(&dir, (&tasks, &why)),
        }
    }
}

/// A way to the thread.
#[derive(Clone)]
pub(super) struct Sender {
    to: mpsc::Sender<Task>,
    why: Why,
}

impl Sender {
    pub(super) fn send(&self, pack: Finished) -> Result<(), PackError> {
        let sent = self.to.send(Task::Publish(pack));
        sent.map_err(|_| {
            let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
            let why = why.as_ref().map(PathError::copy);
            why.map_or(PackError::Stopped, PackError::Io)
        })
    }

    /// Asks the disk to begin with what is written so far, so that the end is near when it comes.
    pub(super) fn sync_early(&self, file: &NewFile) {
        // If nobody listens, the next `send` says so.
        let _ = self.to.send(Task::SyncEarly(file.shared()));
    }
}

fn publish_all(dir: &Path, (tasks, why): (&Tasks, &Why)) -> Result<Written, PackError> {
    let mut written = Written::default();
    let tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
    for task in tasks.into_iter().flatten() {
        match task {
            // The sync that counts comes when the pack is published, and reports errors.
            Task::SyncEarly(file) => drop(file.sync_data()),
            Task::Publish(pack) => publish(dir, pack, &mut written).inspect_err(|error| {
                // Noted before nobody listens any more.
                if let PackError::Io(error) = error {
                    let mut why = why.lock().unwrap_or_else(PoisonError::into_inner);
                    *why = Some(error.copy());
                }
            })?,
        }
    }
    if written.packs > 0 {
        sync_dir(dir)?;
    }
    Ok(written)
}

fn publish(dir: &Path, mut pack: Finished, written: &mut Written) -> Result<(), PackError> {
    let bytes = encode(&mut pack.entries, &pack.sum);
    let mut index = NewFile::create(dir, UNFINISHED_INDEX)?;
    index.write(&bytes)?;
    let name = named(dir, &pack.sum);
    let (there, indexed) = (name.with_extension("pack"), name.with_extension("idx"));
    // Once the pack has its name, nothing but renaming can fail.
    index.ready(0o444)?;
    pack.file.publish(&there, 0o444)?;
    if let Err(error) = index.publish(&indexed, 0o444) {
        forsake(&there, &indexed)?;
        return Err(error.into());
    }
    written.objects += pack.entries.len() as u64;
    written.packs += 1;
    written.bytes += pack.bytes + bytes.len() as u64;
    Ok(())
}

/// Removes a pack that has no index: nobody would ever look into it.
pub(super) fn forsake(pack: &Path, index: &Path) -> Result<(), PathError> {
    if index.exists() {
        return Ok(());
    }
    remove_file_durable(pack)
}

fn named(dir: &Path, sum: &[u8; 20]) -> PathBuf {
    dir.join(format!("pack-{}", ObjectId::Sha1(*sum)))
}
