//! What the log of jhalfs for one script says of time and room.

/// Time and room of a build.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// How long it took.
    pub(super) duration_s: f64,
    /// The room it took: what was there in the end, less what was there before.
    pub(super) disk_bytes: Option<u64>,
}

/// Reads `Totalseconds: 123` and the first and last `KB: 456 /mnt/lfs`; nothing if it did not end well.
pub(super) fn read(text: &str) -> Option<Measured> {
    let number = |line: &str, key: &str| -> Option<f64> {
        let rest = line.trim().strip_prefix(key)?.trim_start();
        rest.split_whitespace().next()?.parse().ok()
    };
    let seconds = |line: &str| number(line, "Totalseconds:");
    let duration_s = text.lines().rev().find_map(seconds)?;
    let rooms: Vec<f64> = text
        .lines()
        .filter_map(|line| number(line, "KB:"))
        .collect();
    let grown = rooms
        .first()
        .zip(rooms.last())
        .map(|(first, last)| last - first);
    Some(Measured {
        duration_s: Some(duration_s).filter(|s| s.is_finite() && *s >= 0.0)?,
        disk_bytes: grown
            .filter(|kib| *kib > 0.0)
            .map(|kib| (kib * 1024.0) as u64),
    })
}

/// The chapter and the name in a file's name: `502-gcc-pass1` is of chapter 5, `1004-grub` of 10.
pub(super) fn name_of(file: &str) -> (Option<u32>, &str) {
    let file = file.strip_suffix(".log").unwrap_or(file);
    let digits = file.len() - file.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let name = file[digits..].trim_start_matches(['-', '_']);
    let number = file[..digits].parse::<u32>().ok();
    if name.is_empty() {
        return (None, file);
    }
    (
        number
            .map(|number| number / 100)
            .filter(|chapter| *chapter > 0),
        name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_jhalfs_are_read() {
        let log = "KB: 1000\t/mnt/lfs\nmaking\nTotalseconds: 12\nKB: 5000\t/mnt/lfs\n";
        let disk_bytes = Some(4000 * 1024);
        assert_eq!(
            read(log),
            Some(Measured {
                duration_s: 12.0,
                disk_bytes
            })
        );
        let shrunk = "KB: 9\nTotalseconds: 0.5\nKB: 8\n";
        assert_eq!(
            read(shrunk),
            Some(Measured {
                duration_s: 0.5,
                disk_bytes: None
            })
        );
        assert_eq!(read("KB: 9\nmake: *** [all] Error 2\n"), None);
        assert_eq!(read("Totalseconds: -3\n"), None);
    }

    #[test]
    fn names_are_told_from_numbers() {
        assert_eq!(name_of("502-gcc-pass1"), (Some(5), "gcc-pass1"));
        assert_eq!(name_of("1004-grub.log"), (Some(10), "grub"));
        assert_eq!(name_of("012-x"), (None, "x"));
        assert_eq!(name_of("zlib"), (None, "zlib"));
        assert_eq!(name_of("777"), (None, "777"));
    }
}
