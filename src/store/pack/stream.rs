//! A pack as a stream, its entries copied from other packs as they are.
use std::collections::HashSet;
use std::path::Path;

use gix::ObjectId;

use super::deflate::Deflater;
use super::hash::Hasher;
use super::writer::append_header;
use super::{Kind, Objects, PackEntry, PackError, PackScan};

/// Bytes that are copied at once.
const PIECE: u64 = 4 << 20;

/// A pack on its way out.
struct Outgoing<'o, E> {
    out: &'o mut dyn FnMut(&[u8]) -> Result<(), E>,
    hasher: Hasher,
    deflater: Deflater,
}

impl<E> Outgoing<'_, E> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.hasher.update(bytes);
        (self.out)(bytes)
    }

    fn object(&mut self, kind: Kind, content: &[u8]) -> Result<(), E> {
        let mut entry = Vec::with_capacity(content.len() + 64);
        append_header(kind, content.len(), &mut entry);
        self.deflater.append(content, &mut entry);
        self.put(&entry)
    }
}

/// Gives a pack of these objects to `out`, without deltas.
#[expect(clippy::implicit_hasher, reason = "there is one kind of set here")]
pub fn write_pack<E: From<PackError>>(
    objects_dir: &Path,
    mut wanted: HashSet<ObjectId>,
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pack = Outgoing {
        out,
        hasher: Hasher::default(),
        deflater: Deflater::new(),
    };
    let mut begin = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(wanted.len()).map_err(|_| PackError::Stopped)?;
    begin.extend_from_slice(&count.to_be_bytes());
    pack.put(&begin)?;
    for index in PackScan::indexes(objects_dir)? {
        // What is in a pack that cannot be opened may be in another.
        if let Ok(scan) = PackScan::open(&index) {
            copy(&scan, &mut wanted, &mut pack)?;
        }
    }
    let objects = Objects::open(objects_dir)?;
    let (mut reader, mut content) = (objects.reader(), Vec::new());
    for id in wanted {
        let kind = reader.read(&id, &mut content)?;
        pack.object(kind, &content)?;
    }
    let sum = std::mem::take(&mut pack.hasher).sum();
    (pack.out)(&sum)
}

/// Copies what is wanted of a pack; deltas, and what is damaged, are left for later.
fn copy<E: From<PackError>>(
    scan: &PackScan,
    wanted: &mut HashSet<ObjectId>,
    pack: &mut Outgoing<'_, E>,
) -> Result<(), E> {
    let mut entries = scan.entries();
    entries.retain(|entry| wanted.contains(&entry.id));
    let near =
        |a: &PackEntry, b: &PackEntry| a.end == b.offset && a.offset / PIECE == b.offset / PIECE;
    let mut bytes = Vec::new();
    for piece in entries.chunk_by(near) {
        scan.raw(piece, &mut bytes)?;
        for entry in piece {
            let Some(raw) = entry.intact(piece[0].offset, &bytes) else {
                continue;
            };
            let is_delta = matches!(raw[0] >> 4 & 7, 6 | 7);
            // A pack may have an object twice.
            if !is_delta && wanted.remove(&entry.id) {
                pack.put(raw)?;
            }
        }
    }
    Ok(())
}
