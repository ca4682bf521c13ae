//! The machine at one moment: pressure, and room on the disk.
use std::path::Path;

use serde::Serialize;

use super::tree::{Buffer, number};

/// How much of the last ten seconds some process waited, in hundredths of a percent, and what the
/// disk has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// For a processor.
    pub cpu: u16,
    /// For a disk.
    pub io: u16,
    /// For memory.
    pub memory: u16,
    /// What an ordinary user may still write to the disk of the root that is built.
    pub disk_free_bytes: u64,
}

impl Host {
    /// Looks; what a system does not tell is 0.
    pub fn look(root: &Path) -> Self {
        Self::read(root, &mut Buffer::default())
    }

    pub(super) fn read(root: &Path, buffer: &mut Buffer) -> Self {
        let mut waited = |file: &str| {
            let text = buffer.read(Path::new(file)).unwrap_or_default();
            average(text).unwrap_or(0)
        };
        Self {
            cpu: waited("/proc/pressure/cpu"),
            io: waited("/proc/pressure/io"),
            memory: waited("/proc/pressure/memory"),
            disk_free_bytes: rustix::fs::statvfs(root)
                .map_or(0, |disk| disk.f_bavail * disk.f_frsize),
        }
    }

    /// The three pressures in percent: processor, disk, memory.
    pub fn percent(&self) -> [f64; 3] {
        [self.cpu, self.io, self.memory].map(|value| f64::from(value) / 100.0)
    }
}

/// The first `avg10=12.34`, in hundredths.
fn average(text: &[u8]) -> Option<u16> {
    let at = text.windows(6).position(|window| window == b"avg10=")?;
    let rest = &text[at + 6..];
    let (whole, length) = number(rest)?;
    let fraction = rest.get(length + 1..length + 3).and_then(number);
    let hundredths = whole * 100 + fraction.map_or(0, |(value, _)| value);
    u16::try_from(hundredths).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_read_in_hundredths() {
        let shown = |text: &str| average(text.as_bytes());
        assert_eq!(shown("some avg10=12.34 avg60=1.00"), Some(1234));
        assert_eq!(shown("some avg10=100.00 avg60"), Some(10000));
        assert_eq!(shown("some avg10=0.07 x"), Some(7));
        for text in ["", "some avg10=", "some avg10=x", "avg60=1.00"] {
            assert_eq!(shown(text), None, "{text}");
        }
        assert_eq!(shown("some avg10=3"), Some(300));
    }

    #[test]
    fn this_machine_has_a_disk() {
        assert!(Host::look(Path::new("/")).disk_free_bytes > 0);
        assert_eq!(Host::look(Path::new("/not/there")).disk_free_bytes, 0);
    }
}
