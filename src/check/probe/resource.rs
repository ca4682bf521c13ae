//! Is there enough of it, or not too much.
use std::fs;
use std::path::Path;

use rustix::process::Resource as Limit;

use super::super::{Host, units};
use super::limits::{cpus, jobs, limit, load, number, pressure};
use super::{Amount, Finding, Resource, existing};

pub(super) fn look(resource: Resource, amount: Amount, place: &str, host: &Host<'_>) -> Finding {
    let Some(path) = host.place(place) else {
        return Finding::no_place(place);
    };
    let Some(there) = there(resource, &path, host) else {
        return Finding::unknown("the system does not tell");
    };
    let mut found = told(resource, there);
    if matches!(resource, Resource::Disk | Resource::Inodes) {
        found = format!("{found} free in {}", existing(&path).display());
    }
    let right = match amount {
        Amount::AtLeast(least) => there >= least,
        Amount::AtMost(most) => there <= most,
    };
    if right {
        Finding::ok(found)
    } else {
        Finding::fail(found)
    }
}

fn there(resource: Resource, path: &Path, host: &Host<'_>) -> Option<u64> {
    match resource {
        Resource::Disk => on_disk(path).map(|disk| disk.0),
        Resource::Inodes => on_disk(path).map(|disk| disk.1),
        Resource::Memory => memory(),
        Resource::MemoryPerJob => Some(memory()? / jobs(host)?.max(1)),
        Resource::Swap => meminfo("SwapTotal"),
        Resource::Cpus => cpus(),
        Resource::Load => load(),
        Resource::MemoryPressure => pressure("memory"),
        Resource::IoPressure => pressure("io"),
        Resource::OpenFiles => Some(limit(Limit::Nofile)),
        Resource::Processes => Some(limit(Limit::Nproc)),
        Resource::FileSize => Some(limit(Limit::Fsize)),
        Resource::Pids => number("/proc/sys/kernel/pid_max"),
    }
}

/// An amount as people read it.
pub(super) fn told(resource: Resource, there: u64) -> String {
    match resource {
        _ if there == u64::MAX => "without limit".into(),
        Resource::Disk
        | Resource::Memory
        | Resource::MemoryPerJob
        | Resource::Swap
        | Resource::FileSize => units::size(there),
        Resource::Load | Resource::MemoryPressure | Resource::IoPressure => format!("{there} %"),
        _ => there.to_string(),
    }
}

/// Free bytes and inodes for ordinary users; a file system without a count of inodes has enough.
pub(super) fn on_disk(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(existing(path)).ok()?;
    let inodes = if stat.f_files == 0 {
        u64::MAX
    } else {
        stat.f_favail
    };
    Some((stat.f_bavail.saturating_mul(stat.f_frsize), inodes))
}

/// The memory as people read it.
pub(in crate::check) fn memory_size() -> Option<String> {
    memory().map(units::size)
}

/// The machine's memory, or less if a control group allows less.
fn memory() -> Option<u64> {
    let machine = meminfo("MemTotal")?;
    Some(cgroup_limit().unwrap_or(u64::MAX).min(machine))
}

fn cgroup_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let own = Path::new(own.trim_start_matches('/'));
    let limit = |group: &Path| {
        let file = Path::new("/sys/fs/cgroup").join(group).join("memory.max");
        fs::read_to_string(file).ok()?.trim().parse().ok()
    };
    own.ancestors().filter_map(limit).min()
}

fn meminfo(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
