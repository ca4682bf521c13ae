//! Numbers, seven bits a byte, lowest first.

/// Appends a number.
pub(super) fn append(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a number that may be negative: 0, -1, 1, -2, …
pub(super) fn append_signed(number: i64, out: &mut Vec<u8>) {
    append(((number << 1) ^ (number >> 63)) as u64, out);
}

/// Appends a length and as many bytes.
pub(super) fn append_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    append(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// What is left of a text of numbers and bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next number; nothing if it is cut, or longer than needed.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part || (byte == 0 && shift > 0) {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn number32(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, 1 << 32, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            append(number, &mut out);
            assert_eq!(Reader(&out).number(), Some(number));
            out.pop();
            assert_eq!(Reader(&out).number(), None);
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            append_signed(number, &mut out);
            assert_eq!(Reader(&out).signed(), Some(number));
        }
    }

    #[test]
    fn a_number_has_one_form_only() {
        assert_eq!(Reader(&[0x80, 0]).number(), None);
        assert_eq!(Reader(&[0xff; 11]).number(), None);
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(),
            None
        );
    }
}
