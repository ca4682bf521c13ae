//! What one worker does with a folder and its files.
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

use super::block::{Block, Known};
use super::content::{self, LARGEST_BLOB};
use super::job::{CreateJob, Folder, Large};
use super::node::{Content, Entry, Node};
use super::problem::Trouble;
use super::session::{Session, count};
use super::walk::{self, Listing};
use crate::fs::is_mount_point;
use crate::store::ObjectId;
use crate::store::pack::{Mode, PackError, PackWriter, stored_name};
use crate::vault::left_out::{CACHE_TAG, is_cache};
use crate::vault::meta::{Kind, Record, encode_record};
use crate::vault::queue::Job;
use crate::vault::stat::{Moment, NO_KEY, Stat};
use crate::vault::xattrs;

/// A worker: a pack of its own, buffers of its own.
pub(super) struct Worker<'s, 'c> {
    pub(super) session: &'s Session<'c>,
    pub(super) writer: PackWriter<'s>,
    pub(super) buffer: Vec<u8>,
    users: HashSet<u32>,
    groups: HashSet<u32>,
}

/// A folder that was opened and listed.
struct Opened {
    dir: Arc<OwnedFd>,
    own: Stat,
    listing: Listing,
    read: Moment,
}

impl<'s, 'c> Worker<'s, 'c> {
    pub(super) fn new(session: &'s Session<'c>, writer: PackWriter<'s>) -> Self {
        Self {
            session,
            writer,
            buffer: Vec::new(),
            users: HashSet::new(),
            groups: HashSet::new(),
        }
    }

    /// Works until nothing is left, or something failed.
    pub(super) fn run(mut self) -> Result<(), PackError> {
        let queue = &self.session.queue;
        while let Some(mut taken) = queue.next() {
            match taken.job() {
                Some(Job::Folder(job)) => self.folder(&job)?,
                Some(Job::Large(job)) => self.large(&job)?,
                None => {}
            }
        }
        self.writer.finish()
    }

    fn folder(&mut self, job: &Folder<'c>) -> Result<(), PackError> {
        match self.open(job) {
            Ok(opened) => self.look(job, &opened)?,
            Err(Errno::NOENT) => return self.vanished(&job.node),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                self.session
                    .problem(&job.node.path, Trouble::Replaced, None);
                return self.vanished(&job.node);
            }
            Err(errno) => {
                self.unreadable(&job.node.path, errno);
                let own = own_entry(&job.stat, None, NO_KEY);
                job.node.set(Content::Listed(vec![Some(own)]), 0);
            }
        }
        self.part_done(&job.node)
    }

    /// Opens and lists a folder; a mount point is empty, and as old as the folder around it.
    fn open(&mut self, job: &Folder<'c>) -> Result<Opened, Errno> {
        let read = Moment::now();
        let dir = walk::open_folder(&job.parent, &job.name)?;
        let mut own = content::stat(&dir)?;
        let is_top = job.node.parent.is_none();
        let mounted = own.file_system != job.file_system || is_mount_point(&dir);
        let enters = || self.session.systems.enters(&job.node.path, own.file_system);
        let listing = if mounted && !is_top && !enters() {
            own.mtime = content::stat(&job.parent)?.mtime;
            own.ctime = own.mtime;
            Listing::default()
        } else {
            walk::list(&dir, &mut self.buffer)?
        };
        Ok(Opened {
            dir: Arc::new(dir),
            own,
            listing,
            read,
        })
    }

    /// Compares a folder with what is known of it, and lists what is to be done.
    fn look(&mut self, job: &Folder<'c>, opened: &Opened) -> Result<(), PackError> {
        let wanted = self.wanted(&job.node, opened);
        self.count(opened, &wanted);
        let known = self.session.cache.folder(&job.node.path);
        let own_key = opened.own.key();
        if let Some(block) = known.filter(|block| is_same(block, own_key, &wanted)) {
            self.keep(&job.node, opened, (block, &wanted));
            return Ok(());
        }
        let mut entries = vec![Some(known_own_entry(opened, known.as_ref()))];
        let mut later = Vec::new();
        let mut old = known.iter().flat_map(Block::entries).skip(1).peekable();
        for (name, stat) in wanted {
            while old.next_if(|known| known.name() < name).is_some() {}
            let known = old.next_if(|known| known.name() == name);
            let slot = entries.len();
            entries.push(self.entry(job, opened, (name, stat), known)?);
            if let Some(job) = later_job(job, opened, (name, stat), (slot, &entries[slot])) {
                later.push(job);
            }
        }
        job.node.set(Content::Listed(entries), later.len());
        self.push_all(later);
        Ok(())
    }

    /// The entries that are not left out on purpose.
    fn wanted<'l>(&self, node: &Node<'c>, opened: &'l Opened) -> Vec<(&'l [u8], &'l Stat)> {
        let session = self.session;
        let listing = &opened.listing;
        let cached = session.left_out.caches && is_cache(&opened.dir);
        let is_wanted = |(name, stat): &(&[u8], &Stat)| {
            let is_dir = stat.kind == Some(Kind::Folder);
            let id = Some((stat.file_system, stat.inode));
            let ours = is_dir && (*name == b".buildkeep" || session.vault == id);
            let too_large =
                stat.kind == Some(Kind::File) && session.left_out.is_too_large(stat.size);
            if ours || too_large || (cached && *name != CACHE_TAG) {
                return false;
            }
            if session.excludes.is_empty() && session.only.is_none() {
                return true;
            }
            let path = node.path_of(name);
            session.only.is_none_or(|only| only.has(&path))
                && !session.excludes.matches(&path, is_dir)
        };
        let (sockets, wanted) = listing
            .iter()
            .filter(is_wanted)
            .partition::<Vec<_>, _>(|(_, stat)| stat.kind.is_none());
        for (name, _) in sockets {
            session.problem(&node.path_of(name), Trouble::Socket, None);
        }
        wanted
    }

    /// The folder holds what it held: only its subfolders are left to look into.
    fn keep(
        &mut self,
        node: &Arc<Node<'c>>,
        opened: &Opened,
        (block, wanted): (Block<'c>, &[(&[u8], &Stat)]),
    ) {
        let mut later = Vec::new();
        for (slot, known) in block.entries().enumerate().skip(1) {
            if known.is_folder() {
                let was = known.object.map(|(_, id)| id);
                let (name, stat) = wanted[slot - 1];
                later.push(subfolder(node, opened, (name, stat), (slot, was)));
            }
        }
        let unchanged = block.entries().count() - 1 - later.len();
        count(&self.session.counts.unchanged, unchanged as u64);
        node.set(Content::Kept(block, Vec::new()), later.len());
        self.push_all(later);
    }

    fn push_all(&self, jobs: Vec<CreateJob<'c>>) {
        for job in jobs {
            self.session.queue.push(job);
        }
    }

    fn count(&mut self, opened: &Opened, wanted: &[(&[u8], &Stat)]) {
        let counts = &self.session.counts;
        let others = wanted
            .iter()
            .filter(|(_, stat)| stat.kind != Some(Kind::Folder));
        let files = wanted
            .iter()
            .filter(|(_, stat)| stat.kind == Some(Kind::File));
        count(&counts.dirs, 1);
        count(&counts.files, others.count() as u64);
        count(&counts.bytes, files.map(|(_, stat)| stat.size).sum());
        let mut owners = Vec::new();
        for stat in wanted.iter().map(|(_, stat)| *stat).chain([&opened.own]) {
            if self.users.insert(stat.uid) | self.groups.insert(stat.gid) {
                owners.push((stat.uid, stat.gid));
            }
        }
        if !owners.is_empty() {
            let (users, groups): (Vec<_>, Vec<_>) = owners.into_iter().unzip();
            self.session.note_owners(&users, &groups);
        }
        self.session.progress.seen(wanted.len() as u64 + 1);
    }

    /// An entry as far as it is known at once; large files and subfolders are filled in later.
    fn entry(
        &mut self,
        job: &Folder<'c>,
        opened: &Opened,
        (name, stat): (&[u8], &Stat),
        known: Option<Known<'c>>,
    ) -> Result<Option<Entry<'c>>, PackError> {
        if let Some(known) = known.filter(|k| *k.key == stat.key() && !k.is_folder()) {
            count(&self.session.counts.unchanged, 1);
            return Ok(Some(known.into()));
        }
        match stat.kind {
            Some(Kind::Folder) => Ok(Some(folder_entry(name))),
            Some(Kind::File) if stat.size > LARGEST_BLOB => Ok(None),
            Some(Kind::File) => self.file(&opened.dir, &job.node, name),
            Some(kind) => {
                let read = (stat, opened.read);
                self.special((&opened.dir, &job.node), (name, kind), read)
            }
            None => Ok(None),
        }
    }

    pub(super) fn unreadable(&self, path: &[u8], errno: Errno) {
        let reason = std::io::Error::from(errno).to_string();
        self.session
            .problem(path, Trouble::Unreadable, Some(reason));
    }

    pub(super) fn full(&self, path: &[u8]) -> PathBuf {
        self.session.root.join(OsStr::from_bytes(path))
    }
}

/// Whether a folder and all its entries but subfolders look as they did.
fn is_same(block: &Block<'_>, own_key: [u8; 40], wanted: &[(&[u8], &Stat)]) -> bool {
    let mut entries = block.entries();
    let own = entries.next().is_some_and(|own| *own.key == own_key);
    let mut wanted = wanted.iter();
    let all = own
        && entries.by_ref().all(|known| {
            wanted.next().is_some_and(|(name, stat)| {
                let is_folder = stat.kind == Some(Kind::Folder);
                known.name() == *name
                    && known.is_folder() == is_folder
                    && (is_folder || *known.key == stat.key())
            })
        });
    all && wanted.next().is_none()
}

/// The entry of a folder itself, from the cache if it looks as it did.
fn known_own_entry<'c>(opened: &Opened, known: Option<&Block<'c>>) -> Entry<'c> {
    let before = known.and_then(|block| block.entries().next());
    match before.filter(|known| *known.key == opened.own.key()) {
        Some(known) => known.into(),
        None => own_entry(
            &opened.own,
            Some(&opened.dir),
            opened.own.key_if_settled(opened.read),
        ),
    }
}

/// The entry of a folder itself.
fn own_entry<'c>(stat: &Stat, dir: Option<&OwnedFd>, key: [u8; 40]) -> Entry<'c> {
    let mut record = stat.record(Kind::Folder, b"");
    record.xattrs = dir
        .and_then(|dir| xattrs::of_open(dir).ok())
        .unwrap_or_default();
    Entry {
        key,
        object: None,
        record: Cow::Owned(encode_record(&record)),
    }
}

/// What is left to do for an entry.
fn later_job<'c>(
    job: &Folder<'c>,
    opened: &Opened,
    (name, stat): (&[u8], &Stat),
    (slot, entry): (usize, &Option<Entry<'c>>),
) -> Option<CreateJob<'c>> {
    match (stat.kind, entry) {
        (Some(Kind::Folder), _) => Some(subfolder(&job.node, opened, (name, stat), (slot, None))),
        (Some(Kind::File), None) if stat.size > LARGEST_BLOB => Some(Job::Large(Large {
            dir: Arc::clone(&opened.dir),
            name: name.to_vec(),
            node: Arc::clone(&job.node),
            slot,
        })),
        _ => None,
    }
}

fn subfolder<'c>(
    node: &Arc<Node<'c>>,
    opened: &Opened,
    (name, stat): (&[u8], &Stat),
    (slot, was): (usize, Option<ObjectId>),
) -> CreateJob<'c> {
    let parent = Some((Arc::clone(node), slot));
    Job::Folder(Folder {
        parent: Arc::clone(&opened.dir),
        name: name.to_vec(),
        stat: *stat,
        file_system: opened.own.file_system,
        node: Arc::new(Node::new(parent, node.path_of(name), was)),
    })
}

/// The entry of a subfolder, but for its tree.
fn folder_entry<'c>(name: &[u8]) -> Entry<'c> {
    let mut record = Record::new(Kind::Folder, name);
    record.stored_name = changed_name(name, Mode::Tree);
    Entry {
        key: NO_KEY,
        object: None,
        record: Cow::Owned(encode_record(&record)),
    }
}

pub(super) fn changed_name(name: &[u8], mode: Mode) -> Option<Vec<u8>> {
    match stored_name(name, mode) {
        Cow::Owned(changed) => Some(changed),
        Cow::Borrowed(_) => None,
    }
}
