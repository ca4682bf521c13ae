//! Writing a snapshot as a tar archive.
//!
//! The format is POSIX.1-2001 (pax): what an old header cannot say stands in an extended one, sparse
//! files as GNU tar 1.0 has them, attributes as `SCHILY.xattr.*`, ACLs as text.
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

use super::ArchiveError;
use super::content::{data, data_size};
use super::header::{BLOCK, Written, append_comment, append_header, append_padding};
use super::visit::{Met, Visit};
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader, Objects};
use crate::vault::folder::shown;
use crate::vault::meta::{Kind, Owners, Record};
use crate::vault::wanted::Wanted;
use crate::vault::{Error, Progress, Snapshot, Vault};

/// Archives end on such a boundary, as tapes had it.
const TAPE: u64 = 20 * BLOCK as u64;

/// What went into an archive.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// Files, links and devices.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// The size of its files.
    pub bytes: u64,
    /// Paths of a newer format, which were left out.
    pub unknown: Vec<String>,
}

/// Writes a snapshot, or what is at or below `paths` in it.
pub fn write_tar(
    vault: &Vault,
    (snapshot, paths): (&Snapshot, &[PathBuf]),
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<Exported, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    let visit = Visit::new(&mut reader, snapshot.tree_id, Wanted::new(paths))?;
    let mut writer = TarWriter {
        out,
        owners: visit.owners.clone(),
        buffer: Vec::new(),
        written: 0,
        first_names: HashMap::new(),
        done: Exported::default(),
        progress,
    };
    if paths.is_empty() {
        append_comment(&super::origin::print(vault, snapshot)?, &mut writer.buffer);
    }
    let wanted = visit.all(&mut reader, &mut |reader, path, met| {
        writer.entry(reader, path, met)
    })?;
    wanted.all_found(&snapshot.tag)?;
    writer.finish()
}

struct TarWriter<'w> {
    out: &'w mut dyn Write,
    owners: Owners,
    buffer: Vec<u8>,
    written: u64,
    /// Where each file with several names was first.
    first_names: HashMap<(u64, u64), Vec<u8>>,
    done: Exported,
    progress: &'w dyn Progress,
}

impl TarWriter<'_> {
    fn entry(
        &mut self,
        reader: &mut ObjectReader<'_>,
        path: &[u8],
        met: Met<'_>,
    ) -> Result<(), Error> {
        let Met::Entry(record, object) = met else {
            self.done.unknown.push(shown(path));
            return Ok(());
        };
        self.progress.seen(1);
        if record.kind == Kind::Folder {
            self.done.dirs += 1;
        } else {
            self.done.files += 1;
            self.done.bytes += record.size;
        }
        let same_as = record
            .hard_link
            .and_then(|file| self.first_names.get(&file));
        if let Some(first) = same_as.cloned() {
            self.header((path, record), Some(&first), 0)?;
            return Ok(());
        }
        if let Some(file) = record.hard_link {
            self.first_names.insert(file, path.to_vec());
        }
        match (record.kind, object) {
            (Kind::File, Some(object)) => self.file(reader, path, (record, object)),
            (Kind::File, None) => Err(ArchiveError::Unreadable {
                path: shown(path),
                reason: "it has no content".to_owned(),
            }
            .into()),
            _ => self.header((path, record), None, 0),
        }
    }

    fn file(
        &mut self,
        reader: &mut ObjectReader<'_>,
        path: &[u8],
        (record, object): (&Record, (Mode, ObjectId)),
    ) -> Result<(), Error> {
        let map = record
            .sparse
            .as_ref()
            .map(|extents| sparse_map(extents, record.size));
        let map = map.unwrap_or_default();
        let stored = map.len() as u64 + data_size(record);
        self.header((path, record), None, stored)?;
        self.buffer.extend_from_slice(&map);
        let result = data(reader, (record, object), &mut |piece| {
            self.progress.read(piece.len() as u64);
            self.put(piece).map_err(Broken::Write)
        });
        result.map_err(|broken| match broken {
            Broken::Write(error) => error,
            Broken::Content(reason) => ArchiveError::Unreadable {
                path: shown(path),
                reason,
            }
            .into(),
        })?;
        append_padding(stored, &mut self.buffer);
        Ok(())
    }

    fn header(
        &mut self,
        (path, record): (&[u8], &Record),
        same_as: Option<&[u8]>,
        stored: u64,
    ) -> Result<(), Error> {
        let entry = Written {
            path,
            record,
            same_as,
            stored,
        };
        append_header(entry, &self.owners, &mut self.buffer);
        if self.buffer.len() >= 64 * 1024 {
            self.put(&[])?;
        }
        Ok(())
    }

    /// Writes what is in the buffer, and then this.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.buffer.len() + bytes.len() < 64 * 1024 {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        let mut write = |bytes: &[u8]| -> io::Result<()> {
            self.written += bytes.len() as u64;
            self.out.write_all(bytes)
        };
        let done = write(&self.buffer).and_then(|()| write(bytes));
        self.buffer.clear();
        Ok(done.map_err(ArchiveError::Write)?)
    }

    /// Two empty blocks, and what fills the last record.
    fn finish(mut self) -> Result<Exported, Error> {
        self.buffer.resize(self.buffer.len() + 2 * BLOCK, 0);
        let length = self.written + self.buffer.len() as u64;
        let over = (length.next_multiple_of(TAPE) - length) as usize;
        self.buffer.resize(self.buffer.len() + over, 0);
        let ended = self
            .out
            .write_all(&self.buffer)
            .and_then(|()| self.out.flush());
        ended.map_err(ArchiveError::Write)?;
        Ok(self.done)
    }
}

/// Why the data of a file did not go out.
enum Broken {
    Write(Error),
    Content(String),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Content(error.to_string())
    }
}

impl From<String> for Broken {
    fn from(reason: String) -> Self {
        Self::Content(reason)
    }
}

/// Where the data is, in decimal digits, a number a line: how many parts, then offset and length of each.
fn sparse_map(extents: &[(u64, u64)], size: u64) -> Vec<u8> {
    let ends_in_hole = extents
        .last()
        .is_none_or(|(offset, length)| offset + length < size);
    // An empty part at the end says how long the file is.
    let end = ends_in_hole.then_some((size, 0));
    let parts: Vec<_> = extents.iter().copied().chain(end).collect();
    let mut map = format!("{}\n", parts.len());
    for (offset, length) in parts {
        map.push_str(&format!("{offset}\n{length}\n"));
    }
    let mut map = map.into_bytes();
    append_padding(map.len() as u64, &mut map);
    map
}
