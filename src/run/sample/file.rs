//! The file `samples`: records of one size, each with a checksum.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{Host, Sample};
use crate::fs::{AtPath as _, PathError, is_absent, open_stream, write_disposable};

/// What the file begins with; the last bytes are the version and the size of a record.
const HEADER: [u8; 16] = *b"bksample\x01\0\0\0\x48\0\0\0";
/// The size of a record.
const RECORD: usize = 72;
/// Where the checksum of the bytes before it stands.
const CRC: usize = RECORD - 4;

/// The file of one attempt, to be written on.
#[derive(Debug)]
pub(super) struct SampleFile {
    file: File,
    at: u64,
}

impl SampleFile {
    /// Goes on with the file at `path`, behind its last whole record.
    pub(super) fn open(path: &Path) -> Result<Self, PathError> {
        let file = open_stream(path)?;
        let length = file.metadata().at("look at", path)?.len();
        let records = length.saturating_sub(HEADER.len() as u64) / RECORD as u64;
        let at = HEADER.len() as u64 + records * RECORD as u64;
        file.write_all_at(&HEADER, 0).at("write", path)?;
        Ok(Self { file, at })
    }

    /// Whether there are records from before.
    pub(super) fn is_continued(&self) -> bool {
        self.at > HEADER.len() as u64
    }

    /// Adds a record; half of one is written over by the next.
    pub(super) fn append(&mut self, sample: &Sample) -> io::Result<()> {
        self.file.write_all_at(&bytes_of(sample), self.at)?;
        self.at += RECORD as u64;
        Ok(())
    }
}

/// The last `limit` records of the file at `path` that are whole; none if there is no such file.
pub fn samples(path: &Path, limit: u64) -> Result<Vec<Sample>, PathError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).at("open", path),
    };
    let length = file.metadata().at("look at", path)?.len();
    let mut header = [0; HEADER.len()];
    // A file that is cut off, or of another version, tells nothing.
    if file.read_exact_at(&mut header, 0).is_err() || header != HEADER {
        return Ok(Vec::new());
    }
    let records = (length - HEADER.len() as u64) / RECORD as u64;
    let first = records.saturating_sub(limit);
    let mut bytes = vec![0; ((records - first) as usize) * RECORD];
    let start = HEADER.len() as u64 + first * RECORD as u64;
    file.read_exact_at(&mut bytes, start).at("read", path)?;
    let (records, _) = bytes.as_chunks::<RECORD>();
    Ok(records.iter().filter_map(sample_of).collect())
}

/// Replaces the file at `path` by one with these records.
pub(super) fn write_all(path: &Path, all: &[Sample]) -> Result<(), PathError> {
    let records: Vec<u8> = all.iter().flat_map(bytes_of).collect();
    write_disposable(path, &[&HEADER, &records])
}

fn bytes_of(sample: &Sample) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(&sample.boot_ms.to_le_bytes());
    put(&sample.cpu_us.to_le_bytes());
    put(&sample.rss_bytes.to_le_bytes());
    put(&sample.read_bytes.to_le_bytes());
    put(&sample.written_bytes.to_le_bytes());
    put(&sample.host.disk_free_bytes.to_le_bytes());
    put(&sample.log_bytes.to_le_bytes());
    put(&sample.processes.to_le_bytes());
    for pressure in [sample.host.cpu, sample.host.io, sample.host.memory] {
        put(&pressure.to_le_bytes());
    }
    put(&sample.flags.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..CRC]);
    bytes[CRC..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn sample_of(bytes: &[u8; RECORD]) -> Option<Sample> {
    let crc = u32::from_le_bytes(bytes[CRC..].try_into().ok()?);
    if crc32fast::hash(&bytes[..CRC]) != crc {
        return None;
    }
    let long = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let short = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    Some(Sample {
        boot_ms: long(0)?,
        cpu_us: long(8)?,
        rss_bytes: long(16)?,
        read_bytes: long(24)?,
        written_bytes: long(32)?,
        host: Host {
            disk_free_bytes: long(40)?,
            cpu: short(60)?,
            io: short(62)?,
            memory: short(64)?,
        },
        log_bytes: long(48)?,
        processes: u32::from_le_bytes(*bytes.get(56..)?.first_chunk()?),
        flags: short(66)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64) -> Sample {
        Sample {
            boot_ms: at,
            cpu_us: at * 2,
            rss_bytes: at * 3,
            read_bytes: at * 4,
            written_bytes: at * 5,
            processes: 6,
            host: Host {
                cpu: 7,
                io: 8,
                memory: 9,
                disk_free_bytes: at * 10,
            },
            log_bytes: at * 11,
            flags: Sample::GAP,
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_the_newest_first_of_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples");
        assert_eq!(samples(&path, 9).unwrap(), []);
        let mut file = SampleFile::open(&path).unwrap();
        assert!(!file.is_continued());
        assert_eq!(samples(&path, 9).unwrap(), []);
        (1..=5).for_each(|at| file.append(&sample(at)).unwrap());
        let all: Vec<_> = (1..=5).map(sample).collect();
        assert_eq!(samples(&path, 9).unwrap(), all);
        assert_eq!(samples(&path, 2).unwrap(), all[3..]);
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            (HEADER.len() + 5 * RECORD) as u64
        );
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_is_torn_and_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples");
        let mut file = SampleFile::open(&path).unwrap();
        (1..=3).for_each(|at| file.append(&sample(at)).unwrap());
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let kept = cut.saturating_sub(HEADER.len()) / RECORD;
            assert_eq!(samples(&path, 9).unwrap().len(), kept, "cut at {cut}");
            let mut file = SampleFile::open(&path).unwrap();
            assert_eq!(file.is_continued(), kept > 0);
            file.append(&sample(9)).unwrap();
            let read = samples(&path, 9).unwrap();
            assert_eq!(read.len(), kept + 1, "cut at {cut}");
            assert_eq!(read[kept], sample(9));
        }
    }

    #[test]
    fn a_damaged_record_is_left_out_and_the_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples");
        let mut file = SampleFile::open(&path).unwrap();
        (1..=3).for_each(|at| file.append(&sample(at)).unwrap());
        let whole = std::fs::read(&path).unwrap();
        for at in 0..RECORD {
            let mut bytes = whole.clone();
            bytes[HEADER.len() + RECORD + at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(samples(&path, 9).unwrap(), [sample(1), sample(3)], "{at}");
        }
        std::fs::write(&path, b"something else that is longer than a header").unwrap();
        assert_eq!(samples(&path, 9).unwrap(), []);
    }
}
