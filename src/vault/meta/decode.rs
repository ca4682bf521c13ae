//! Reading metadata, which may have been written by a newer buildkeep, or damaged.
use super::varint::Reader;
use super::{FileTime, Kind, MAGIC, MetaError, Owners, Record, field};

/// What a metadata blob says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderMeta {
    /// The folder itself; its name is empty.
    pub folder: Record,
    /// Names of owners, in the top folder.
    pub owners: Owners,
    /// The entries, by name.
    pub entries: Vec<Decoded>,
}

/// An entry, as far as this buildkeep understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Understood.
    Known(Record),
    /// Of a newer format: its name, if at least that could be read.
    Unknown(Vec<u8>),
}

/// Parses a metadata blob.
pub fn decode(bytes: &[u8]) -> Result<FolderMeta, MetaError> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let begin = &bytes[..bytes.len().min(MAGIC.len())];
        return Err(MetaError::Format(begin.to_vec()));
    };
    let mut reader = Reader(rest);
    let damaged = |left: &[u8]| MetaError::Damaged(bytes.len() - left.len());
    let mut owners = Owners::default();
    let body = reader.bytes().ok_or_else(|| damaged(reader.0))?;
    let folder = match record(body, &mut owners) {
        Some(Decoded::Known(folder)) if folder.kind == Kind::Folder => folder,
        _ => return Err(MetaError::Damaged(MAGIC.len())),
    };
    let mut entries = Vec::new();
    while !reader.is_empty() {
        let at = damaged(reader.0);
        let body = reader.bytes().ok_or_else(|| at.clone())?;
        let entry = record(body, &mut Owners::default()).ok_or_else(|| at.clone())?;
        if !is_safe_name(entry.name()) {
            return Err(at);
        }
        entries.push(entry);
    }
    Ok(FolderMeta {
        folder,
        owners,
        entries,
    })
}

/// A record as `encode_record` made it.
pub fn decode_record(bytes: &[u8]) -> Option<Record> {
    match record(Reader(bytes).bytes()?, &mut Owners::default())? {
        Decoded::Known(record) => Some(record),
        Decoded::Unknown(_) => None,
    }
}

/// The name in a record as `encode_record` made it.
pub fn record_name(record: &[u8]) -> &[u8] {
    let mut reader = Reader(record);
    let name = reader.number().and_then(|_| {
        reader.byte()?;
        reader.bytes()
    });
    name.unwrap_or_default()
}

/// Whether a record as `encode_record` made it is of a folder.
pub fn record_is_folder(record: &[u8]) -> bool {
    let mut reader = Reader(record);
    reader.number().and_then(|_| reader.byte()) == Some(Kind::Folder.letter())
}

/// Whether these bytes are one record, with a kind and a name.
pub fn is_one_record(record: &[u8]) -> bool {
    let mut whole = Reader(record);
    let body = whole.bytes().filter(|_| whole.is_empty());
    body.is_some_and(|body| {
        let mut reader = Reader(body);
        reader
            .byte()
            .is_some_and(|kind| Kind::from_letter(kind).is_some())
            && reader.bytes().is_some()
    })
}

impl Decoded {
    /// The name of the entry.
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Known(record) => &record.name,
            Self::Unknown(name) => name,
        }
    }
}

/// A name that stays in its folder.
fn is_safe_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

fn record(body: &[u8], owners: &mut Owners) -> Option<Decoded> {
    let mut reader = Reader(body);
    let letter = reader.byte()?;
    let name = reader.bytes()?.to_vec();
    let Some(kind) = Kind::from_letter(letter) else {
        return Some(Decoded::Unknown(name));
    };
    let is_subfolder = kind == Kind::Folder && !name.is_empty();
    let mut record = Record::new(kind, name);
    if !is_subfolder {
        stat(&mut reader, &mut record)?;
    }
    while !reader.is_empty() {
        let (tag, value) = (reader.number()?, reader.bytes()?);
        match read_field(&mut record, owners, (tag, value))? {
            Field::Read => {}
            Field::MustBeKnown => return Some(Decoded::Unknown(record.name)),
        }
    }
    Some(Decoded::Known(record))
}

fn stat(reader: &mut Reader<'_>, record: &mut Record) -> Option<()> {
    record.mode = reader.number32().filter(|mode| *mode <= 0o7777)?;
    record.uid = reader.number32()?;
    record.gid = reader.number32()?;
    record.mtime = FileTime {
        seconds: reader.signed()?,
        nanos: reader.number32().filter(|nanos| *nanos < 1_000_000_000)?,
    };
    if record.kind == Kind::File {
        record.size = reader
            .number()
            .filter(|size| i64::try_from(*size).is_ok())?;
    }
    Some(())
}

enum Field {
    Read,
    MustBeKnown,
}

fn read_field(
    record: &mut Record,
    owners: &mut Owners,
    (tag, value): (u64, &[u8]),
) -> Option<Field> {
    let mut reader = Reader(value);
    match tag {
        field::LINK_TARGET => record.target = value.to_vec(),
        field::HARD_LINK => record.hard_link = Some((reader.number()?, reader.number()?)),
        field::DEVICE => record.device = (reader.number32()?, reader.number32()?),
        field::XATTR => {
            let name = reader.bytes()?.to_vec();
            record.xattrs.insert(name, reader.0.to_vec());
        }
        field::STORED_NAME => record.stored_name = Some(value.to_vec()),
        field::SPARSE => record.sparse = Some(extents(reader, record.size)?),
        field::USER => drop(owners.users.insert(reader.number32()?, reader.0.to_vec())),
        field::GROUP => drop(owners.groups.insert(reader.number32()?, reader.0.to_vec())),
        unknown if unknown % 2 == 1 => return Some(Field::MustBeKnown),
        _ => {}
    }
    Some(Field::Read)
}

/// Extents in order, apart, and inside the file.
fn extents(mut reader: Reader<'_>, size: u64) -> Option<Vec<(u64, u64)>> {
    let (mut extents, mut end) = (Vec::new(), 0);
    while !reader.is_empty() {
        let (offset, length) = (reader.number()?, reader.number()?);
        let next = offset.checked_add(length)?;
        if offset < end || length == 0 || next > size {
            return None;
        }
        extents.push((offset, length));
        end = next;
    }
    Some(extents)
}
