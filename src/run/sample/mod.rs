//! What a running attempt takes of the machine, noted at regular moments.
//!
//! The file `samples` of an attempt: a header, then records of one size, each with a checksum. Who
//! looks after the run writes them; they are for people to look at, totals come from elsewhere.
//! Nothing about them may fail a run: what cannot be noted is missing, and the next record says so.
mod cgroup;
mod file;
mod host;
mod pace;
mod probe;
mod sampler;
mod summary;
mod tree;

use file::SampleFile;
pub use file::samples;
pub use host::Host;
pub use probe::Probe;
pub use sampler::Sampler;
pub use summary::{Taken, quiet_for, roll_up};

use serde::Serialize;

/// What an attempt took so far, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When, in milliseconds since boot.
    pub boot_ms: u64,
    /// Processor time of all its processes until then, in microseconds.
    pub cpu_us: u64,
    /// Memory of its processes at that moment.
    pub rss_bytes: u64,
    /// What it had read from disks.
    pub read_bytes: u64,
    /// What it had written to disks.
    pub written_bytes: u64,
    /// How many processes it had.
    pub processes: u32,
    /// What the machine was like.
    pub host: Host,
    /// The output so far.
    pub log_bytes: u64,
    /// [`Sample::GAP`], [`Sample::SLOW`], [`Sample::CGROUP`].
    pub flags: u16,
}

impl Sample {
    /// Nobody noted anything for a while before this one.
    pub const GAP: u16 = 1;
    /// To look costs so much here that it is done less often.
    pub const SLOW: u16 = 2;
    /// The numbers are those of the attempt's own cgroup.
    pub const CGROUP: u16 = 4;

    /// What it took per second between an earlier sample and this one.
    pub fn since(&self, earlier: &Self) -> Option<Rates> {
        let ms = self.boot_ms.checked_sub(earlier.boot_ms)?;
        let seconds = (ms > 0).then_some(ms as f64 / 1000.0)?;
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        Some(Rates {
            cpus: per_second(self.cpu_us, earlier.cpu_us) / 1e6,
            read_bytes: per_second(self.read_bytes, earlier.read_bytes),
            written_bytes: per_second(self.written_bytes, earlier.written_bytes),
            log_bytes: per_second(self.log_bytes, earlier.log_bytes),
        })
    }
}

/// What is taken per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Processors: 1.0 is one of them all the time.
    pub cpus: f64,
    /// Bytes read from disks.
    pub read_bytes: f64,
    /// Bytes written to disks.
    pub written_bytes: f64,
    /// Bytes of output.
    pub log_bytes: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_differences_per_second() {
        let earlier = Sample {
            boot_ms: 1000,
            cpu_us: 5_000_000,
            read_bytes: 10,
            ..Sample::default()
        };
        let later = Sample {
            boot_ms: 3000,
            cpu_us: 8_000_000,
            read_bytes: 4,
            written_bytes: 100,
            ..Sample::default()
        };
        let rates = later.since(&earlier).unwrap();
        // What shrinks is not taken back.
        let shown = (rates.cpus, rates.written_bytes, rates.read_bytes);
        assert_eq!(shown, (1.5, 50.0, 0.0));
        assert_eq!(later.since(&later), None, "no time has passed");
        assert_eq!(earlier.since(&later), None);
    }
}
