//! Reading tar archives as GNU tar, bsdtar and buildkeep write them: v7, ustar, pax, GNU.
use std::collections::BTreeMap;
use std::io::{self, Read};

use super::ArchiveError;
use super::entry::{Entry, EntryKind};
use super::header::BLOCK;
use super::origin::{self, Origin};
use super::pax::Pax;
use super::sparse::{self, MOST_PARTS, Map};
use crate::vault::folder::shown;
use crate::vault::meta::FileTime;

/// The largest extended header, and the longest name, that are read.
const LARGEST_HEADER: u64 = 16 << 20;

/// A tar archive, an entry after the other.
pub(super) struct TarReader<'r> {
    input: &'r mut dyn Read,
    at: u64,
    /// Bytes of the entry that were not read, and what fills up its last block.
    left: u64,
    padding: u64,
    global: Pax,
    /// What the archive says of itself.
    pub(super) origin: Option<Origin>,
    name: String,
}

/// What stood before an entry.
#[derive(Default)]
struct Before {
    pax: Pax,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

type Header = [u8; BLOCK];

impl<'r> TarReader<'r> {
    pub(super) fn new(input: &'r mut dyn Read) -> Self {
        Self {
            input,
            at: 0,
            left: 0,
            padding: 0,
            global: Pax::default(),
            origin: None,
            name: String::new(),
        }
    }

    /// The next entry; none at the end of the archive, which must be marked as such.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, ArchiveError> {
        self.skip_rest()?;
        let mut before = Before::default();
        loop {
            let at = self.at;
            let Some(header) = self.header()? else {
                return self.drain().map(|()| None);
            };
            let damaged = |reason| ArchiveError::Damaged { at, reason };
            let size = stored_size(&header, &before.pax).map_err(damaged)?;
            let kind = header[156];
            if matches!(kind, b'x' | b'X' | b'g' | b'L' | b'K') {
                let body = self.body(at, size)?;
                self.note(kind, body, &mut before).map_err(damaged)?;
                continue;
            }
            let mut pax = self.global.clone();
            pax.values.append(&mut before.pax.values);
            pax.map.append(&mut before.pax.map);
            before.pax = pax;
            let size = stored_size(&header, &before.pax).map_err(damaged)?;
            self.begin(size);
            if kind == b'V' {
                self.skip_rest()?;
                continue;
            }
            return self.entry((at, &header), before).map(Some);
        }
    }

    /// Fills `buffer` with data of the entry.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        if buffer.len() as u64 > self.left {
            return Err(ArchiveError::Damaged {
                at: self.at,
                reason: format!("`{}` has less data than it says", self.name),
            });
        }
        self.fill(buffer)?;
        self.left -= buffer.len() as u64;
        Ok(())
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    /// The next header; none at the end.
    fn header(&mut self) -> Result<Option<Header>, ArchiveError> {
        let at = self.at;
        let mut header = [0; BLOCK];
        "between two files".clone_into(&mut self.name);
        match self.fill(&mut header) {
            Err(ArchiveError::Cut { at: end, .. }) if end == at && at == 0 => {
                return Err(ArchiveError::Empty);
            }
            Err(ArchiveError::Cut { at: end, .. }) if end == at => {
                return Err(ArchiveError::Cut {
                    at,
                    inside: "where more files or its end should be".to_owned(),
                });
            }
            filled => filled?,
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if is_sum_right(&header) {
            return Ok(Some(header));
        }
        Err(ArchiveError::Damaged {
            at,
            reason: "the checksum of a header is wrong".to_owned(),
        })
    }

    /// The content of a header that is about another entry.
    fn body(&mut self, at: u64, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > LARGEST_HEADER {
            let reason = format!("an extended header of {size} bytes");
            return Err(ArchiveError::Damaged { at, reason });
        }
        self.begin(size);
        let mut body = Vec::new();
        while self.left > 0 {
            let length = self.left.min(64 * 1024) as usize;
            let start = body.len();
            body.resize(start + length, 0);
            self.read(&mut body[start..])?;
        }
        self.skip_rest()?;
        Ok(body)
    }

    fn note(&mut self, kind: u8, mut body: Vec<u8>, before: &mut Before) -> Result<(), String> {
        let name = |body: &mut Vec<u8>| {
            let end = body.iter().position(|byte| *byte == 0);
            body.truncate(end.unwrap_or(body.len()));
            Some(std::mem::take(body))
        };
        match kind {
            b'L' => before.long_name = name(&mut body),
            b'K' => before.long_link = name(&mut body),
            b'g' => {
                self.global.read(&body)?;
                if let Some(comment) = self.global.values.remove(&b"comment"[..]) {
                    self.origin = origin::parse(&comment).or(self.origin.take());
                }
            }
            _ => before.pax.read(&body)?,
        }
        Ok(())
    }

    fn entry(
        &mut self,
        (at, header): (u64, &Header),
        before: Before,
    ) -> Result<Entry, ArchiveError> {
        let damaged = |reason| ArchiveError::Damaged { at, reason };
        let mut entry = plain(at, header).map_err(damaged)?;
        entry.name = before.long_name.unwrap_or(entry.name);
        entry.target = before.long_link.unwrap_or(entry.target);
        entry.extend(&before.pax).map_err(damaged)?;
        self.name = format!("in the middle of `{}`", shown(&entry.name));
        if entry.kind == EntryKind::File && entry.name.ends_with(b"/") {
            // The oldest archives have no other sign of a folder.
            entry.kind = EntryKind::Folder;
        }
        if entry.kind == EntryKind::HardLink {
            self.begin(0);
        }
        entry.size = self.left;
        if header[156] == b'S' {
            self.old_sparse(header, &mut entry)?;
        } else if entry.kind == EntryKind::File
            && let Some((size, map)) = sparse::of_pax(&before.pax).map_err(damaged)?
        {
            self.pax_sparse((size, map), &mut entry)?;
        }
        if i64::try_from(entry.size).is_err() {
            return Err(damaged(format!("a file of {} bytes", entry.size)));
        }
        if entry.kind != EntryKind::File {
            self.skip_rest()?;
        }
        Ok(entry)
    }

    /// The map in an old header of GNU tar, which may go on in blocks of its own.
    fn old_sparse(&mut self, header: &Header, entry: &mut Entry) -> Result<(), ArchiveError> {
        let at = entry.at;
        let damaged = |reason| ArchiveError::Damaged { at, reason };
        let mut parts = Vec::new();
        sparse::of_fields(&header[386..482], &numeric, &mut parts).map_err(damaged)?;
        let mut goes_on = header[482] != 0;
        while goes_on {
            let mut block = [0; BLOCK];
            self.fill(&mut block)?;
            sparse::of_fields(&block[..504], &numeric, &mut parts).map_err(damaged)?;
            goes_on = block[504] != 0;
        }
        let size = numeric(&header[483..495]).map_err(damaged)?;
        entry.size = u64::try_from(size).map_err(|_| damaged("a negative size".to_owned()))?;
        self.set_sparse(parts, entry)
    }

    fn pax_sparse(
        &mut self,
        (size, map): (u64, Map),
        entry: &mut Entry,
    ) -> Result<(), ArchiveError> {
        let parts = match map {
            Map::Known(parts) => parts,
            Map::BeforeData => self.map_before_data(entry.at)?,
        };
        entry.size = size;
        self.set_sparse(parts, entry)
    }

    fn set_sparse(
        &mut self,
        parts: Vec<(u64, u64)>,
        entry: &mut Entry,
    ) -> Result<(), ArchiveError> {
        let at = entry.at;
        let parts = sparse::checked(parts, (entry.size, self.left));
        let parts = parts.map_err(|reason| ArchiveError::Damaged { at, reason })?;
        let is_whole = parts == [(0, entry.size)] || entry.size == 0;
        entry.sparse = (!is_whole).then_some(parts);
        Ok(())
    }

    /// Numbers in lines, the first how many parts there are, to the end of a block.
    fn map_before_data(&mut self, at: u64) -> Result<Vec<(u64, u64)>, ArchiveError> {
        let damaged = |reason: &str| ArchiveError::Damaged {
            at,
            reason: reason.to_owned(),
        };
        let (mut numbers, mut line, mut wanted) = (Vec::new(), Vec::new(), 1);
        while numbers.len() < wanted {
            let mut block = [0; BLOCK];
            self.read(&mut block)?;
            for byte in block {
                if numbers.len() == wanted {
                    break;
                }
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let number = super::pax::number(&line).map_err(|reason| damaged(&reason))?;
                line.clear();
                if numbers.is_empty() {
                    let count = usize::try_from(number).unwrap_or(usize::MAX);
                    if count > MOST_PARTS {
                        return Err(damaged("a sparse file has too many parts"));
                    }
                    wanted += 2 * count;
                }
                numbers.push(number);
            }
        }
        Ok(numbers[1..]
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect())
    }

    fn skip_rest(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; 16 * 1024];
        let mut left = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        while left > 0 {
            let length = left.min(buffer.len() as u64) as usize;
            self.fill(&mut buffer[..length])?;
            left -= length as u64;
        }
        Ok(())
    }

    /// Reads what follows the end, so that whoever decompresses compares his checksum.
    fn drain(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; 16 * 1024];
        while self.some(&mut buffer)? > 0 {}
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.some(&mut buffer[filled..])? {
                0 => {
                    return Err(ArchiveError::Cut {
                        at: self.at,
                        inside: self.name.clone(),
                    });
                }
                length => filled += length,
            }
        }
        Ok(())
    }

    fn some(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        loop {
            match self.input.read(buffer) {
                Ok(length) => {
                    self.at += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(ArchiveError::Cut {
                        at: self.at,
                        inside: self.name.clone(),
                    });
                }
                Err(source) => {
                    return Err(ArchiveError::Read {
                        at: self.at,
                        source,
                    });
                }
            }
        }
    }
}

/// Whether the first block of an archive is one of tar.
pub(super) fn is_tar(begin: &[u8]) -> bool {
    let header: Option<&Header> = begin.first_chunk();
    header.is_some_and(|header| is_sum_right(header) || header.iter().all(|byte| *byte == 0))
}

/// The sum of all bytes, those of the sum itself as spaces; old programs took bytes for signed.
fn is_sum_right(header: &Header) -> bool {
    let Ok(said) = numeric(&header[148..156]) else {
        return false;
    };
    let without = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
    let bytes = || {
        header
            .iter()
            .enumerate()
            .map(|(at, byte)| without(at, *byte))
    };
    let unsigned: i64 = bytes().map(i64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    said == unsigned || said == signed
}

fn stored_size(header: &Header, pax: &Pax) -> Result<u64, String> {
    if let Some(size) = pax.number(b"size")? {
        return i64::try_from(size)
            .map(i64::cast_unsigned)
            .map_err(|_| format!("a size of {size} bytes"));
    }
    let size = numeric(&header[124..136])?;
    u64::try_from(size).map_err(|_| "a negative size".to_owned())
}

/// What the header itself says.
fn plain(at: u64, header: &Header) -> Result<Entry, String> {
    let kind = match header[156] {
        // A contiguous file is a file; `S` is a sparse one.
        0 | b'0' | b'7' | b'S' => EntryKind::File,
        b'1' => EntryKind::HardLink,
        b'2' => EntryKind::Link,
        b'3' => EntryKind::CharDevice,
        b'4' => EntryKind::BlockDevice,
        b'5' | b'D' => EntryKind::Folder,
        b'6' => EntryKind::Fifo,
        b'M' => return Err("it goes on from another volume; join them first".to_owned()),
        other => {
            return Err(format!(
                "an entry of unknown kind `{}`",
                char::from(other).escape_default()
            ));
        }
    };
    let id = |field: &[u8]| {
        let number = numeric(field)?;
        u32::try_from(number).map_err(|_| format!("{number} is no owner and no device"))
    };
    let is_ustar = &header[257..262] == b"ustar";
    let named = |range: std::ops::Range<usize>| {
        if is_ustar {
            text(&header[range]).to_vec()
        } else {
            Vec::new()
        }
    };
    let device = |range: std::ops::Range<usize>| {
        if is_ustar { id(&header[range]) } else { Ok(0) }
    };
    Ok(Entry {
        at,
        kind,
        name: name_of(header),
        target: text(&header[157..257]).to_vec(),
        mode: (numeric(&header[100..108])? & 0o7777) as u32,
        uid: id(&header[108..116])?,
        gid: id(&header[116..124])?,
        user: named(265..297),
        group: named(297..329),
        mtime: FileTime {
            seconds: numeric(&header[136..148])?,
            nanos: 0,
        },
        size: 0,
        sparse: None,
        device: (device(329..337)?, device(337..345)?),
        link: None,
        xattrs: BTreeMap::new(),
        lost_acls: false,
    })
}

/// The name, after the prefix that POSIX has for it; GNU tar has other things there.
fn name_of(header: &Header) -> Vec<u8> {
    let name = text(&header[..100]).to_vec();
    let is_star = &header[508..512] == b"tar\0";
    let prefix = text(&header[345..if is_star { 476 } else { 500 }]);
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return name;
    }
    [prefix, b"/", &name].concat()
}

/// What stands before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    &field[..end.unwrap_or(field.len())]
}

/// A number in octal digits, or in binary ones if its first bit is set.
fn numeric(field: &[u8]) -> Result<i64, String> {
    let wrong = || {
        format!(
            "`{}` is no number",
            String::from_utf8_lossy(field).escape_debug()
        )
    };
    if let Some(0x80 | 0xff) = field.first() {
        let start = if field[0] == 0xff { -1 } else { 0_i128 };
        let value = field[1..]
            .iter()
            .fold(start, |sum, byte| sum << 8 | i128::from(*byte));
        return i64::try_from(value).map_err(|_| wrong());
    }
    let blank = |byte: &u8| matches!(byte, 0 | b' ');
    let begin = field.iter().position(|byte| !blank(byte));
    let digits = &field[begin.unwrap_or(field.len())..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    let digits = std::str::from_utf8(&digits[..end]).map_err(|_| wrong())?;
    match digits {
        "" => Ok(0),
        _ if digits.starts_with(['+', '-']) => Err(wrong()),
        _ => i64::from_str_radix(digits, 8).map_err(|_| wrong()),
    }
}
