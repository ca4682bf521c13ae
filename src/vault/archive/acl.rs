//! Access control lists: as the kernel has them, and as tar archives do.
//!
//! The kernel's form is a version and entries of tag, permissions and id; that of archives is the
//! text of POSIX 1003.1e: `user::rw-,user:1000:rwx,mask::rwx`.

/// The kernel's attributes with the keys that archives use.
pub(super) const KEYS: [(&[u8], &[u8]); 2] = [
    (b"system.posix_acl_access", b"SCHILY.acl.access"),
    (b"system.posix_acl_default", b"SCHILY.acl.default"),
];

const VERSION: [u8; 4] = [2, 0, 0, 0];
const NOBODY: u32 = u32::MAX;

/// Tags with their words, and whether an id follows.
const TAGS: [(u16, &str, bool); 6] = [
    (0x01, "user", false),
    (0x02, "user", true),
    (0x04, "group", false),
    (0x08, "group", true),
    (0x10, "mask", false),
    (0x20, "other", false),
];

/// The text of a list, unless it is none.
pub(super) fn to_text(value: &[u8]) -> Option<String> {
    let entries = value.strip_prefix(&VERSION)?;
    if entries.is_empty() || entries.len() % 8 != 0 {
        return None;
    }
    let line = |entry: &[u8]| {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let bits = u16::from_le_bytes([entry[2], entry[3]]);
        let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        let (_, word, has_id) = TAGS.iter().find(|known| known.0 == tag)?;
        let letter = |bit, letter| if bits & bit == 0 { '-' } else { letter };
        let may: String = [letter(4, 'r'), letter(2, 'w'), letter(1, 'x')]
            .iter()
            .collect();
        let id = if *has_id {
            id.to_string()
        } else {
            String::new()
        };
        (bits < 8).then(|| format!("{word}:{id}:{may}"))
    };
    let lines: Option<Vec<String>> = entries.chunks_exact(8).map(line).collect();
    Some(lines?.join(","))
}

/// The kernel's form of a text; names are looked up by `id_of`, which is told whether it is a group.
pub(super) fn from_text(text: &[u8], id_of: &dyn Fn(Named<'_>) -> Option<u32>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut entries = Vec::new();
    for line in text.split([',', '\n']).map(str::trim) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        entries.push(parse_entry(line, id_of)?);
    }
    entries.sort_unstable();
    let mut value = VERSION.to_vec();
    for (tag, id, bits) in &entries {
        value.extend_from_slice(&tag.to_le_bytes());
        value.extend_from_slice(&bits.to_le_bytes());
        value.extend_from_slice(&id.to_le_bytes());
    }
    (!entries.is_empty()).then_some(value)
}

/// The bits of the mask in a list.
pub(super) fn mask(value: &[u8]) -> Option<u32> {
    let mut entries = value.get(4..)?.chunks_exact(8);
    let mask = entries.find(|entry| entry[0] == 0x10)?;
    Some(u32::from(mask[2]))
}

/// Somebody in a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'t> {
    User(&'t str),
    Group(&'t str),
}

fn parse_entry(line: &str, id_of: &dyn Fn(Named<'_>) -> Option<u32>) -> Option<(u16, u32, u16)> {
    let mut parts = line.split(':').map(str::trim);
    let (word, mut name, mut may) = (parts.next()?, parts.next()?, parts.next());
    if matches!(word, "mask" | "other" | "m" | "o") && may.is_none() {
        // `mask:rwx`, as some write it.
        (name, may) = ("", Some(name));
    }
    let (bits, number) = (permissions(may?)?, parts.next());
    let is_group = match word {
        "user" | "u" => false,
        "group" | "g" => true,
        "mask" | "m" => return Some((0x10, NOBODY, bits)),
        "other" | "o" => return Some((0x20, NOBODY, bits)),
        _ => return None,
    };
    if name.is_empty() {
        return Some((if is_group { 0x04 } else { 0x01 }, NOBODY, bits));
    }
    // star and bsdtar add the number.
    let id = number.and_then(|number| number.parse().ok());
    let id = id.or_else(|| name.parse().ok());
    let named = if is_group {
        Named::Group(name)
    } else {
        Named::User(name)
    };
    let id = id.or_else(|| id_of(named))?;
    Some((if is_group { 0x08 } else { 0x02 }, id, bits))
}

fn permissions(text: &str) -> Option<u16> {
    text.chars().try_fold(0, |bits, letter| {
        Some(
            bits | match letter {
                'r' => 4,
                'w' => 2,
                'x' => 1,
                '-' => 0,
                _ => return None,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [u8; 44] = [
        2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 232, 3, 0, 0, 4, 0, 4, 0, 255, 255,
        255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
    ];

    #[test]
    fn a_list_becomes_text_and_comes_back() {
        let text = to_text(&LIST).unwrap();
        assert_eq!(
            text,
            "user::rw-,user:1000:rwx,group::r--,mask::rwx,other::r--"
        );
        assert_eq!(from_text(text.as_bytes(), &|_| None).unwrap(), LIST);
        let by_name = b"user::rw-\nuser:joe:rwx\ngroup::r--\nmask:rwx\nother::r--\n";
        let id = |named: Named<'_>| matches!(named, Named::User("joe")).then_some(1000);
        assert_eq!(from_text(by_name, &id).unwrap(), LIST);
        assert_eq!(from_text(by_name, &|_| None), None);
        let with_number = b"user::rw-,user:joe:rwx:1000,group::r--,mask::rwx,other::r--";
        assert_eq!(from_text(with_number, &|_| None).unwrap(), LIST);
    }

    #[test]
    fn what_is_no_list_is_none() {
        assert_eq!(to_text(&LIST[..43]), None);
        assert_eq!(to_text(b"\x01\0\0\0"), None);
        for bad in ["", "user:rwx", "x::rwx", "user::rwz", "user::"] {
            let parsed = from_text(bad.as_bytes(), &|_| None);
            assert!(parsed.is_none() || bad == "user::", "{bad}");
        }
    }
}
