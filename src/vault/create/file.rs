//! What one worker does with files, links and devices.
use std::borrow::Cow;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::readlinkat;
use rustix::io::Errno;

use super::content::{self, Failed};
use super::job::Large;
use super::node::{Entry, Node};
use super::problem::Trouble;
use super::session::count;
use super::walk;
use super::worker::{Worker, changed_name};
use crate::store::ObjectId;
use crate::store::pack::{Kind as ObjectKind, Mode, PackError, Size};
use crate::vault::meta::{Kind, Record, encode_record};
use crate::vault::stat::{Key, Moment, NO_KEY, Stat};
use crate::vault::xattrs;

/// How often a file is read that changes meanwhile.
const TRIES: usize = 3;

/// A file as it was read.
enum Read<'c> {
    Whole(Entry<'c>),
    Changed(Entry<'c>),
}

/// A regular file in the vault, for all its names.
#[derive(Clone, Debug)]
pub(super) struct StoredFile {
    record: Record,
    object: (Mode, ObjectId),
}

impl StoredFile {
    /// Its entry under one of its names.
    fn entry<'c>(&self, name: &[u8], key: Key) -> Entry<'c> {
        let record = Record {
            name: name.to_vec(),
            stored_name: changed_name(name, self.object.0),
            ..self.record.clone()
        };
        Entry {
            key,
            object: Some(self.object),
            record: Cow::Owned(encode_record(&record)),
        }
    }
}

impl<'c> Worker<'_, 'c> {
    pub(super) fn large(&mut self, job: &Large<'c>) -> Result<(), PackError> {
        let entry = self.file(&job.dir, &job.node, &job.name)?;
        job.node.fill(job.slot, entry);
        self.part_done(&job.node)
    }

    /// Reads a regular file, again if it changed meanwhile.
    pub(super) fn file(
        &mut self,
        dir: &OwnedFd,
        node: &Node<'c>,
        name: &[u8],
    ) -> Result<Option<Entry<'c>>, PackError> {
        for last in (0..TRIES).map(|number| number + 1 == TRIES) {
            match self.read_file(dir, name) {
                Ok(Read::Whole(entry)) => return Ok(Some(entry)),
                Ok(Read::Changed(entry)) if last => {
                    self.session
                        .problem(&node.path_of(name), Trouble::Changing, None);
                    return Ok(Some(entry));
                }
                Ok(Read::Changed(_)) => {}
                Err(Failed::Read(Errno::NOENT)) => return Ok(None),
                Err(Failed::Read(Errno::LOOP | Errno::NXIO)) => {
                    self.session
                        .problem(&node.path_of(name), Trouble::Replaced, None);
                    return Ok(None);
                }
                Err(Failed::Read(errno)) => {
                    self.unreadable(&node.path_of(name), errno);
                    return Ok(None);
                }
                Err(Failed::Write(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn read_file(&mut self, dir: &OwnedFd, name: &[u8]) -> Result<Read<'c>, Failed> {
        let began = Moment::now();
        let file = walk::open_file(dir, name)?;
        let stat = content::stat(&file)?;
        if stat.kind != Some(Kind::File) {
            // It was a file a moment ago.
            return Err(Errno::LOOP.into());
        }
        let settled = |same| {
            if same {
                self.session.settled_key(&stat, began)
            } else {
                NO_KEY
            }
        };
        if stat.is_shared()
            && let Some(shared) = self.session.shared(&stat)
        {
            return Ok(Read::Whole(shared.entry(name, settled(true))));
        }
        let mut record = self.session.record(&stat, Kind::File, name);
        record.xattrs = xattrs::of_open(&file)?;
        let stored = content::store(&file, &stat, &mut self.writer, &mut self.buffer)?;
        count(&self.session.counts.read, stored.read);
        self.session.progress.read(stored.read);
        let same = content::stat(&file)?.key() == stat.key() && stored.size == stat.size;
        record.size = stored.size;
        record.sparse = stored.sparse;
        let file = StoredFile {
            record,
            object: (stored.mode, stored.id),
        };
        let entry = file.entry(name, settled(same));
        if stat.is_shared() && same {
            self.session.share(&stat, file);
        }
        Ok(if same {
            Read::Whole(entry)
        } else {
            Read::Changed(entry)
        })
    }

    /// Links, devices and pipes.
    pub(super) fn special(
        &mut self,
        (dir, node): (&OwnedFd, &Node<'c>),
        (name, kind): (&[u8], Kind),
        (stat, read): (&Stat, Moment),
    ) -> Result<Option<Entry<'c>>, PackError> {
        let mut record = self.session.record(stat, kind, name);
        let full = self.full(&node.path_of(name));
        record.xattrs = xattrs::of_entry(dir.as_fd(), name, &full).unwrap_or_default();
        let mut object = None;
        if kind == Kind::Link {
            match readlinkat(dir, name, Vec::new()) {
                Ok(target) => record.target = target.into_bytes(),
                Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
                Err(errno) => {
                    self.unreadable(&node.path_of(name), errno);
                    return Ok(None);
                }
            }
            let id = self
                .writer
                .add(ObjectKind::Blob, &record.target, Size::Small)?;
            object = Some((Mode::Link, id));
        }
        record.stored_name = changed_name(name, Mode::Link).filter(|_| object.is_some());
        Ok(Some(Entry {
            key: stat.key_if_settled(read),
            object,
            record: Cow::Owned(encode_record(&record)),
        }))
    }
}
