//! The maps of sparse files: in an old header of GNU tar, in records, or before the data.
use super::pax::{Pax, number};

/// So many parts of a file are taken in.
pub(super) const MOST_PARTS: usize = 1 << 20;

/// Where the map of a sparse file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Map {
    /// It is known.
    Known(Vec<(u64, u64)>),
    /// Before the data, as text.
    BeforeData,
}

/// The size and the map of a file that its records say is sparse.
pub(super) fn of_pax(pax: &Pax) -> Result<Option<(u64, Map)>, String> {
    let size = match pax.number(b"GNU.sparse.realsize")? {
        Some(size) => Some(size),
        None => pax.number(b"GNU.sparse.size")?,
    };
    let Some(size) = size else {
        return Ok(None);
    };
    if pax.get(b"GNU.sparse.major") == Some(b"1") {
        return Ok(Some((size, Map::BeforeData)));
    }
    if let Some(text) = pax.get(b"GNU.sparse.map") {
        let mut numbers = text.split(|byte| *byte == b',').map(number);
        let mut parts = Vec::new();
        while let Some(offset) = numbers.next() {
            let length = numbers.next().ok_or("a sparse map makes no sense")?;
            parts.push((offset?, length?));
        }
        return Ok(Some((size, Map::Known(parts))));
    }
    Ok(Some((size, Map::Known(pax.map.clone()))))
}

/// The parts in the fields of an old header, each offset and length; `number` reads a field.
pub(super) fn of_fields(
    fields: &[u8],
    number: &dyn Fn(&[u8]) -> Result<i64, String>,
    parts: &mut Vec<(u64, u64)>,
) -> Result<(), String> {
    for field in fields.chunks_exact(24) {
        if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
            break;
        }
        let (offset, length) = (number(&field[..12])?, number(&field[12..])?);
        let part = u64::try_from(offset).ok().zip(u64::try_from(length).ok());
        parts.push(part.ok_or("a sparse map makes no sense")?);
        if parts.len() > MOST_PARTS {
            return Err(format!("a sparse file has more than {MOST_PARTS} parts"));
        }
    }
    Ok(())
}

/// The parts with data, those that touch made one; they must be in order, inside the file, and as long
/// together as what is stored.
pub(super) fn checked(
    parts: Vec<(u64, u64)>,
    (size, stored): (u64, u64),
) -> Result<Vec<(u64, u64)>, String> {
    let mut all: Vec<(u64, u64)> = Vec::new();
    let (mut end, mut sum) = (0, 0_u64);
    for (offset, length) in parts {
        let next = offset.checked_add(length).filter(|next| *next <= size);
        let next = next
            .filter(|_| offset >= end)
            .ok_or("a sparse map makes no sense")?;
        sum += length;
        match all.last_mut() {
            _ if length == 0 => {}
            Some(last) if last.0 + last.1 == offset => last.1 += length,
            _ => all.push((offset, length)),
        }
        end = next;
    }
    if sum == stored {
        Ok(all)
    } else {
        Err(format!(
            "a sparse map names {sum} bytes, and {stored} are there"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_checked() {
        let parts = vec![(0, 5), (5, 5), (20, 5), (40, 0)];
        assert_eq!(checked(parts, (40, 15)).unwrap(), [(0, 10), (20, 5)]);
        for (parts, size, stored) in [
            (vec![(10, 5), (0, 5)], 40, 10),
            (vec![(0, 50)], 40, 50),
            (vec![(u64::MAX, 2)], 40, 2),
            (vec![(0, 5)], 40, 6),
            (vec![(0, 5), (4, 5)], 40, 10),
        ] {
            assert!(checked(parts, (size, stored)).is_err());
        }
    }
}
