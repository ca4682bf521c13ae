//! The cgroup of an attempt: exact, whatever the number of its processes.
use std::path::{Path, PathBuf};

use super::Sample;
use super::tree::{Buffer, named, number};

/// The files of one cgroup v2.
#[derive(Debug)]
pub(super) struct Cgroup {
    cpu: PathBuf,
    memory: PathBuf,
    io: PathBuf,
    processes: PathBuf,
}

impl Cgroup {
    pub(super) fn at(dir: &Path) -> Self {
        Self {
            cpu: dir.join("cpu.stat"),
            memory: dir.join("memory.current"),
            io: dir.join("io.stat"),
            processes: dir.join("pids.current"),
        }
    }

    /// Puts what the cgroup counts into a sample; what no controller counts there stays as it is.
    pub(super) fn fill(&self, sample: &mut Sample, buffer: &mut Buffer) {
        if let Some(cpu) = buffer
            .read(&self.cpu)
            .and_then(|text| named(text, "usage_usec"))
        {
            sample.cpu_us = cpu;
            sample.flags |= Sample::CGROUP;
        }
        let mut one = |file: &Path| Some(number(buffer.read(file)?)?.0);
        if let Some(bytes) = one(&self.memory) {
            sample.rss_bytes = bytes;
        }
        if let Some(count) = one(&self.processes) {
            sample.processes = u32::try_from(count).unwrap_or(u32::MAX);
        }
        if let Some(text) = buffer.read(&self.io) {
            (sample.read_bytes, sample.written_bytes) =
                (sum(text, b"rbytes="), sum(text, b"wbytes="));
        }
    }

    /// Whether the processes need not be looked at one by one.
    pub(super) fn is_complete(&self) -> bool {
        [&self.cpu, &self.memory, &self.io, &self.processes]
            .iter()
            .all(|file| file.exists())
    }
}

/// The sum over all disks of a value such as `rbytes=12`.
fn sum(text: &[u8], name: &[u8]) -> u64 {
    let words = text.split(u8::is_ascii_whitespace);
    let values = words.filter_map(|word| number(word.strip_prefix(name)?));
    values.map(|(value, _)| value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn what_a_cgroup_counts_is_taken() {
        let dir = tree(&[
            ("cpu.stat", "usage_usec 1200\nuser_usec 1000\n"),
            ("memory.current", "4096\n"),
            ("pids.current", "3\n"),
            (
                "io.stat",
                "8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1\n",
            ),
        ]);
        let cgroup = Cgroup::at(dir.path());
        assert!(cgroup.is_complete());
        let mut sample = Sample::default();
        cgroup.fill(&mut sample, &mut Buffer::default());
        let expected = Sample {
            cpu_us: 1200,
            rss_bytes: 4096,
            processes: 3,
            read_bytes: 11,
            written_bytes: 22,
            flags: Sample::CGROUP,
            ..Sample::default()
        };
        assert_eq!(sample, expected);
    }

    #[test]
    fn what_it_does_not_count_stays_as_the_processes_tell_it() {
        let dir = tree(&[("cpu.stat", "usage_usec 5\n")]);
        let cgroup = Cgroup::at(dir.path());
        assert!(!cgroup.is_complete());
        let before = Sample {
            cpu_us: 1,
            rss_bytes: 2,
            processes: 3,
            read_bytes: 4,
            written_bytes: 5,
            ..Sample::default()
        };
        let mut sample = before;
        cgroup.fill(&mut sample, &mut Buffer::default());
        let expected = Sample {
            cpu_us: 5,
            flags: Sample::CGROUP,
            ..before
        };
        assert_eq!(sample, expected);
        let mut gone = before;
        Cgroup::at(&dir.path().join("gone")).fill(&mut gone, &mut Buffer::default());
        assert_eq!(gone, before);
    }
}
