//! What is in the file system.
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use super::super::Host;
use super::{FileIs, Finding};
use crate::fs::is_absent;

pub(super) fn look(path: &str, is: FileIs, fs_type: Option<&str>, host: &Host<'_>) -> Finding {
    let Some(path) = host.place(path) else {
        return Finding::no_root();
    };
    let mount = match (is, fs_type) {
        (FileIs::Mount, _) | (_, Some(_)) => mounted_on(&path),
        _ => None,
    };
    match fs::metadata(&path) {
        Err(error) => unreachable_path(&error, is),
        Ok(_) if is == FileIs::Absent => Finding::fail("it exists"),
        Ok(_) if is == FileIs::Mount && mount.is_none() => Finding::fail("nothing mounted there"),
        Ok(_) if fs_type.is_some() && mount.as_deref() != fs_type => Finding::fail(format!(
            "{} mounted there",
            mount.unwrap_or("nothing".into())
        )),
        Ok(meta) if is == FileIs::WritableFolder => writable(&path, &meta),
        Ok(meta) => {
            let right = match is {
                FileIs::File => meta.is_file(),
                FileIs::CharDevice => meta.file_type().is_char_device(),
                FileIs::Folder | FileIs::Mount => meta.is_dir(),
                FileIs::WritableFolder | FileIs::Absent => true,
            };
            let found = kind(&meta);
            if right {
                Finding::ok(found)
            } else {
                Finding::fail(found)
            }
        }
    }
}

/// A mounted file system, of a type and with options.
pub(super) fn mount(
    path: &str,
    fs_type: Option<&str>,
    options: &[String],
    host: &Host<'_>,
) -> Finding {
    let Some(path) = host.place(path) else {
        return Finding::no_root();
    };
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) => return unreachable_path(&error, FileIs::Mount),
    };
    let Some(mount) = mount_of(&path) else {
        return Finding::fail("nothing mounted there");
    };
    let found = format!("{} ({})", mount.fs_type, mount.options.join(","));
    let is_there = |option: &str| mount.options.iter().any(|one| one == option);
    let holds = |option: &String| match option.strip_prefix('!') {
        Some(option) => !is_there(option),
        None => is_there(option),
    };
    if fs_type.is_none_or(|fs_type| mount.fs_type == fs_type) && options.iter().all(holds) {
        Finding::ok(found)
    } else {
        Finding::fail(found)
    }
}

fn unreachable_path(error: &io::Error, is: FileIs) -> Finding {
    match (is_absent(error), is) {
        (true, FileIs::Absent) => Finding::ok("absent"),
        (true, _) => Finding::nothing(),
        (false, _) => Finding::unknown(error.to_string()),
    }
}

fn writable(path: &Path, meta: &fs::Metadata) -> Finding {
    use rustix::fs::{Access, access};
    if !meta.is_dir() {
        return Finding::fail(kind(meta));
    }
    match access(path, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::ok("a folder"),
        Err(error) => Finding::fail(io::Error::from(error).to_string()),
    }
}

fn kind(meta: &fs::Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_file() {
        "a file"
    } else {
        "something special"
    }
}

/// The type of the file system mounted at exactly `path`.
fn mounted_on(path: &Path) -> Option<String> {
    Some(mount_of(&path.canonicalize().ok()?)?.fs_type)
}

/// What is mounted somewhere.
struct Mounted {
    fs_type: String,
    options: Vec<String>,
}

/// What is mounted at exactly `path`; the last mount there covers the others.
fn mount_of(path: &Path) -> Option<Mounted> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let path = path.to_str()?;
    let mut found = None;
    for line in mounts.lines() {
        let mut words = line.split(' ');
        if words.nth(4).map(unescaped).as_deref() == Some(path) {
            let own = words.next().unwrap_or_default();
            let mut rest = words.skip_while(|word| *word != "-").skip(1);
            let fs_type = rest.next().unwrap_or_default().to_owned();
            let of_disk = rest.nth(1).unwrap_or_default();
            let options = own.split(',').chain(of_disk.split(','));
            found = Some(Mounted {
                fs_type,
                options: options.map(str::to_owned).collect(),
            });
        }
    }
    found
}

/// The kernel writes spaces, tabs, newlines and backslashes of names as `\040` and so on.
fn unescaped(text: &str) -> String {
    let mut plain = text.to_owned();
    for (code, c) in [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ] {
        plain = plain.replace(code, c);
    }
    plain
}
