//! Reading files into objects.
use std::os::fd::{AsFd, OwnedFd};

use fastcdc::v2020::FastCDC;
use rustix::fs::{SeekFrom, fstat, seek};
use rustix::io::Errno;

use crate::store::ObjectId;
use crate::store::pack::{Kind, Mode, PackError, PackWriter, Size, TreeEntry, encode_tree};
use crate::vault::stat::Stat;

/// The largest file that is one blob.
pub(in crate::vault) const LARGEST_BLOB: u64 = 1 << 20;
/// Sizes of chunks; a reader need not know them.
const CHUNK_MIN: usize = 256 * 1024;
const CHUNK_AVERAGE: usize = 1024 * 1024;
pub(in crate::vault) const CHUNK_MAX: usize = 4 * 1024 * 1024;
/// What is read at once from a large file.
const WINDOW: usize = 2 * CHUNK_MAX;

/// Content that was stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
    /// The bytes that the file had.
    pub(super) size: u64,
    /// Where the data is, if there are holes.
    pub(super) sparse: Option<Vec<(u64, u64)>>,
    /// The bytes that were read.
    pub(super) read: u64,
}

/// Why content could not be stored.
#[derive(Debug)]
pub(super) enum Failed {
    /// The file could not be read: a problem.
    Read(Errno),
    /// The vault could not be written: the end.
    Write(PackError),
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Self::Read(errno)
    }
}

impl From<PackError> for Failed {
    fn from(error: PackError) -> Self {
        Self::Write(error)
    }
}

/// Stores the content of an open regular file.
pub(super) fn store(
    file: &OwnedFd,
    stat: &Stat,
    writer: &mut PackWriter<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Stored, Failed> {
    let extents = stat.has_holes().then(|| extents(file, stat.size));
    if stat.size <= LARGEST_BLOB {
        return store_whole((file, stat), extents, writer, buffer);
    }
    store_chunks((file, stat), extents, writer, buffer)
}

fn file_mode(stat: &Stat) -> Mode {
    if stat.mode & 0o100 == 0 {
        Mode::File
    } else {
        Mode::Executable
    }
}

type Extents = Option<Vec<(u64, u64)>>;

fn store_whole(
    (file, stat): (&OwnedFd, &Stat),
    sparse: Extents,
    writer: &mut PackWriter<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Stored, Failed> {
    // One byte more shows a file that has grown.
    buffer.resize(stat.size as usize + 1, 0);
    let length = read_full(file, 0, buffer)?;
    Ok(Stored {
        mode: file_mode(stat),
        id: writer.add(Kind::Blob, &buffer[..length], Size::Small)?,
        size: length as u64,
        sparse: within(sparse, length as u64),
        read: length as u64,
    })
}

/// A tree of chunks, each named by its offset. What is not stored is zero.
fn store_chunks(
    (file, stat): (&OwnedFd, &Stat),
    sparse: Extents,
    writer: &mut PackWriter<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Stored, Failed> {
    let (mut chunks, mut size, mut read) = (Vec::new(), 0, 0);
    let all = [(0, u64::MAX)];
    for (offset, length) in sparse.as_deref().unwrap_or(&all) {
        let end = store_extent(file, (*offset, *length), &mut chunks, (writer, buffer))?;
        read += end - offset;
        size = end;
    }
    let size = if sparse.is_some() { stat.size } else { size };
    let (mode, id) = if chunks.is_empty() {
        (file_mode(stat), writer.add(Kind::Blob, b"", Size::Small)?)
    } else {
        let tree = encode_tree(&mut chunks);
        (Mode::Tree, writer.add(Kind::Tree, &tree, Size::Small)?)
    };
    Ok(Stored {
        mode,
        id,
        size,
        sparse,
        read,
    })
}

/// Stores the chunks of a part of a file; returns where it ended.
fn store_extent(
    file: &OwnedFd,
    (start, length): (u64, u64),
    chunks: &mut Vec<TreeEntry>,
    (writer, buffer): (&mut PackWriter<'_>, &mut Vec<u8>),
) -> Result<u64, Failed> {
    let stop = start.saturating_add(length);
    let (mut offset, mut have) = (start, 0);
    buffer.resize(WINDOW, 0);
    loop {
        let wanted = usize::try_from(stop - offset)
            .unwrap_or(usize::MAX)
            .min(WINDOW);
        if have < wanted {
            have += read_full(file, offset + have as u64, &mut buffer[have..wanted])?;
        }
        if have == 0 {
            return Ok(offset);
        }
        let mut done = 0;
        // Cuts near the end of the window wait for what follows, unless nothing does.
        while have - done >= CHUNK_MAX || (have < WINDOW && done < have) {
            let cut = cut(&buffer[done..have]);
            let content = &buffer[done..done + cut];
            chunks.push(chunk(offset, content, writer)?);
            done += cut;
            offset += cut as u64;
        }
        buffer.copy_within(done..have, 0);
        have -= done;
    }
}

/// The length of the chunk that `bytes` begin with.
pub(in crate::vault) fn cut(bytes: &[u8]) -> usize {
    let (_, end) = FastCDC::new(bytes, CHUNK_MIN, CHUNK_AVERAGE, CHUNK_MAX).cut(0, bytes.len());
    if end == 0 { bytes.len() } else { end }
}

fn read_full(file: &OwnedFd, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Where a file has data; all of it, if the file system does not tell.
fn extents(file: &OwnedFd, size: u64) -> Vec<(u64, u64)> {
    let (mut extents, mut at) = (Vec::new(), 0);
    while at < size {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) if start < size => start,
            Err(Errno::NXIO) | Ok(_) => break,
            Err(_) => return vec![(0, size)],
        };
        let end = seek(file, SeekFrom::Hole(start)).unwrap_or(size).min(size);
        extents.push((start, end - start));
        at = end;
    }
    extents
}

/// The extents, if the file still has the size that they belong to.
fn within(extents: Extents, size: u64) -> Extents {
    extents.filter(|all| {
        all.last()
            .is_none_or(|(offset, length)| offset + length <= size)
    })
}

/// What the file system says of an open file.
pub(super) fn stat(file: impl AsFd) -> Result<Stat, Errno> {
    fstat(file).map(Stat::from)
}

/// Stores bytes as a blob, or as a tree of chunks if they are many.
pub(in crate::vault) fn store_bytes(
    bytes: &[u8],
    writer: &mut PackWriter<'_>,
) -> Result<(Mode, ObjectId), PackError> {
    if bytes.len() as u64 <= LARGEST_BLOB {
        return Ok((Mode::File, writer.add(Kind::Blob, bytes, Size::Small)?));
    }
    let (mut chunks, mut offset) = (Vec::new(), 0);
    while offset < bytes.len() {
        let content = &bytes[offset..][..cut(&bytes[offset..])];
        chunks.push(chunk(offset as u64, content, writer)?);
        offset += content.len();
    }
    let tree = encode_tree(&mut chunks);
    Ok((Mode::Tree, writer.add(Kind::Tree, &tree, Size::Small)?))
}

/// Stores a part of a file.
pub(in crate::vault) fn chunk(
    offset: u64,
    content: &[u8],
    writer: &mut PackWriter<'_>,
) -> Result<TreeEntry, PackError> {
    Ok(TreeEntry {
        mode: Mode::File,
        name: format!("{offset:016x}").into_bytes(),
        id: writer.add(Kind::Blob, content, Size::Chunks)?,
    })
}
