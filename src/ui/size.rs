//! Numbers as people read them.
use std::time::Duration;

/// A number of bytes: `512 B`, `1.2 MB`, `31 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A duration: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 days`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A duration given in seconds; one below zero, from a clock that was set back, counts as none.
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A number with its noun: `1 file`, `3 files`.
pub fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        let shown = [0, 999, 1000, 1250, 99_900, 999_499, 999_500, 31_000_000_000].map(size);
        let expected = [
            "0 B", "999 B", "1.0 kB", "1.2 kB", "100 kB", "999 kB", "1.0 MB", "31 GB",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let shown = [300, 42_000, 185_000, 7_800_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.3 s", "42 s", "3 min 5 s", "2 h 10 min"]);
    }
}
