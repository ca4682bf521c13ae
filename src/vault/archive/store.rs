//! Content of known or unknown length, from a stream into packs.
use crate::store::ObjectId;
use crate::store::pack::{Kind, Mode, PackWriter, Size, TreeEntry, encode_tree};
use crate::vault::Error;
use crate::vault::create::{CHUNK_MAX, LARGEST_BLOB, chunk, cut};

/// What is read at once from a large file.
const WINDOW: usize = 2 * CHUNK_MAX;

/// Fills a buffer as far as there is data; 0 at the end.
pub(super) type Fill<'f> = dyn FnMut(&mut [u8]) -> Result<usize, Error> + 'f;

/// Writes content into packs.
pub(super) struct Store<'v> {
    pub(super) writer: PackWriter<'v>,
    buffer: Vec<u8>,
    /// Bytes read.
    pub(super) read: u64,
}

/// The mode of a small file's blob.
pub(super) fn blob_mode(mode: u32) -> Mode {
    if mode & 0o100 == 0 {
        Mode::File
    } else {
        Mode::Executable
    }
}

impl<'v> Store<'v> {
    pub(super) fn new(writer: PackWriter<'v>) -> Self {
        Self {
            writer,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// Stores a file of known size and holes; its mode in Git, if that is not its own.
    pub(super) fn file(
        &mut self,
        (size, sparse): (u64, Option<&[(u64, u64)]>),
        fill: &mut Fill<'_>,
    ) -> Result<(Option<Mode>, ObjectId), Error> {
        let all = [(0, size)];
        let extents = sparse.unwrap_or(&all);
        if size <= LARGEST_BLOB {
            self.buffer.clear();
            self.buffer.resize(size as usize, 0);
            for (offset, length) in extents.iter().filter(|(_, length)| *length > 0) {
                let part = &mut self.buffer[*offset as usize..(offset + length) as usize];
                fill(part)?;
                self.read += length;
            }
            return Ok((
                None,
                self.writer.add(Kind::Blob, &self.buffer, Size::Small)?,
            ));
        }
        let mut chunks = Vec::new();
        for extent in extents {
            self.chunks(*extent, &mut chunks, fill)?;
        }
        self.tree(chunks)
    }

    /// Stores all that there is; returns its size, too.
    pub(super) fn unsized_file(
        &mut self,
        fill: &mut Fill<'_>,
    ) -> Result<(u64, Option<Mode>, ObjectId), Error> {
        let mut chunks = Vec::new();
        let size = self.chunks((0, u64::MAX), &mut chunks, fill)?;
        if size > LARGEST_BLOB {
            let (mode, id) = self.tree(chunks)?;
            return Ok((size, mode, id));
        }
        // All of it is still in the buffer: it was less than a window.
        let id = self
            .writer
            .add(Kind::Blob, &self.buffer[..size as usize], Size::Small)?;
        Ok((size, None, id))
    }

    /// Stores the target of a link.
    pub(super) fn link(&mut self, target: &[u8]) -> Result<(Mode, ObjectId), Error> {
        Ok((
            Mode::Link,
            self.writer.add(Kind::Blob, target, Size::Small)?,
        ))
    }

    fn tree(&mut self, mut chunks: Vec<TreeEntry>) -> Result<(Option<Mode>, ObjectId), Error> {
        if chunks.is_empty() {
            return Ok((None, self.writer.add(Kind::Blob, b"", Size::Small)?));
        }
        let tree = encode_tree(&mut chunks);
        let id = self.writer.add(Kind::Tree, &tree, Size::Small)?;
        Ok((Some(Mode::Tree), id))
    }

    /// Cuts a part of a file into chunks, as [`crate::vault::create()`] does; returns where it ended.
    fn chunks(
        &mut self,
        (start, length): (u64, u64),
        chunks: &mut Vec<TreeEntry>,
        fill: &mut Fill<'_>,
    ) -> Result<u64, Error> {
        let stop = start.saturating_add(length);
        let (mut offset, mut have) = (start, 0);
        self.buffer.resize(WINDOW, 0);
        let mut is_first = true;
        loop {
            let left = usize::try_from(stop - offset).unwrap_or(usize::MAX);
            let wanted = left.min(WINDOW);
            let mut ended = left <= WINDOW;
            while have < wanted {
                let length = fill(&mut self.buffer[have..wanted])?;
                self.read += length as u64;
                have += length;
                if length == 0 {
                    ended = true;
                    break;
                }
            }
            if is_first && ended && length == u64::MAX && have as u64 <= LARGEST_BLOB {
                return Ok(have as u64);
            }
            is_first = false;
            let mut done = 0;
            while have - done >= CHUNK_MAX || (ended && done < have) {
                let cut = cut(&self.buffer[done..have]);
                let content = &self.buffer[done..done + cut];
                chunks.push(chunk(offset, content, &mut self.writer)?);
                done += cut;
                offset += cut as u64;
            }
            self.buffer.copy_within(done..have, 0);
            have -= done;
            if ended {
                return Ok(offset);
            }
        }
    }
}
