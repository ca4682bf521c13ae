//! Names that Git does not take, or would act upon, and what they are stored as.
use std::borrow::Cow;

use super::Mode;

/// How all names begin that we make up.
const RESERVED: &[u8] = b".buildkeep-";
/// How a name that had to be changed begins; its bytes follow in hexadecimal digits.
const CHANGED: &str = ".buildkeep-name-";
/// Names that Git acts upon wherever it finds them.
const SPECIAL: [&[u8]; 3] = [b".git", b".gitmodules", b".gitattributes"];
/// Names that Git acts upon, but takes if they are files.
const SPECIAL_IF_NO_FILE: [&[u8]; 2] = [b".gitignore", b".mailmap"];
/// The beginnings of short names under which Windows may know one of these.
const SHORT: [&[u8]; 9] = [
    b"git", b"gitmod", b"gi7eba", b"gitatt", b"gi7d29", b"gitign", b"gi250a", b"mailma", b"maba30",
];

/// The name under which an entry stands in a Git tree.
///
/// `git fsck --strict`, and so every remote with `receive.fsckObjects`, refuses `.git` in all the
/// spellings that some file system takes for it, and checks the content of `.gitmodules` and
/// `.gitattributes`; attributes would also change what plain Git checks out.
pub fn stored_name(name: &[u8], mode: Mode) -> Cow<'_, [u8]> {
    if name.starts_with(RESERVED) || is_refused(name, mode) {
        return Cow::Owned(changed(name));
    }
    Cow::Borrowed(name)
}

fn changed(name: &[u8]) -> Vec<u8> {
    let mut out = CHANGED.to_owned();
    for byte in name {
        out.push_str(&format!("{byte:02x}"));
    }
    out.into_bytes()
}

/// Rather too strict: a changed name is no loss, a refused push is.
fn is_refused(name: &[u8], mode: Mode) -> bool {
    let first = name.iter().find(|byte| byte.is_ascii());
    if first != Some(&b'.') && !name.iter().any(|byte| matches!(byte, b'~' | b'\\')) {
        return false;
    }
    let plain: Vec<u8> = name
        .iter()
        .filter(|byte| byte.is_ascii())
        .map(u8::to_ascii_lowercase)
        .collect();
    plain.split(|byte| *byte == b'\\').any(|part| {
        let part = windows_name(part);
        let no_file = !matches!(mode, Mode::File | Mode::Executable);
        SPECIAL.contains(&part)
            || (no_file && SPECIAL_IF_NO_FILE.contains(&part))
            || is_short_name(part)
    })
}

/// What Windows makes of a name: no stream, no dots and spaces at the end.
fn windows_name(name: &[u8]) -> &[u8] {
    let end = name.iter().position(|byte| *byte == b':');
    let name = &name[..end.unwrap_or(name.len())];
    let kept = name.iter().rposition(|byte| !matches!(byte, b' ' | b'.'));
    &name[..kept.map_or(0, |last| last + 1)]
}

/// `git~1` and its like.
fn is_short_name(name: &[u8]) -> bool {
    let Some(tilde) = name.iter().position(|byte| *byte == b'~') else {
        return false;
    };
    let (begin, number) = (&name[..tilde], &name[tilde + 1..]);
    number.first().is_some_and(u8::is_ascii_digit)
        && SHORT.iter().any(|short| short.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_acts_upon_is_stored_under_another_name() {
        let hostile: [&[u8]; 15] = [
            b".git",
            b".GIT",
            b".Git ",
            b".git.",
            b".git::$INDEX",
            b"git~1",
            b"GIT~2",
            b"x\\.git",
            ".g\u{200c}it".as_bytes(),
            b".gitmodules",
            b".GITMODULES",
            b"gitmod~1",
            b"gi7eba~9",
            b".gitattributes",
            b".buildkeep-meta",
        ];
        for name in hostile {
            let stored = stored_name(name, Mode::File);
            assert!(stored.starts_with(b".buildkeep-name-"), "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "a",
            ".gitignore",
            "git",
            "main.c~",
            "gcc~1",
            "é",
            "..a",
            "a:b",
            "a\\b",
        ] {
            assert_eq!(stored_name(name.as_bytes(), Mode::File), name.as_bytes());
        }
        assert_ne!(stored_name(b".gitignore", Mode::Link), &b".gitignore"[..]);
    }

    #[test]
    fn a_changed_name_tells_the_old_one() {
        assert_eq!(
            stored_name(b".git", Mode::Tree),
            &b".buildkeep-name-2e676974"[..]
        );
    }
}
