//! Deltas: objects that stock Git stored as changes of another one.
use super::reader::{Header, ObjectReader, Pack};
use super::{Kind, PackError};

use gix::ObjectId;

/// An entry that names its base by how far before it that stands.
pub(super) const BY_OFFSET: u8 = 6;
/// More than any object of ours has: small changes of small ones could make up any size.
const LARGEST: usize = 1 << 30;
/// More steps than Git makes.
const DEEPEST: usize = 4096;

impl ObjectReader<'_> {
    /// Replaces `out` by the content of an entry that is a change of another one of the same pack;
    /// nothing if the chain leads out of the pack.
    pub(super) fn read_delta(
        &mut self,
        pack: &Pack,
        (id, offset): (&ObjectId, u64),
        out: &mut Vec<u8>,
    ) -> Result<Option<Kind>, PackError> {
        let damaged = |reason: &str| PackError::Damaged {
            id: *id,
            reason: reason.to_owned(),
        };
        let (mut at, mut changes) = (offset, Vec::new());
        let kind = loop {
            let header = self.header(pack, (id, at))?;
            let length = header.length;
            if let Some(kind) = Kind::from_number(header.number) {
                self.inflate(pack, (id, at), header, out)?;
                break kind;
            }
            if header.number != BY_OFFSET || changes.len() > DEEPEST {
                return Ok(None);
            }
            let (back, bytes) = distance(&self.raw()[length..])
                .filter(|(back, _)| *back > 0 && *back <= at)
                .ok_or_else(|| damaged("it names no base before it"))?;
            let mut change = Vec::new();
            let behind = Header {
                length: length + bytes,
                ..header
            };
            self.inflate(pack, (id, at), behind, &mut change)?;
            changes.push(change);
            at -= back;
        };
        for change in changes.iter().rev() {
            *out = apply(out, change).ok_or_else(|| damaged("its change does not fit its base"))?;
        }
        Ok(Some(kind))
    }
}

/// How far back a base stands, and how many bytes say so.
fn distance(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = u64::from(bytes.first()? & 0x7f);
    let mut length = 1;
    while bytes[length - 1] & 0x80 != 0 {
        let byte = *bytes.get(length)?;
        value = value.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
        length += 1;
    }
    Some((value, length))
}

/// What a change makes of a base.
fn apply(base: &[u8], change: &[u8]) -> Option<Vec<u8>> {
    let mut rest = change;
    if size(&mut rest)? != base.len() {
        return None;
    }
    let length = size(&mut rest).filter(|length| *length <= LARGEST)?;
    let mut out = Vec::with_capacity(length.min(base.len() + change.len()));
    while let Some((code, next)) = rest.split_first() {
        rest = next;
        if code & 0x80 == 0 {
            let (bytes, next) = rest.split_at_checked(usize::from(*code))?;
            if bytes.is_empty() {
                return None;
            }
            out.extend_from_slice(bytes);
            rest = next;
        } else {
            let start = number(*code, 4, &mut rest)?;
            let length = match number(*code >> 4, 3, &mut rest)? {
                0 => 0x1_0000,
                length => length,
            };
            out.extend_from_slice(base.get(start..start.checked_add(length)?)?);
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

/// A number of which only the bytes that are not zero are there.
fn number(mask: u8, bytes: u32, rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for place in (0..bytes).filter(|place| mask >> place & 1 == 1) {
        let (byte, next) = rest.split_first()?;
        value |= usize::from(*byte) << (8 * place);
        *rest = next;
    }
    Some(value)
}

/// Seven bits a byte, the lowest first.
fn size(rest: &mut &[u8]) -> Option<usize> {
    let (mut value, mut shift) = (0_usize, 0);
    loop {
        let (byte, next) = rest.split_first()?;
        *rest = next;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return (shift < 56).then_some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_copies_and_inserts() {
        // 11 → 9 bytes: six from the start, then `git`.
        let change = [11, 9, 0x90, 6, 3, b'g', b'i', b't'];
        assert_eq!(apply(b"hello world", &change).unwrap(), b"hello git");
        for length in 0..change.len() {
            assert_eq!(apply(b"hello world", &change[..length]), None);
        }
        assert_eq!(apply(b"hello", &change), None);
        assert_eq!(apply(b"hello world", &[11, 9, 0x91, 9, 6]), None);
    }

    #[test]
    fn distances_are_read_as_git_writes_them() {
        assert_eq!(distance(&[5]), Some((5, 1)));
        assert_eq!(distance(&[0x80, 0]), Some((128, 2)));
        assert_eq!(distance(&[0x81, 0x2c]), Some((300, 2)));
        assert_eq!(distance(&[0x80]), None);
    }
}
