//! Reading an archive whatever it is wrapped into.
use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::seal;
use crate::commands::Context;
use crate::failure::Failure;
use crate::vault::archive::{ArchiveError, Shape, shape_of};

/// So many bytes tell what a file is.
const BEGIN: usize = 512;
/// So many wrappings there may be: encryption, compression, and once more.
const LAYERS: usize = 4;

/// An archive, unwrapped.
pub(super) struct Input {
    pub(super) reader: Box<dyn Read>,
    pub(super) shape: Shape,
}

/// Unwraps an archive.
pub(super) fn unwrap(
    cx: &Context,
    identities: &[PathBuf],
    mut reader: Box<dyn Read>,
) -> Result<Input, Failure> {
    for _ in 0..LAYERS {
        let begin = peek(&mut reader)?;
        let whole: Box<dyn Read> = Box::new(io::Cursor::new(begin.clone()).chain(reader));
        reader = match &begin[..] {
            [] => return Err(ArchiveError::Empty.into()),
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(whole)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(whole)?),
            _ if seal::is_sealed(&begin) => seal::opened(cx, identities, whole)?,
            _ => {
                let shape = shape_of(&begin).ok_or(ArchiveError::Unknown)?;
                return Ok(Input {
                    reader: whole,
                    shape,
                });
            }
        };
    }
    Err(ArchiveError::Unknown.into())
}

fn peek(reader: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
    let mut begin = Vec::with_capacity(BEGIN);
    let read = reader.take(BEGIN as u64).read_to_end(&mut begin);
    match read {
        Ok(_) => Ok(begin),
        // What is cut this early is told of when it is read again.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ArchiveError::Cut {
            at: begin.len() as u64,
            inside: "before its first file".to_owned(),
        }),
        Err(source) => Err(ArchiveError::Read {
            at: begin.len() as u64,
            source,
        }),
    }
}
