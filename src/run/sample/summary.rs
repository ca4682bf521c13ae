//! What is left of samples when an attempt is over: a few numbers, and a file of bounded size.
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Sample;
use super::file::{samples, write_all};

/// So many samples of an attempt are kept; of more, each stands for several.
const KEPT: usize = 600;
/// In so many parts of equal time the processors of an attempt are told.
const PARTS: u64 = 10;

/// What an attempt took of the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taken {
    /// The most memory that was seen.
    pub peak_rss_bytes: u64,
    /// What was read from disks.
    pub read_bytes: u64,
    /// What was written to disks.
    pub written_bytes: u64,
    /// The most processes that were seen.
    pub processes: u32,
    /// How many processors it kept busy, in each tenth of its time.
    pub cpus: Vec<f64>,
    /// The most that its disk had less than when it began: whatever wrote there.
    pub disk_bytes: u64,
    /// The longest that nothing was seen of it: no output, no work, no processes coming or going.
    pub quiet_s: f64,
}

impl Taken {
    /// From the samples at `path`; nothing if there are too few to tell.
    pub fn of(path: &Path) -> Option<Self> {
        Self::sum_up(&samples(path, u64::MAX).ok()?)
    }

    fn sum_up(all: &[Sample]) -> Option<Self> {
        let (first, last) = (all.first()?, all.last()?);
        let most = |of: fn(&Sample) -> u64| all.iter().map(of).max().unwrap_or(0);
        let free = |sample: &Sample| sample.host.disk_free_bytes;
        let least_free = all.iter().map(free).min().unwrap_or(0);
        (last.boot_ms > first.boot_ms).then(|| Self {
            peak_rss_bytes: most(|sample| sample.rss_bytes),
            read_bytes: most(|sample| sample.read_bytes),
            written_bytes: most(|sample| sample.written_bytes),
            processes: u32::try_from(most(|sample| sample.processes.into())).unwrap_or(u32::MAX),
            cpus: curve(all, (first.boot_ms, last.boot_ms)),
            disk_bytes: free(first).saturating_sub(least_free),
            quiet_s: longest_quiet(all),
        })
    }
}

/// How long at the end of `all` nothing happened, in seconds.
pub fn quiet_for(all: &[Sample]) -> f64 {
    let pairs = all.windows(2).rev();
    let quiet: u64 = pairs.take_while(|pair| is_quiet(pair)).map(time_of).sum();
    quiet as f64 / 1000.0
}

fn longest_quiet(all: &[Sample]) -> f64 {
    let (mut longest, mut now) = (0, 0);
    for pair in all.windows(2) {
        now = if is_quiet(pair) {
            now + time_of(pair)
        } else {
            0
        };
        longest = longest.max(now);
    }
    longest as f64 / 1000.0
}

fn time_of(pair: &[Sample]) -> u64 {
    pair[1].boot_ms.saturating_sub(pair[0].boot_ms)
}

/// Whether nothing at all happened between two samples, and nothing was waited for.
fn is_quiet(pair: &[Sample]) -> bool {
    /// A hundredth of a processor, in millionths.
    const IDLE: u64 = 10_000;
    /// A tenth of the time, in hundredths of a percent.
    const WAITS: u16 = 1000;
    let (before, after) = (&pair[0], &pair[1]);
    let ms = time_of(pair).max(1);
    let worked = after.cpu_us.abs_diff(before.cpu_us) * 1000 / ms;
    let same = |of: fn(&Sample) -> u64| of(before) == of(after);
    let host = &after.host;
    after.flags & Sample::GAP == 0
        && worked < IDLE
        && same(|sample| sample.log_bytes)
        && same(|sample| sample.read_bytes)
        && same(|sample| sample.written_bytes)
        && same(|sample| sample.processes.into())
        && host.cpu.max(host.io).max(host.memory) < WAITS
}

/// Processors in each part of the time.
fn curve(all: &[Sample], (began, ended): (u64, u64)) -> Vec<f64> {
    let at = |part: u64| began + (ended - began) * part / PARTS;
    // The counter as it was at a time, between the samples around it.
    let counter = |time: u64| {
        let after = all
            .partition_point(|sample| sample.boot_ms < time)
            .min(all.len() - 1);
        let (one, other) = (&all[after.saturating_sub(1)], &all[after]);
        let span = other.boot_ms.saturating_sub(one.boot_ms);
        if span == 0 {
            return other.cpu_us as f64;
        }
        let share = time.saturating_sub(one.boot_ms) as f64 / span as f64;
        one.cpu_us as f64 + other.cpu_us.saturating_sub(one.cpu_us) as f64 * share
    };
    let parts = (0..PARTS).map(|part| {
        let (from, to) = (at(part), at(part + 1));
        let cpus = (counter(to) - counter(from)) / 1000.0 / (to - from).max(1) as f64;
        (cpus.max(0.0) * 100.0).round() / 100.0
    });
    parts.collect()
}

/// Makes the file at `path` small, once nothing is added to it any more.
///
/// Counters stay exact; of memory, processes and pressure, the most is kept, and of free disk the least.
pub fn roll_up(path: &Path) {
    let Ok(all) = samples(path, u64::MAX) else {
        return;
    };
    if all.len() > KEPT {
        // What cannot be made smaller stays as it is.
        let _ = write_all(path, &rolled(&all));
    }
}

fn rolled(all: &[Sample]) -> Vec<Sample> {
    let size = all.len().div_ceil(KEPT);
    let one = |some: &[Sample]| {
        some.iter().copied().reduce(|before, after| Sample {
            rss_bytes: before.rss_bytes.max(after.rss_bytes),
            processes: before.processes.max(after.processes),
            flags: before.flags | after.flags,
            host: super::Host {
                cpu: before.host.cpu.max(after.host.cpu),
                io: before.host.io.max(after.host.io),
                memory: before.host.memory.max(after.host.memory),
                disk_free_bytes: before.host.disk_free_bytes.min(after.host.disk_free_bytes),
            },
            ..after
        })
    };
    // The first stays as it is: all that was taken is counted from there.
    let (first, rest) = all.split_at(1);
    first
        .iter()
        .copied()
        .chain(rest.chunks(size).filter_map(one))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::sample::Host;

    /// Works on two processors for a minute, then waits for a minute.
    fn trace() -> Vec<Sample> {
        let one = |at: u64| Sample {
            boot_ms: 5000 + at * 1000,
            cpu_us: at.min(60) * 2_000_000,
            rss_bytes: if at == 30 { 900 } else { 100 },
            written_bytes: at.min(60) * 10,
            log_bytes: at.min(60),
            processes: 3,
            host: Host {
                disk_free_bytes: 10_000 - at.min(60) * 10,
                ..Host::default()
            },
            ..Sample::default()
        };
        (0..=120).map(one).collect()
    }

    #[test]
    fn samples_become_a_few_numbers() {
        let taken = Taken::sum_up(&trace()).unwrap();
        assert_eq!(
            taken.cpus,
            [2.0, 2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        );
        assert_eq!((taken.peak_rss_bytes, taken.written_bytes), (900, 600));
        assert_eq!((taken.disk_bytes, taken.processes), (600, 3));
        assert_eq!((taken.quiet_s, quiet_for(&trace())), (60.0, 60.0));
        assert_eq!(quiet_for(&trace()[..50]).round() as u64, 0);
        assert_eq!(Taken::sum_up(&trace()[..1]), None);
        assert_eq!(Taken::sum_up(&[]), None);
    }

    #[test]
    fn who_waits_for_the_machine_is_not_quiet_and_a_gap_tells_nothing() {
        let mut waits = trace();
        waits[90].host.io = 5000;
        assert_eq!(quiet_for(&waits).round() as u64, 30);
        let mut unseen = trace();
        unseen[100].flags = Sample::GAP;
        assert_eq!(quiet_for(&unseen).round() as u64, 20);
    }

    #[test]
    fn a_long_file_becomes_small_and_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples");
        let one = |at: u64| Sample {
            boot_ms: at * 1000,
            cpu_us: at * 1_500_000,
            rss_bytes: if at == 7777 { 9000 } else { 1 },
            ..Sample::default()
        };
        let all: Vec<_> = (0..10_000).map(one).collect();
        write_all(&path, &all).unwrap();
        let before = Taken::of(&path).unwrap();
        roll_up(&path);
        let kept = samples(&path, u64::MAX).unwrap();
        assert!(
            kept.len() <= KEPT + 1 && kept.len() > KEPT / 2,
            "{}",
            kept.len()
        );
        assert_eq!(Taken::of(&path).unwrap(), before);
        roll_up(&path);
        assert!(samples(&path, u64::MAX).unwrap().len() <= KEPT + 1);
    }
}
