//! Amounts as people write and read them.
use serde_json::Value as Json;

const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A number, or a size with a unit: `10 GB`, `512MiB`.
pub(super) fn amount(value: &Json) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let text = value.as_str()?.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim();
    let matches = |(name, _): &&(&str, u64)| name.eq_ignore_ascii_case(unit);
    let factor = if unit.is_empty() {
        1
    } else {
        UNITS.iter().find(matches)?.1
    };
    let bytes = number * factor as f64;
    (bytes < 1e18).then_some(bytes.round() as u64)
}

/// A size for people: `6.3 GB`.
pub(super) fn size(bytes: u64) -> String {
    let decimal = UNITS.iter().filter(|(name, _)| !name.contains('i'));
    let fitting = decimal.into_iter().find(|(_, factor)| bytes >= *factor);
    match fitting {
        Some((name, factor)) if *factor > 1 => {
            let number = bytes as f64 / *factor as f64;
            let text = format!("{number:.1}");
            format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text))
        }
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown() {
        for (text, bytes) in [("10 GB", 10_000_000_000), ("512MiB", 536_870_912), ("4", 4)] {
            assert_eq!(amount(&Json::from(text)), Some(bytes));
        }
        assert_eq!(amount(&Json::from(7)), Some(7));
        for wrong in ["", "GB", "1 XB", "-1 GB"] {
            assert_eq!(amount(&Json::from(wrong)), None, "{wrong}");
        }
        assert_eq!(size(6_340_000_000), "6.3 GB");
        assert_eq!(size(10_000_000_000), "10 GB");
        assert_eq!(size(12), "12 B");
    }
}
