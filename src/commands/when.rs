//! Times as people type them.
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Which end of a day is meant if no time is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its first second.
    Begin,
    /// Its last.
    Last,
}

/// `2026-01-31`, `"2026-01-31 12:00"`, RFC 3339, `today`, `yesterday`, `2d`, `"3 hours ago"`; in UTC.
pub(super) fn parse(text: &str, now: DateTime<Utc>, end: End) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let day = |date: NaiveDate| {
        let time = match end {
            End::Begin => NaiveTime::MIN,
            End::Last => NaiveTime::from_hms_opt(23, 59, 59)?,
        };
        Some(date.and_time(time).and_utc())
    };
    match text {
        "now" => return Some(now),
        "today" => return day(now.date_naive()),
        "yesterday" => return day(now.date_naive().pred_opt()?),
        _ => {}
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let forms = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let mut times = forms.iter();
    if let Some(time) = times.find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        return Some(time.and_utc());
    }
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) => day(date),
        Err(_) => now.checked_sub_signed(ago(text)?),
    }
}

/// A time from now: `90d`, `2 weeks`.
pub(super) fn ahead(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let is_past = text.ends_with("ago");
    now.checked_add_signed(ago(text).filter(|_| !is_past)?)
}

/// `2d`, `2 days`, `2 days ago`.
fn ago(text: &str) -> Option<Duration> {
    let text = text.strip_suffix("ago").map_or(text, str::trim_end);
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim().trim_end_matches('s') {
        // A lone `s` lost its only letter above.
        "" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3_600,
        "d" | "day" => 86_400,
        "w" | "week" => 7 * 86_400,
        "month" => 30 * 86_400,
        "y" | "year" => 365 * 86_400,
        _ => return None,
    };
    Duration::try_seconds(count.checked_mul(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now = "2026-01-10T12:00:00Z".parse().unwrap();
        let shown = |text, end| parse(text, now, end).map(|time| time.to_rfc3339());
        for (text, begin) in [
            ("2026-01-02", "2026-01-02T00:00:00+00:00"),
            ("2026-01-02 10:30", "2026-01-02T10:30:00+00:00"),
            ("2026-01-02T10:30:00+02:00", "2026-01-02T08:30:00+00:00"),
            ("yesterday", "2026-01-09T00:00:00+00:00"),
            ("2d", "2026-01-08T12:00:00+00:00"),
            ("2 days ago", "2026-01-08T12:00:00+00:00"),
            ("90 minutes", "2026-01-10T10:30:00+00:00"),
            ("30s", "2026-01-10T11:59:30+00:00"),
            ("1 week ago", "2026-01-03T12:00:00+00:00"),
        ] {
            assert_eq!(shown(text, End::Begin).as_deref(), Some(begin), "{text}");
        }
        let last = shown("2026-01-02", End::Last);
        assert_eq!(last.as_deref(), Some("2026-01-02T23:59:59+00:00"));
        for text in [
            "",
            "soon",
            "2",
            "d",
            "2 moons",
            "99999999999999999999d",
            "v2",
            "9223372036854775807w",
        ] {
            assert_eq!(shown(text, End::Begin), None, "{text}");
        }
    }
}
