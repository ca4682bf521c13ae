//! Writing the content of a file.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader, PackError};
use crate::vault::Error;
use crate::vault::folder::chunks;
use crate::vault::meta::Record;

/// Why content could not be written.
#[derive(Debug)]
pub(super) enum Failed {
    /// The vault does not have it as it should.
    Damaged(String),
    /// The disk said no.
    Disk(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<PackError> for Failed {
    fn from(error: PackError) -> Self {
        match error {
            PackError::Io(error) => Self::Damaged(error.to_string()),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Fills a new file; what is not stored stays a hole. Returns the bytes written.
pub(super) fn write(
    file: &File,
    record: &Record,
    (mode, id): (Mode, ObjectId),
    (reader, buffer): (&mut ObjectReader<'_>, &mut Vec<u8>),
) -> Result<u64, Failed> {
    let all = [(0, record.size)];
    let extents = record.sparse.as_deref().unwrap_or(&all);
    let expected: u64 = extents.iter().map(|(_, length)| length).sum();
    let written = if mode == Mode::Tree {
        write_chunks(file, id, (reader, buffer))?
    } else {
        reader.blob(&id, buffer)?;
        write_extents(file, extents, buffer)?
    };
    if written != expected {
        return Err(Failed::Damaged(format!(
            "{written} bytes instead of {expected}"
        )));
    }
    if record.sparse.is_some() {
        file.set_len(record.size)?;
    }
    Ok(written)
}

fn write_chunks(
    file: &File,
    tree_id: ObjectId,
    (reader, buffer): (&mut ObjectReader<'_>, &mut Vec<u8>),
) -> Result<u64, Failed> {
    let mut written = 0;
    for (offset, id) in chunks(reader, tree_id)? {
        reader.blob(&id, buffer)?;
        file.write_all_at(buffer, offset)?;
        written += buffer.len() as u64;
    }
    Ok(written)
}

fn write_extents(file: &File, extents: &[(u64, u64)], content: &[u8]) -> Result<u64, Failed> {
    let mut written = 0;
    for (offset, length) in extents {
        let part = usize::try_from(*offset)
            .ok()
            .zip(usize::try_from(*length).ok());
        let part = part.and_then(|(start, length)| content.get(start..start.checked_add(length)?));
        let part = part.ok_or_else(|| Failed::Damaged("its content is cut".to_owned()))?;
        file.write_all_at(part, *offset)?;
        written += length;
    }
    Ok(written)
}
