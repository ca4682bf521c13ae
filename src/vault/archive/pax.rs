//! Records of extended headers: `LENGTH KEY=VALUE\n`, the length counting itself.
use std::collections::BTreeMap;

/// Records in the making.
#[derive(Debug, Default)]
pub(super) struct PaxWriter(Vec<u8>);

impl PaxWriter {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length = rest + length.to_string().len();
        }
        self.0.extend_from_slice(length.to_string().as_bytes());
        self.0.push(b' ');
        self.0.extend_from_slice(key);
        self.0.push(b'=');
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Records as they were read, the last of each key; those of sparse maps as they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Pax {
    pub(super) values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Offsets and lengths of the oldest form of sparse maps, where keys are repeated.
    pub(super) map: Vec<(u64, u64)>,
}

impl Pax {
    /// Adds the records of an extended header; an empty value takes one away.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        let mut offset = None;
        while !bytes.is_empty() {
            // What pads the records.
            if bytes.iter().all(|byte| *byte == 0) {
                break;
            }
            let (key, value, rest) = record(bytes).ok_or("an extended header makes no sense")?;
            bytes = rest;
            match key {
                b"GNU.sparse.offset" => offset = Some(number(value)?),
                b"GNU.sparse.numbytes" => {
                    let start = offset.take().ok_or("a sparse map makes no sense")?;
                    self.map.push((start, number(value)?));
                }
                _ if value.is_empty() && !key.starts_with(b"SCHILY.xattr.") => {
                    self.values.remove(key);
                }
                _ => drop(self.values.insert(key.to_vec(), value.to_vec())),
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(Vec::as_slice)
    }

    pub(super) fn number(&self, key: &[u8]) -> Result<Option<u64>, String> {
        self.get(key).map(number).transpose()
    }
}

fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(21).position(|byte| *byte == b' ')?;
    let length = std::str::from_utf8(&bytes[..space]).ok()?;
    let length: usize = length.parse().ok()?;
    let (whole, rest) = bytes.split_at_checked(length)?;
    let body = whole.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], rest))
}

/// A number in decimal digits.
pub(super) fn number(text: &[u8]) -> Result<u64, String> {
    let digits = std::str::from_utf8(text).ok();
    let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let found = digits.and_then(|text| text.parse().ok());
    found.ok_or_else(|| format!("`{}` is no number", String::from_utf8_lossy(text)))
}

/// Seconds with a fraction: `-86399.000000001`.
pub(super) fn print_time(seconds: i64, nanos: u32) -> String {
    let (sign, whole, part) = if seconds < 0 && nanos > 0 {
        ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - nanos)
    } else if seconds < 0 {
        ("-", seconds.unsigned_abs(), 0)
    } else {
        ("", seconds.unsigned_abs(), nanos)
    };
    let text = format!("{sign}{whole}.{part:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What [`print_time`] printed; digits beyond nanoseconds are left out.
pub(super) fn parse_time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanos: u32 = format!("{part:0<9}").get(..9)?.parse().ok()?;
    Some(match (is_negative, nanos) {
        (false, nanos) => (whole, nanos),
        (true, 0) => (-whole, 0),
        (true, nanos) => (-whole - 1, 1_000_000_000 - nanos),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_whatever_their_length() {
        for length in [
            0_usize, 1, 5, 80, 85, 86, 87, 88, 89, 90, 979, 980, 9_970, 9_990,
        ] {
            let value = vec![b'='; length];
            let mut writer = PaxWriter::default();
            writer.push(b"SCHILY.xattr.user.x", &value);
            writer.push(b"path", b"a\nb");
            let mut pax = Pax::default();
            pax.read(writer.bytes()).unwrap();
            assert_eq!(pax.get(b"SCHILY.xattr.user.x"), Some(&value[..]));
            assert_eq!(pax.get(b"path"), Some(&b"a\nb"[..]));
        }
        for bad in [
            &b"5 a=b\n"[..],
            b"x",
            b"99 a=b\n",
            b"6 abc\n",
            b"0 ",
            b"-1 a=b\n",
        ] {
            assert!(Pax::default().read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_come_back() {
        let times = [
            (0, 0),
            (1, 1),
            (-1, 0),
            (-1, 999_999_999),
            (-86_400, 1),
            (4_000_000_000, 5),
        ];
        for (seconds, nanos) in times {
            let text = print_time(seconds, nanos);
            assert_eq!(
                parse_time(text.as_bytes()),
                Some((seconds, nanos)),
                "{text}"
            );
        }
        assert_eq!(print_time(-86_400, 999_999_999), "-86399.000000001");
        for bad in ["", "-", ".5", "1e3", "1.5.5", "--1", "99999999999999999999"] {
            assert_eq!(parse_time(bad.as_bytes()), None, "{bad}");
        }
    }
}
