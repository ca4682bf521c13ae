//! The content of a stored file, without its holes.
use crate::store::ObjectId;
use crate::store::pack::{Mode, ObjectReader};
use crate::vault::Error;
use crate::vault::folder::chunks;
use crate::vault::meta::Record;

/// Gives the data of a file to `out`, piece by piece, in order and without its holes; exactly as much as
/// its record says.
pub(super) fn data<E: From<Error> + From<String>>(
    reader: &mut ObjectReader<'_>,
    (record, (mode, id)): (&Record, (Mode, ObjectId)),
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let all = [(0, record.size)];
    let extents: &[(u64, u64)] = match &record.sparse {
        Some(extents) => extents,
        None if record.size == 0 => &[],
        None => &all,
    };
    let mut piece = Vec::new();
    if mode != Mode::Tree {
        reader.blob(&id, &mut piece).map_err(Error::from)?;
        if record.sparse.is_none() && piece.len() as u64 != record.size {
            return Err(wrong_size(piece.len() as u64, record.size).into());
        }
        for (offset, length) in extents {
            let range = *offset as usize..offset.saturating_add(*length) as usize;
            out(piece.get(range).ok_or("its content is cut".to_owned())?)?;
        }
        return Ok(());
    }
    let mut left = extents.iter().copied();
    let mut extent = left.next().unwrap_or((0, 0));
    for (offset, id) in chunks(reader, id)? {
        reader.blob(&id, &mut piece).map_err(Error::from)?;
        if extent.1 == 0 {
            extent = left.next().unwrap_or((0, 0));
        }
        let length = piece.len() as u64;
        if offset != extent.0 || length > extent.1 || length == 0 {
            return Err(format!("the chunk {id} is not where its file has data").into());
        }
        out(&piece)?;
        extent = (extent.0 + length, extent.1 - length);
    }
    match extent.1 + left.map(|(_, length)| length).sum::<u64>() {
        0 => Ok(()),
        lacking => Err(wrong_size(record.size - lacking, record.size).into()),
    }
}

/// How many bytes [`data`] gives.
pub(super) fn data_size(record: &Record) -> u64 {
    let extents = record.sparse.as_ref();
    extents.map_or(record.size, |all| {
        all.iter().map(|(_, length)| length).sum()
    })
}

fn wrong_size(found: u64, expected: u64) -> String {
    format!("{found} bytes instead of {expected}")
}
