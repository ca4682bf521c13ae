//! Is there enough of it.
use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Host, units};
use super::{Finding, Resource};

pub(super) fn look(resource: Resource, at_least: u64, path: &str, host: &Host<'_>) -> Finding {
    let Some(path) = host.place(path) else {
        return Finding::no_root();
    };
    let there = match resource {
        Resource::Disk => on_disk(&path).map(|disk| disk.0),
        Resource::Inodes => on_disk(&path).map(|disk| disk.1),
        Resource::Memory => memory(),
        Resource::Swap => meminfo("SwapTotal"),
        Resource::Cpus => std::thread::available_parallelism()
            .ok()
            .map(|n| n.get() as u64),
    };
    let Some(there) = there else {
        return Finding::unknown("the system does not tell");
    };
    let mut found = match resource {
        Resource::Inodes | Resource::Cpus => there.to_string(),
        Resource::Disk | Resource::Memory | Resource::Swap => units::size(there),
    };
    if matches!(resource, Resource::Disk | Resource::Inodes) {
        found = format!("{found} free in {}", existing(&path).display());
    }
    if there >= at_least {
        Finding::ok(found)
    } else {
        Finding::fail(found)
    }
}

/// Free bytes and inodes for ordinary users; a file system without a count of inodes has enough.
fn on_disk(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(existing(path)).ok()?;
    let inodes = if stat.f_files == 0 {
        u64::MAX
    } else {
        stat.f_favail
    };
    Some((stat.f_bavail.saturating_mul(stat.f_frsize), inodes))
}

/// What is not there yet will lie where its parent lies.
fn existing(path: &Path) -> PathBuf {
    let existing = path.ancestors().find(|path| path.exists());
    existing.unwrap_or(Path::new("/")).to_owned()
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
