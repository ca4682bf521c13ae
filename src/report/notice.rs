//! What people should know of a build that goes on, and need not look for.
use std::fmt;

use serde::Serialize;

use super::status::Status;
use crate::run::{Sample, quiet_for};
use crate::ui::{clean, seconds, style};

/// Nothing is said to hang before that, in seconds: what was never watched to its end may be slow.
const PATIENCE: f64 = 1800.0;
/// A step may be silent so much longer than ever before.
const LONGER: f64 = 2.0;
/// And no less than this, in seconds.
const LEAST: f64 = 600.0;
/// A step is held up if it was so for so long, in milliseconds.
const HELD_UP: u64 = 60_000;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What sort of thing: `paused`, `input`, `hung`, `starved`, `overdue`, `room`, `keep`.
    pub kind: &'static str,
    /// The step it is about.
    pub step: Option<String>,
    /// What it is.
    pub message: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = style::notable(format!("{:7}", self.kind));
        write!(f, "{kind} {}", clean(&self.message))
    }
}

impl Notice {
    /// A notice about a step, or about all of it.
    pub fn new(kind: &'static str, step: Option<&str>, message: String) -> Self {
        let step = step.map(str::to_owned);
        Self {
            kind,
            step,
            message,
        }
    }

    /// Whether `status` tells of it in the line of its step.
    pub fn is_told(&self) -> bool {
        matches!(self.kind, "overdue" | "room")
    }
}

/// What follows from how things stand.
pub fn of_status(status: &Status) -> Vec<Notice> {
    let mut notices = Vec::new();
    for running in &status.running {
        let name = &running.attempt;
        if running.state == "paused" {
            let message = format!("{name} is halted: `buildkeep resume` has it go on");
            notices.push(Notice::new("paused", Some(&running.step), message));
        }
        if let (Some(elapsed), Some(range)) = (running.elapsed_s, running.expected)
            && range.overdue_s().is_some_and(|late| elapsed > late)
        {
            let (is, most) = (seconds(elapsed), seconds(range.high_s));
            let message = format!("{name} runs for {is}; at most {most} were expected");
            notices.push(Notice::new("overdue", Some(&running.step), message));
        }
    }
    if let Some(disk) = status.disk.as_ref().filter(|disk| disk.is_short()) {
        let message = format!(
            "the next step, {}, needs more room than there is",
            disk.step
        );
        notices.push(Notice::new("room", Some(&disk.step), message));
    }
    notices
}

/// What samples tell of a running step that was never quiet for longer than `quiet_s`.
///
/// It hangs only if nothing at all was seen of it for longer than it ever was quiet, while it waited
/// for nothing; who waits for the machine is held up by others.
pub fn of_samples(step: &str, samples: &[Sample], quiet_s: Option<f64>) -> Option<Notice> {
    let quiet = quiet_for(samples);
    if quiet > limit(quiet_s) {
        let message = format!(
            "nothing was seen of {step} for {}: no output, no work, no disk; it may hang",
            seconds(quiet)
        );
        return Some(Notice::new("hung", Some(step), message));
    }
    let what = held_up_by(samples)?;
    let message = format!("{step} gets nowhere for want of {what}");
    Some(Notice::new("starved", Some(step), message))
}

/// For how long a step may be quiet that was never so for longer than `quiet_s`, in seconds.
fn limit(quiet_s: Option<f64>) -> f64 {
    quiet_s.map_or(PATIENCE, |quiet| (quiet * LONGER).max(LEAST))
}

/// How many samples tell whether a step hangs in whose `newest` ones nothing moves; none if something does.
pub fn needed(newest: &[Sample], quiet_s: Option<f64>) -> Option<u64> {
    let (first, last) = (newest.first()?, newest.last()?);
    let span = last.boot_ms.saturating_sub(first.boot_ms) as f64 / 1000.0;
    // One a second, and some that were early.
    (quiet_for(newest) >= span).then(|| (limit(quiet_s) * 2.0).ceil() as u64)
}

/// What kept a step from working in all of the last minute.
fn held_up_by(samples: &[Sample]) -> Option<&'static str> {
    /// A tenth of a processor.
    const SLOW: f64 = 0.1;
    let last = samples.last()?;
    let from = samples
        .iter()
        .rposition(|sample| sample.boot_ms + HELD_UP <= last.boot_ms)?;
    let minute = &samples[from..];
    let is_whole = minute.iter().all(|sample| sample.flags & Sample::GAP == 0);
    let worked = last.since(&minute[0])?.cpus;
    if !is_whole || worked > SLOW {
        return None;
    }
    let all = |of: fn(&Sample) -> u16, percent: u16| {
        minute.iter().all(|sample| of(sample) > percent * 100)
    };
    if all(|sample| sample.host.memory, 40) {
        Some("memory")
    } else if all(|sample| sample.host.io, 60) {
        Some("the disk")
    } else if all(|sample| sample.host.cpu, 90) {
        Some("a processor")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Host;

    /// A sample a second, with what `change` makes of each.
    fn trace(seconds: u64, change: impl Fn(u64, &mut Sample)) -> Vec<Sample> {
        let one = |at: u64| {
            let mut sample = Sample {
                boot_ms: at * 1000,
                processes: 2,
                ..Sample::default()
            };
            change(at, &mut sample);
            sample
        };
        (0..=seconds).map(one).collect()
    }

    fn kind(samples: &[Sample], quiet_s: Option<f64>) -> Option<&'static str> {
        of_samples("gcc", samples, quiet_s).map(|notice| notice.kind)
    }

    #[test]
    fn a_step_hangs_only_if_nothing_at_all_is_seen_for_longer_than_ever() {
        let still = trace(1300, |_, _| {});
        assert_eq!(kind(&still, Some(10.0)), Some("hung"));
        assert_eq!(kind(&still, Some(700.0)), None, "it was as quiet before");
        assert_eq!(kind(&still, None), None, "nobody knows yet how quiet it is");
        assert_eq!(kind(&trace(1900, |_, _| {}), None), Some("hung"));
        let alive: [fn(u64, &mut Sample); 6] = [
            |at, sample| sample.cpu_us = at * 20_000,
            |at, sample| sample.log_bytes = at / 100,
            |at, sample| sample.read_bytes = at / 300,
            |at, sample| sample.processes = 2 + (at / 400 % 2) as u32,
            |_, sample| sample.host.io = 2000,
            |at, sample| sample.flags = if at == 1000 { Sample::GAP } else { 0 },
        ];
        for change in alive {
            assert_eq!(kind(&trace(1300, change), Some(10.0)), None);
        }
    }

    #[test]
    fn as_many_samples_are_read_as_it_takes_to_tell() {
        let still = trace(9000, |_, _| {});
        let newest = &still[still.len() - 100..];
        for quiet_s in [None, Some(10.0), Some(3000.0)] {
            let needed = usize::try_from(needed(newest, quiet_s).unwrap()).unwrap();
            let read = &still[still.len().saturating_sub(needed)..];
            assert_eq!(kind(read, quiet_s), Some("hung"), "{quiet_s:?}");
        }
        let moves = trace(100, |at, sample| sample.log_bytes = at / 50);
        assert_eq!(needed(&moves, None), None);
        assert_eq!(needed(&[], None), None);
    }

    #[test]
    fn who_waits_for_the_machine_all_the_time_is_starved_and_a_compile_is_not() {
        let waits = |host: Host| trace(90, move |_, sample| sample.host = host);
        let disk = Host {
            io: 9000,
            ..Host::default()
        };
        assert_eq!(kind(&waits(disk), None), Some("starved"));
        assert_eq!(kind(&waits(disk)[..50], None), None, "not for a minute yet");
        let busy = trace(90, |at, sample| {
            sample.host.cpu = 9900;
            sample.cpu_us = at * 900_000;
        });
        assert_eq!(kind(&busy, None), None);
        let moment = trace(90, |at, sample| {
            sample.host.io = if at == 60 { 100 } else { 9000 };
            sample.cpu_us = at * 50_000;
        });
        assert_eq!(kind(&moment, None), None);
    }
}
