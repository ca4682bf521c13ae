//! The index beside a pack, version 2.
use gix::ObjectId;

use super::hash::Hasher;

/// Where an object stands in its pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexEntry {
    pub(super) id: ObjectId,
    pub(super) crc: u32,
    pub(super) offset: u64,
}

/// The index of a pack with this checksum; sorts the entries.
pub(super) fn encode(entries: &mut [IndexEntry], pack_sum: &[u8; 20]) -> Vec<u8> {
    entries.sort_unstable();
    let mut out = Vec::with_capacity(1072 + entries.len() * 28);
    out.extend_from_slice(b"\xfftOc\0\0\0\x02");
    append_fan(entries, &mut out);
    for entry in &*entries {
        out.extend_from_slice(entry.id.as_slice());
    }
    for entry in &*entries {
        out.extend_from_slice(&entry.crc.to_be_bytes());
    }
    append_offsets(entries, &mut out);
    out.extend_from_slice(pack_sum);
    let mut hasher = Hasher::default();
    hasher.update(&out);
    out.extend_from_slice(&hasher.sum());
    out
}

/// For each first byte, how many ids begin with it or a smaller one.
fn append_fan(entries: &[IndexEntry], out: &mut Vec<u8>) {
    let mut counts = [0_u32; 256];
    for entry in entries {
        counts[usize::from(entry.id.as_slice()[0])] += 1;
    }
    let mut total = 0;
    for count in counts {
        total += count;
        out.extend_from_slice(&total.to_be_bytes());
    }
}

/// Offsets of 31 bits; larger ones in a second table.
fn append_offsets(entries: &[IndexEntry], out: &mut Vec<u8>) {
    const LARGE: u32 = 1 << 31;
    let mut large = Vec::new();
    for entry in entries {
        let short = match u32::try_from(entry.offset) {
            Ok(offset) if offset < LARGE => offset,
            _ => {
                large.push(entry.offset);
                LARGE | (large.len() - 1) as u32
            }
        };
        out.extend_from_slice(&short.to_be_bytes());
    }
    for offset in large {
        out.extend_from_slice(&offset.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gix_finds_what_we_index_offsets_beyond_31_bits_included() {
        let id = |byte: u8| ObjectId::Sha1([byte; 20]);
        let entry = |byte, offset| IndexEntry {
            id: id(byte),
            crc: u32::from(byte),
            offset,
        };
        let mut entries = [entry(0xff, 12), entry(3, 1 << 40), entry(7, (1 << 31) - 1)];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack-x.idx");
        std::fs::write(&path, encode(&mut entries, &[9; 20])).unwrap();
        let index = gix::odb::pack::index::File::at(&path, gix::hash::Kind::Sha1).unwrap();
        for (byte, offset) in [(0xff, 12), (3, 1 << 40), (7, (1 << 31) - 1)] {
            let at = index.lookup(id(byte)).unwrap();
            assert_eq!(index.pack_offset_at_index(at), offset);
            assert_eq!(index.crc32_at_index(at), Some(u32::from(byte)));
        }
        assert!(index.lookup(id(4)).is_none());
    }
}
