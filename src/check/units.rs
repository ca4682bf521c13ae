//! Sizes as people read them.
/// The largest first.
const UNITS: &[(&str, u64)] = &[
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// A size for people: `6.3 GB`.
pub(super) fn size(bytes: u64) -> String {
    match UNITS.iter().find(|(_, factor)| bytes >= *factor) {
        Some((name, factor)) => {
            let number = bytes as f64 / *factor as f64;
            let text = format!("{number:.1}");
            format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text))
        }
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(6_340_000_000), "6.3 GB");
        assert_eq!(size(10_000_000_000), "10 GB");
        assert_eq!(size(1_000), "1 kB");
        assert_eq!(size(12), "12 B");
    }
}
