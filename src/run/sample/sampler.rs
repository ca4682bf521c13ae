//! Notes what running attempts take.
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::pace::Pace;
use super::probe::Probe;
use super::{Sample, SampleFile};
use crate::run::AttemptDir;

/// How often cgroups are read; a loop that comes a little early is on time.
const TICK: Duration = Duration::from_millis(900);
/// How often all processes are looked at.
const WALK: Duration = Duration::from_millis(4900);
/// What is later than this after its time was not noted for a while.
const LATE: Duration = Duration::from_secs(5);

/// Writes the samples of all attempts of a run.
pub struct Sampler {
    probe: Probe,
    walks: Pace,
    ticks: Pace,
    files: Vec<Recorded>,
}

/// The samples of one attempt.
struct Recorded {
    dir: AttemptDir,
    /// None once it could not be written; tried again at the next sample.
    file: Option<SampleFile>,
    last: Option<Duration>,
    /// Whether the next sample stands behind a gap.
    is_behind_gap: bool,
}

impl Sampler {
    /// For a run of a plan that builds `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            probe: Probe::new(root),
            walks: Pace::new(WALK),
            ticks: Pace::new(TICK),
            files: Vec::new(),
        }
    }

    /// Looks at what runs, if it is time to; to be called about once a second with all attempts
    /// that run.
    pub fn tick<'a>(&mut self, now: Duration, dirs: impl Iterator<Item = &'a AttemptDir> + Clone) {
        if !self.ticks.is_due(now) {
            return;
        }
        let before = spent();
        self.probe.follow(dirs.clone());
        self.files
            .retain(|one| dirs.clone().any(|dir| *dir == one.dir));
        let is_walk = self.walks.is_due(now) && self.probe.needs_walk();
        let walked_now = if is_walk { Walked::Yes } else { Walked::No };
        if is_walk {
            self.probe.walk();
            self.walks.spent(now, spent().saturating_sub(before));
        }
        let walked = spent();
        self.note(now, dirs, walked_now);
        self.ticks.spent(now, spent().saturating_sub(walked));
    }

    /// Notes what is news: cgroups always are, the rest is after a walk.
    fn note<'a>(
        &mut self,
        now: Duration,
        dirs: impl Iterator<Item = &'a AttemptDir>,
        walked: Walked,
    ) {
        let mut host = None;
        for dir in dirs {
            if walked == Walked::No && !self.probe.has_cgroup(dir) {
                continue;
            }
            let host = *host.get_or_insert_with(|| self.probe.host());
            let Some(mut sample) = self.probe.sample(dir, now, host) else {
                continue;
            };
            if self.walks.is_slow() || self.ticks.is_slow() {
                sample.flags |= Sample::SLOW;
            }
            self.record(dir, (now, self.latest_next(dir)), sample);
        }
    }

    /// By when the next sample of an attempt is there, if all is well.
    fn latest_next(&self, dir: &AttemptDir) -> Duration {
        let pace = if self.probe.has_cgroup(dir) {
            &self.ticks
        } else {
            &self.walks
        };
        2 * pace.period() + LATE
    }

    fn record(&mut self, dir: &AttemptDir, now: (Duration, Duration), sample: Sample) {
        let known = self.files.iter().position(|one| one.dir == *dir);
        let at = known.unwrap_or_else(|| {
            self.files.push(Recorded::new(dir));
            self.files.len() - 1
        });
        self.files[at].add(now, sample);
    }
}

/// Whether all processes were looked at just now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walked {
    Yes,
    No,
}

impl Recorded {
    fn new(dir: &AttemptDir) -> Self {
        Self {
            dir: dir.clone(),
            file: None,
            last: None,
            is_behind_gap: false,
        }
    }

    /// Nothing about samples may fail a run: what the disk does not take is a gap.
    fn add(&mut self, (now, limit): (Duration, Duration), mut sample: Sample) {
        if self.file.is_none() && self.dir.path().is_dir() {
            self.file = SampleFile::open(&self.dir.samples()).ok();
            self.is_behind_gap |= self.file.as_ref().is_some_and(SampleFile::is_continued);
        }
        let Some(file) = &mut self.file else {
            return;
        };
        let is_late = self
            .last
            .is_some_and(|last| now.saturating_sub(last) > limit);
        if is_late || self.is_behind_gap {
            sample.flags |= Sample::GAP;
        }
        if file.append(&sample).is_ok() {
            (self.last, self.is_behind_gap) = (Some(now), false);
        } else {
            (self.file, self.is_behind_gap) = (None, true);
        }
    }
}

/// The processor time that this thread has used.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
