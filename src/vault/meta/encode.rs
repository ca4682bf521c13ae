//! Writing metadata.
use super::varint::{Reader, append, append_bytes, append_signed};
use super::{Kind, MAGIC, Owners, Record, field};

/// The metadata blob of a folder: its own record, then its entries in the order of their names.
///
/// All records are as [`encode_record`] made them.
pub fn encode<'a>(folder: &[u8], entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(folder);
    for entry in entries {
        out.extend_from_slice(entry);
    }
    out
}

/// The record of a top folder, with the names of all owners in its snapshot.
pub fn with_owners(record: &[u8], owners: &Owners) -> Vec<u8> {
    let mut body = Reader(record).bytes().unwrap_or_default().to_vec();
    for (tag, names) in [(field::USER, &owners.users), (field::GROUP, &owners.groups)] {
        for (id, name) in names {
            let mut value = Vec::new();
            append(u64::from(*id), &mut value);
            value.extend_from_slice(name);
            append_field(tag, &value, &mut body);
        }
    }
    let mut out = Vec::with_capacity(body.len() + 3);
    append_bytes(&body, &mut out);
    out
}

/// A record with its length.
pub fn encode_record(record: &Record) -> Vec<u8> {
    let body = body(record);
    let mut out = Vec::with_capacity(body.len() + 2);
    append_bytes(&body, &mut out);
    out
}

fn body(record: &Record) -> Vec<u8> {
    let mut out = vec![record.kind.letter()];
    append_bytes(&record.name, &mut out);
    let is_subfolder = record.kind == Kind::Folder && !record.name.is_empty();
    if !is_subfolder {
        append_stat(record, &mut out);
    }
    append_fields(record, &mut out);
    out
}

fn append_stat(record: &Record, out: &mut Vec<u8>) {
    for number in [record.mode, record.uid, record.gid] {
        append(u64::from(number), out);
    }
    append_signed(record.mtime.seconds, out);
    append(u64::from(record.mtime.nanos), out);
    if record.kind == Kind::File {
        append(record.size, out);
    }
}

/// Fields in the order of their numbers.
fn append_fields(record: &Record, out: &mut Vec<u8>) {
    if record.kind == Kind::Link {
        append_field(field::LINK_TARGET, &record.target, out);
    }
    if let Some((device, inode)) = record.hard_link {
        append_field(field::HARD_LINK, &numbers([device, inode]), out);
    }
    if matches!(record.kind, Kind::CharDevice | Kind::BlockDevice) {
        let (major, minor) = record.device;
        let value = numbers([u64::from(major), u64::from(minor)]);
        append_field(field::DEVICE, &value, out);
    }
    for (name, value) in &record.xattrs {
        let mut pair = Vec::with_capacity(name.len() + value.len() + 2);
        append_bytes(name, &mut pair);
        pair.extend_from_slice(value);
        append_field(field::XATTR, &pair, out);
    }
    if let Some(name) = &record.stored_name {
        append_field(field::STORED_NAME, name, out);
    }
    if let Some(extents) = &record.sparse {
        let value = numbers(
            extents
                .iter()
                .flat_map(|(offset, length)| [*offset, *length]),
        );
        append_field(field::SPARSE, &value, out);
    }
}

fn append_field(tag: u64, value: &[u8], out: &mut Vec<u8>) {
    append(tag, out);
    append_bytes(value, out);
}

fn numbers(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in numbers {
        append(number, &mut out);
    }
    out
}
