//! What the kernel and the session allow: limits, load, pressure.
use std::fs;

use rustix::process::{Resource as Limit, getrlimit};

use super::super::Host;

/// A limit of this session; one that there is not is more than enough.
pub(super) fn limit(of: Limit) -> u64 {
    getrlimit(of).current.unwrap_or(u64::MAX)
}

/// A number that is the only thing in a file of `/proc`.
pub(super) fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Processes that want a processor, in per cent of the processors that there are.
pub(super) fn load() -> Option<u64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    Some((load * 100.0) as u64 / cpus()?)
}

/// How much of the last ten seconds something waited for `what`, in per cent.
pub(super) fn pressure(what: &str) -> Option<u64> {
    average(&fs::read_to_string(format!("/proc/pressure/{what}")).ok()?)
}

fn average(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let value = line
        .split(' ')
        .find_map(|word| word.strip_prefix("avg10="))?;
    value.parse::<f64>().ok().map(|value| value as u64)
}

/// The processors that this process may use.
pub(in crate::check) fn cpus() -> Option<u64> {
    let cpus = std::thread::available_parallelism().ok()?;
    Some(cpus.get() as u64)
}

/// The threads that can help this one.
pub(super) fn others() -> usize {
    cpus().map_or(0, |cpus| cpus.saturating_sub(1) as usize)
}

/// How many jobs builds will run at once: what `MAKEFLAGS` says, or one for each processor.
pub(super) fn jobs(host: &Host<'_>) -> Option<u64> {
    let flags = host.env.get("MAKEFLAGS").and_then(|flags| flags.to_str());
    match flags.and_then(jobs_of) {
        Some(Jobs::Counted(jobs)) => Some(jobs),
        _ => cpus(),
    }
}

/// How many jobs a `MAKEFLAGS` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jobs {
    Counted(u64),
    /// `-j` alone: as many as there are.
    Endless,
}

/// What is said of jobs in a `MAKEFLAGS`; of several the last counts.
pub(super) fn jobs_of(flags: &str) -> Option<Jobs> {
    let mut words = flags.split_whitespace().peekable();
    let mut found = None;
    while let Some(word) = words.next() {
        let count = match word.strip_prefix("--jobs").or(word.strip_prefix("-j")) {
            Some(rest) => rest.trim_start_matches('=').to_owned(),
            None => continue,
        };
        let next = words.peek().copied().unwrap_or_default();
        found = match (count.parse(), next.parse()) {
            (Ok(count), _) => Some(Jobs::Counted(count)),
            (_, Ok(count)) if count_follows(word) => Some(Jobs::Counted(count)),
            _ if count.is_empty() => Some(Jobs::Endless),
            _ => found,
        };
    }
    found
}

fn count_follows(word: &str) -> bool {
    matches!(word, "-j" | "--jobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_as_make_reads_them() {
        for (flags, jobs) in [
            ("-j4", Some(Jobs::Counted(4))),
            ("-k -j 4 -s", Some(Jobs::Counted(4))),
            ("--jobs=2", Some(Jobs::Counted(2))),
            ("-j", Some(Jobs::Endless)),
            ("-j -k", Some(Jobs::Endless)),
            ("--jobs", Some(Jobs::Endless)),
            ("-j --jobs=3", Some(Jobs::Counted(3))),
            ("-k", None),
            ("", None),
            ("-jN", None),
        ] {
            assert_eq!(jobs_of(flags), jobs, "{flags}");
        }
    }

    #[test]
    fn pressure_is_that_of_the_last_seconds() {
        let text = "some avg10=12.80 avg60=1.00 avg300=0.00 total=5\nfull avg10=99.00\n";
        assert_eq!(average(text), Some(12));
        assert_eq!(average("nothing"), None);
    }
}
