//! zlib streams: fast compression, storage of what cannot be compressed, decompression.
use libdeflater::{CompressionLvl, Compressor, Decompressor, adler32};

/// Below this, looking costs as much as trying.
const PROBE_FROM: usize = 16 * 1024;
/// The largest stored block that deflate knows.
const STORED_BLOCK: usize = 0xffff;
/// Bits per byte above which compression gains too little.
const DENSE: f32 = 7.93;

/// Compresses at the level that is fastest.
pub(super) struct Deflater(Compressor);

impl Deflater {
    pub(super) fn new() -> Self {
        let level = CompressionLvl::new(1).expect("level 1 is the fastest that compresses");
        Self(Compressor::new(level))
    }

    /// Appends `content` as a zlib stream.
    pub(super) fn append(&mut self, content: &[u8], out: &mut Vec<u8>) {
        if is_dense(content) {
            return store(content, out);
        }
        let start = out.len();
        out.resize(start + self.0.zlib_compress_bound(content.len()), 0);
        match self.0.zlib_compress(content, &mut out[start..]) {
            Ok(length) if length < content.len() + 64 => out.truncate(start + length),
            _ => {
                out.truncate(start);
                store(content, out);
            }
        }
    }
}

/// Appends `content` as a zlib stream without compression.
fn store(content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x78, 0x01]);
    let blocks = content.len().div_ceil(STORED_BLOCK).max(1);
    for number in 0..blocks {
        let start = number * STORED_BLOCK;
        let block = &content[start..content.len().min(start + STORED_BLOCK)];
        let length = block.len() as u16;
        out.push(u8::from(number + 1 == blocks));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&adler32(content).to_be_bytes());
}

/// Whether samples of the content look like noise.
fn is_dense(content: &[u8]) -> bool {
    const SAMPLE: usize = 4096;
    if content.len() < PROBE_FROM {
        return false;
    }
    let mut counts = [0_u32; 256];
    for part in 0..3 {
        let start = (content.len() - SAMPLE) / 2 * part;
        for byte in &content[start..start + SAMPLE] {
            counts[usize::from(*byte)] += 1;
        }
    }
    let total = (3 * SAMPLE) as f32;
    let seen = counts.iter().filter(|count| **count > 0);
    let bits = seen.map(|count| {
        let share = *count as f32 / total;
        -share * share.log2()
    });
    bits.sum::<f32>() > DENSE
}

/// Decompresses.
pub(super) struct Inflater(Decompressor);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompressor::new())
    }

    /// Replaces `out` by the `size` bytes that `stream` begins with; what follows is ignored.
    pub(super) fn inflate(
        &mut self,
        stream: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        out.resize(size, 0);
        match self.0.zlib_decompress(stream, out) {
            Ok(length) if length == size => Ok(()),
            Ok(length) => Err(format!("{length} bytes instead of {size}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn all_sizes_and_kinds_of_content_come_back() {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for size in [0, 1, 5, 4096, 65_535, 65_536, 65_537, 200_000] {
            for content in [vec![b'a'; size], noise(size)] {
                let (mut stream, mut back) = (Vec::new(), Vec::new());
                deflater.append(&content, &mut stream);
                stream.extend_from_slice(b"and what follows");
                inflater.inflate(&stream, size, &mut back).unwrap();
                assert!(back == content, "{size} bytes");
            }
        }
    }

    #[test]
    fn noise_is_stored_and_text_is_not() {
        let (mut deflater, mut stream) = (Deflater::new(), Vec::new());
        deflater.append(&noise(100_000), &mut stream);
        assert!((100_000..100_100).contains(&stream.len()));
        stream.clear();
        deflater.append(&b"x".repeat(100_000), &mut stream);
        assert!(stream.len() < 10_000);
    }

    #[test]
    fn a_damaged_stream_is_an_error() {
        let (mut stream, mut back) = (Vec::new(), Vec::new());
        Deflater::new().append(b"hello hello hello", &mut stream);
        stream[4] ^= 0x40;
        assert!(Inflater::new().inflate(&stream, 17, &mut back).is_err());
    }
}
