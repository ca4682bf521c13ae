//! Numbers as people read them.

/// A duration: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 40 min`, `3 days`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..=59 => format!("{whole} s"),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        3600..=172_799 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days", whole / 86_400),
    }
}

/// A size in binary units: `12 B`, `3.4 KiB`, `1.2 GiB`.
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_well() {
        let shown: Vec<_> = [0.04, 9.96, 59.4, 185.0, 9600.0, 300_000.0]
            .map(duration)
            .into();
        assert_eq!(
            shown,
            ["0.0 s", "10 s", "59 s", "3 min 5 s", "2 h 40 min", "3 days"]
        );
        let shown: Vec<_> = [12, 3500, 1 << 30].map(size).into();
        assert_eq!(shown, ["12 B", "3.4 KiB", "1.0 GiB"]);
    }
}
