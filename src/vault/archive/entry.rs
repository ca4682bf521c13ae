//! An entry of a tar archive, as far as its headers tell.
use std::collections::BTreeMap;

use super::acl;
use super::pax::{Pax, parse_time};
use crate::vault::meta::FileTime;

/// The longest name that any file system takes.
const LONGEST_NAME: usize = 255;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    /// Another name of an earlier entry.
    HardLink,
    Link,
    CharDevice,
    BlockDevice,
    Folder,
    Fifo,
}

/// An entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where its header stands.
    pub(super) at: u64,
    pub(super) kind: EntryKind,
    /// As it is written in the archive.
    pub(super) name: Vec<u8>,
    /// What a link leads to, as it is written in the archive.
    pub(super) target: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) user: Vec<u8>,
    pub(super) group: Vec<u8>,
    pub(super) mtime: FileTime,
    /// The size that the file has.
    pub(super) size: u64,
    /// Where it has data, if it has holes.
    pub(super) sparse: Option<Vec<(u64, u64)>>,
    pub(super) device: (u32, u32),
    /// The number of a file with several names, if the archive tells.
    pub(super) link: Option<(u64, u64)>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Lists of access control that could not be understood.
    pub(super) lost_acls: bool,
}

/// The names of a path from the top of the archive; an error says what is wrong with it.
pub(super) fn names(path: &[u8]) -> Result<Vec<&[u8]>, String> {
    if path.starts_with(b"/") {
        return Err("is an absolute name".to_owned());
    }
    if path.contains(&0) {
        return Err("has a NUL byte in its name".to_owned());
    }
    let parts = path.split(|byte| *byte == b'/');
    let names: Vec<_> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
    if names.contains(&&b".."[..]) {
        return Err("leads out of the archive by `..`".to_owned());
    }
    if let Some(long) = names.iter().find(|name| name.len() > LONGEST_NAME) {
        return Err(format!(
            "has a part of {} bytes, which no file system takes",
            long.len()
        ));
    }
    if names.len() > super::DEEPEST {
        return Err(format!("lies in more than {} folders", super::DEEPEST));
    }
    Ok(names)
}

impl Entry {
    /// Takes over what an extended header says.
    pub(super) fn extend(&mut self, pax: &Pax) -> Result<(), String> {
        for (key, value) in &pax.values {
            match &key[..] {
                b"path" => self.name.clone_from(value),
                b"linkpath" => self.target.clone_from(value),
                b"uname" => self.user.clone_from(value),
                b"gname" => self.group.clone_from(value),
                b"uid" => self.uid = id(value)?,
                b"gid" => self.gid = id(value)?,
                b"comment" => self.link = super::origin::parse_link(value),
                b"SCHILY.devmajor" => self.device.0 = id(value)?,
                b"SCHILY.devminor" => self.device.1 = id(value)?,
                b"mtime" => {
                    let time = parse_time(value).ok_or("its time makes no sense")?;
                    self.mtime = FileTime {
                        seconds: time.0,
                        nanos: time.1,
                    };
                }
                _ => self.attribute(key, value),
            }
        }
        if let Some(name) = pax.get(b"GNU.sparse.name") {
            self.name = name.to_vec();
        }
        Ok(())
    }

    fn attribute(&mut self, key: &[u8], value: &[u8]) {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.xattrs.insert(unescaped(name), value.to_vec());
            return;
        }
        let Some((kernel, _)) = acl::KEYS.iter().find(|(_, known)| *known == key) else {
            return;
        };
        match acl::from_text(value, &id_of) {
            // Three entries say no more than the mode does.
            Some(list) if list.len() > 28 || kernel.ends_with(b"default") => {
                if let Some(mask) = acl::mask(&list).filter(|_| kernel.ends_with(b"access")) {
                    // The kernel shows the mask as the mode of the group; bsdtar does not.
                    self.mode = self.mode & !0o070 | mask << 3;
                }
                self.xattrs.insert(kernel.to_vec(), list);
            }
            Some(_) => {}
            None => self.lost_acls = true,
        }
    }
}

fn id(text: &[u8]) -> Result<u32, String> {
    let number = super::pax::number(text)?;
    u32::try_from(number).map_err(|_| format!("{number} is too large for an owner or device"))
}

/// GNU tar writes `=` and `%` in names of attributes so.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), name);
    while let Some((first, tail)) = rest.split_first() {
        let (byte, next) = match rest {
            [b'%', b'3', b'D' | b'd', next @ ..] => (b'=', next),
            [b'%', b'2', b'5', next @ ..] => (b'%', next),
            _ => (*first, tail),
        };
        out.push(byte);
        rest = next;
    }
    out
}

/// Who has a name on this machine.
fn id_of(named: acl::Named<'_>) -> Option<u32> {
    use nix::unistd::{Group, User};
    match named {
        acl::Named::User(name) => Some(User::from_name(name).ok()??.uid.as_raw()),
        acl::Named::Group(name) => Some(Group::from_name(name).ok()??.gid.as_raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_the_top_are_taken() {
        let plain = names(b"./a//b/./c/").unwrap();
        assert_eq!(plain, [&b"a"[..], b"b", b"c"]);
        assert!(names(b"./").unwrap().is_empty());
        let long = b"x".repeat(256);
        let deep = b"a/".repeat(3000);
        for bad in [
            &b"/etc"[..],
            b"../x",
            b"a/../../x",
            b"a/..",
            b"a\0b",
            &long,
            &deep,
        ] {
            assert!(names(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
        assert_eq!(unescaped(b"user.a%3Db%25%zz"), b"user.a=b%%zz");
    }
}
