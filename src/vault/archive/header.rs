//! The blocks of a tar archive.
use tar::{EntryType, Header};

use super::acl;
use super::origin;
use super::pax::{PaxWriter, print_time};
use crate::vault::meta::{Kind, Owners, Record};

/// The size of a block.
pub(super) const BLOCK: usize = 512;
/// What fits the fields of a header in octal digits.
const LARGEST_ID: u32 = 0o7_777_777;
const LARGEST_NUMBER: u64 = 0o77_777_777_777;

/// An entry that is about to be written.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    /// Its path from the top; empty for that itself.
    pub(super) path: &'a [u8],
    pub(super) record: &'a Record,
    /// The path of the file that it is another name of.
    pub(super) same_as: Option<&'a [u8]>,
    /// The bytes that follow.
    pub(super) stored: u64,
}

/// The header of an entry, with an extended one before it if that is needed.
pub(super) fn append_header(entry: Written<'_>, owners: &Owners, out: &mut Vec<u8>) {
    let record = entry.record;
    let mut pax = PaxWriter::default();
    let mut header = Header::new_ustar();
    let name = tar_name(entry);
    let link = entry
        .same_as
        .or((record.kind == Kind::Link).then_some(&record.target[..]));
    let names = [
        Some(&name[..]),
        link,
        owners.users.get(&record.uid).map(|name| &name[..]),
    ];
    let is_text = |name: &&[u8]| std::str::from_utf8(name).is_ok();
    if !names.iter().flatten().all(is_text) {
        pax.push(b"hdrcharset", b"BINARY");
    }
    let is_sparse = record.sparse.is_some() && entry.same_as.is_none();
    if is_sparse {
        for (key, value) in [("major", 1), ("minor", 0), ("realsize", record.size)] {
            pax.push(
                format!("GNU.sparse.{key}").as_bytes(),
                value.to_string().as_bytes(),
            );
        }
        pax.push(b"GNU.sparse.name", &name);
    }
    let old = header.as_ustar_mut().expect("it was made as one");
    fill(&mut old.name, &name);
    if !is_sparse && (name.len() > 100 || !name.is_ascii()) {
        pax.push(b"path", &name);
    }
    if let Some(link) = link {
        fill(&mut old.linkname, link);
        if link.len() > 100 || !link.is_ascii() {
            pax.push(b"linkpath", link);
        }
    }
    owner_names((record, owners), old, &mut pax);
    numbers(entry, &mut header, &mut pax);
    if entry.same_as.is_none() {
        attributes(record, &mut pax);
        if let Some(file) = record.hard_link {
            pax.push(b"comment", origin::print_link(file).as_bytes());
        }
    }
    if !pax.bytes().is_empty() {
        append_extended((b'x', &name), pax.bytes(), out);
    }
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}

/// A header about what is not in the archive, for all of it.
pub(super) fn append_comment(text: &str, out: &mut Vec<u8>) {
    let mut pax = PaxWriter::default();
    pax.push(b"comment", text.as_bytes());
    append_extended((b'g', b"snapshot"), pax.bytes(), out);
}

/// Fills up the last block of so many bytes.
pub(super) fn append_padding(bytes: u64, out: &mut Vec<u8>) {
    let over = (bytes % BLOCK as u64) as usize;
    if over > 0 {
        out.resize(out.len() + BLOCK - over, 0);
    }
}

fn append_extended((kind, about): (u8, &[u8]), records: &[u8], out: &mut Vec<u8>) {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::new(kind));
    let base = about
        .rsplit(|byte| *byte == b'/')
        .find(|part| !part.is_empty());
    let plain = |byte: &u8| if byte.is_ascii_graphic() { *byte } else { b'_' };
    let mut name = b"PaxHeaders/".to_vec();
    name.extend(base.unwrap_or(b"top").iter().take(80).map(plain));
    let old = header.as_ustar_mut().expect("it was made as one");
    fill(&mut old.name, &name);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(records.len() as u64);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(records);
    append_padding(records.len() as u64, out);
}

/// Folders end in a slash; the top is `./`.
fn tar_name(entry: Written<'_>) -> Vec<u8> {
    let mut name = entry.path.to_vec();
    if entry.record.kind == Kind::Folder {
        if name.is_empty() {
            name.push(b'.');
        }
        name.push(b'/');
    }
    name
}

fn fill(field: &mut [u8], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field.fill(0);
    field[..length].copy_from_slice(&bytes[..length]);
}

fn owner_names(
    (record, owners): (&Record, &Owners),
    header: &mut tar::UstarHeader,
    pax: &mut PaxWriter,
) {
    for (name, field, key) in [
        (
            owners.users.get(&record.uid),
            &mut header.uname,
            &b"uname"[..],
        ),
        (owners.groups.get(&record.gid), &mut header.gname, b"gname"),
    ] {
        let Some(name) = name else { continue };
        // The last byte of the field ends it.
        fill(&mut field[..31], name);
        if name.len() > 31 || !name.is_ascii() {
            pax.push(key, name);
        }
    }
}

fn numbers(entry: Written<'_>, header: &mut Header, pax: &mut PaxWriter) {
    let record = entry.record;
    header.set_entry_type(match (entry.same_as, record.kind) {
        (Some(_), _) => EntryType::Link,
        (None, Kind::File) => EntryType::Regular,
        (None, Kind::Folder) => EntryType::Directory,
        (None, Kind::Link) => EntryType::Symlink,
        (None, Kind::CharDevice) => EntryType::Char,
        (None, Kind::BlockDevice) => EntryType::Block,
        (None, Kind::Fifo) => EntryType::Fifo,
    });
    header.set_mode(record.mode);
    for (id, key) in [(record.uid, &b"uid"[..]), (record.gid, b"gid")] {
        if id > LARGEST_ID {
            pax.push(key, id.to_string().as_bytes());
        }
    }
    header.set_uid(u64::from(record.uid.min(LARGEST_ID)));
    header.set_gid(u64::from(record.gid.min(LARGEST_ID)));
    header.set_size(entry.stored.min(LARGEST_NUMBER));
    if entry.stored > LARGEST_NUMBER {
        pax.push(b"size", entry.stored.to_string().as_bytes());
    }
    let whole = u64::try_from(record.mtime.seconds).unwrap_or(0);
    header.set_mtime(whole.min(LARGEST_NUMBER));
    let is_plain = record.mtime.seconds >= 0 && whole <= LARGEST_NUMBER && record.mtime.nanos == 0;
    if !is_plain {
        let time = print_time(record.mtime.seconds, record.mtime.nanos);
        pax.push(b"mtime", time.as_bytes());
    }
    if matches!(record.kind, Kind::CharDevice | Kind::BlockDevice) {
        let (major, minor) = record.device;
        let old = header.as_ustar_mut().expect("it was made as one");
        for (number, field, key) in [
            (major, &mut old.dev_major, "SCHILY.devmajor"),
            (minor, &mut old.dev_minor, "SCHILY.devminor"),
        ] {
            fill(field, format!("{:07o}", number.min(LARGEST_ID)).as_bytes());
            if number > LARGEST_ID {
                pax.push(key.as_bytes(), number.to_string().as_bytes());
            }
        }
    }
}

/// Extended attributes, and ACLs as text where they are such.
fn attributes(record: &Record, pax: &mut PaxWriter) {
    for (name, value) in &record.xattrs {
        let key = acl::KEYS.iter().find(|(kernel, _)| kernel == name);
        if let Some(((_, key), text)) = key.zip(acl::to_text(value)) {
            pax.push(key, text.as_bytes());
            continue;
        }
        let mut key = b"SCHILY.xattr.".to_vec();
        for byte in name {
            match byte {
                b'=' => key.extend_from_slice(b"%3D"),
                b'%' => key.extend_from_slice(b"%25"),
                other => key.push(*other),
            }
        }
        pax.push(&key, value);
    }
}
