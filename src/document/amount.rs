//! Amounts as people write them: durations and sizes.
use std::time::Duration;

use serde_json::Value as Json;

/// A duration: seconds, or `90m`, `1h30m`, `2 h`.
pub fn as_duration(value: &Json) -> Option<Duration> {
    match value.as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => duration(value.as_str()?),
    }
}

/// A size: bytes (or another plain number), or `6.3 GB`, `512MiB`, `5.9 GB (with tests)`.
pub fn as_size(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| size(bare(value.as_str()?)))
}

/// A time in SBU: a number, or as the book has it: `46 SBU (with tests)`, `less than 0.1 SBU`,
/// `0.4 - 32 SBU (typically about 2.5 SBU)`.
pub fn as_sbu(value: &Json) -> Option<f64> {
    let sbu = value.as_f64().or_else(|| sbu(value.as_str()?));
    sbu.filter(|sbu| sbu.is_finite() && *sbu >= 0.0)
}

fn sbu(text: &str) -> Option<f64> {
    let typical = text
        .split_once("typically")
        .map(|(_, rest)| rest.trim_start_matches(" about"));
    if let Some(typical) = typical {
        return one_sbu(typical.trim_end_matches(')'));
    }
    let text = bare(text);
    match text.split_once(" - ").or_else(|| text.split_once('–')) {
        // Between two numbers that far apart, in the middle of what they mean.
        Some((low, high)) => Some((one_sbu(low)? * one_sbu(high)?).sqrt()),
        None => one_sbu(text),
    }
}

fn one_sbu(text: &str) -> Option<f64> {
    let (number, unit, rest) = number_and_unit(text.trim())?;
    let is_unit = unit.is_empty() || unit.eq_ignore_ascii_case("sbu");
    (is_unit && rest.is_empty()).then_some(number)
}

/// Without what the book says around an amount.
fn bare(text: &str) -> &str {
    let text = text.split('(').next().unwrap_or(text).trim();
    let words = ["less than", "about", "approximately"];
    let said = words.iter().find_map(|word| text.strip_prefix(word));
    said.unwrap_or(text).trim()
}

fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, unit, after) = number_and_unit(rest)?;
        let seconds = match unit {
            "s" | "" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = after;
    }
    (!total.is_zero()).then_some(total)
}

fn size(text: &str) -> Option<u64> {
    let (number, unit, rest) = number_and_unit(text.trim())?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * factor;
    (rest.is_empty() && bytes < 1e18).then_some(bytes.round() as u64)
}

/// The number and the unit at the front, and what follows.
fn number_and_unit(text: &str) -> Option<(f64, &str, &str)> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, rest) = text.split_at(digits.unwrap_or(text.len()));
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic());
    let (unit, rest) = rest.split_at(letters.unwrap_or(rest.len()));
    Some((number.parse().ok()?, unit, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_the_book_has_them() {
        for (text, sbu) in [
            ("46 SBU (with tests)", 46.0),
            ("less than 0.1 SBU", 0.1),
            ("0.4 - 32 SBU (typically about 2.5 SBU)", 2.5),
            ("1 - 4 SBU", 2.0),
            ("1.6 SBU", 1.6),
            ("3", 3.0),
        ] {
            assert_eq!(as_sbu(&Json::from(text)), Some(sbu), "{text}");
        }
        assert_eq!(as_sbu(&Json::from(2.5)), Some(2.5));
        for text in ["long", "", "SBU", "2 hours"] {
            assert_eq!(as_sbu(&Json::from(text)), None, "{text}");
        }
        assert_eq!(
            as_size(&Json::from("5.9 GB (including tests)")),
            Some(5_900_000_000)
        );
        assert_eq!(as_size(&Json::from("less than 1 MB")), Some(1_000_000));
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("2h", 7200),
            ("1h30m", 5400),
            ("90 min", 5400),
            ("45", 45),
            ("1.5m", 90),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "h",
            "2 weeks",
            "-3s",
            "0s",
            "1e9h",
            "999999999999999999999d",
            "1h 2x",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("6.3 GB", 6_300_000_000),
            ("512MiB", 536_870_912),
            ("7", 7),
            ("1k", 1000),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "GB", "1 GBit", "1 2", "-1", "9999999999 TB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
