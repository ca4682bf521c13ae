//! Whether the machine has room for one more step.
//!
//! The numbers are those of Linux's pressure stall information: the share of the last ten seconds
//! in which some (or all) processes had to wait for a resource, in percent.
//! <https://docs.kernel.org/accounting/psi.html>
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::fs::read_optional;

/// Some process waited for memory for more than this share of the time.
const MEMORY: f64 = 10.0;
/// All processes waited for a disk.
const DISK: f64 = 40.0;

/// What there is too little of for another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Memory: what is free, or how long processes wait for it.
    Memory,
    /// Disks that answer in time.
    Disk,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Disk => "the disk",
        })
    }
}

/// Where the system tells of its load.
#[derive(Clone, Debug)]
pub struct Room(PathBuf);

impl Default for Room {
    fn default() -> Self {
        Self("/proc".into())
    }
}

impl Room {
    /// A folder in the form of `/proc`.
    pub fn at(proc: impl Into<PathBuf>) -> Self {
        Self(proc.into())
    }

    /// Memory that programs could have now without swapping, in bytes.
    pub fn available(&self) -> Option<u64> {
        let text = text(&self.0.join("meminfo"))?;
        let line = text
            .lines()
            .find(|line| line.starts_with("MemAvailable:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// The share of the last ten seconds, in percent, in which `who` (`some`, `full`) waited.
    fn waited(&self, resource: &str, who: &str) -> Option<f64> {
        let text = text(&self.0.join("pressure").join(resource))?;
        let line = text.lines().find(|line| line.starts_with(who))?;
        let average = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("avg10="))?;
        average.parse().ok()
    }
}

/// What another step that needs `memory` bytes would have to wait for, while others run that may
/// still take `reserved` bytes. A system that tells nothing has room.
pub fn shortage(room: &Room, memory: u64, reserved: u64) -> Option<Shortage> {
    let is_over = |resource, who, limit| room.waited(resource, who).is_some_and(|is| is > limit);
    let wanted = memory.saturating_add(reserved);
    let is_small = room.available().is_some_and(|free| free < wanted);
    if is_small || is_over("memory", "some", MEMORY) {
        Some(Shortage::Memory)
    } else if is_over("io", "full", DISK) {
        Some(Shortage::Disk)
    } else {
        None
    }
}

fn text(path: &Path) -> Option<String> {
    let bytes = read_optional(path).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(memory: &str, io: &str, free_kib: u64) -> (tempfile::TempDir, Room) {
        let dir = tempfile::tempdir().unwrap();
        let pressure = dir.path().join("pressure");
        std::fs::create_dir(&pressure).unwrap();
        for (name, avg10) in [("memory", memory), ("io", io)] {
            let line = |who| format!("{who} avg10={avg10} avg60=0.00 avg300=0.00 total=1\n");
            std::fs::write(pressure.join(name), line("some") + &line("full")).unwrap();
        }
        let meminfo = format!("MemTotal: 9 kB\nMemAvailable:    {free_kib} kB\n");
        std::fs::write(dir.path().join("meminfo"), meminfo).unwrap();
        let room = Room::at(dir.path());
        (dir, room)
    }

    #[test]
    fn a_machine_under_pressure_has_no_room() {
        let short = |memory, io| {
            let (_dir, room) = room(memory, io, 1024);
            shortage(&room, 0, 0)
        };
        assert_eq!(short("10.00", "40.00"), None);
        assert_eq!(short("10.01", "99.00"), Some(Shortage::Memory));
        assert_eq!(short("0.00", "55.10"), Some(Shortage::Disk));
    }

    #[test]
    fn memory_that_running_steps_may_still_take_is_not_free() {
        let (_dir, room) = room("0.00", "0.00", 100);
        assert_eq!(shortage(&room, 60 << 10, 40 << 10), None);
        assert_eq!(shortage(&room, 60 << 10, 41 << 10), Some(Shortage::Memory));
    }

    #[test]
    fn a_system_that_tells_nothing_has_room() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(shortage(&Room::at(dir.path()), u64::MAX, 0), None);
    }
}
