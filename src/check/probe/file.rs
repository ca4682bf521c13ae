//! What is in the file system.
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::super::Host;
use super::filesystem::{Mounted, mounts};
use super::future::newest;
use super::users::{name_of, uid_of};
use super::{FileIs, FileMust, Finding};
use crate::fs::is_absent;

/// Looks at all places; the worst answer counts, and says where.
pub(super) fn look(must: &FileMust, host: &Host<'_>) -> Finding {
    let mut worst: Option<Finding> = None;
    for path in &must.paths {
        let Some(place) = host.place(path) else {
            return Finding::no_place(path);
        };
        let mut finding = one(&place, must, host);
        let is_worse = worst
            .as_ref()
            .is_none_or(|worst| finding.status < worst.status);
        if is_worse {
            if must.paths.len() > 1 {
                finding = finding.at(&place);
            }
            worst = Some(finding);
        }
    }
    worst.unwrap_or_else(|| Finding::unknown("no place to look at"))
}

fn one(path: &Path, must: &FileMust, host: &Host<'_>) -> Finding {
    match must.is {
        FileIs::PlainPath => return plain(path),
        FileIs::NotFromTheFuture => return newest(path, host),
        FileIs::FreeOfMounts => return free_of_mounts(path),
        _ => {}
    }
    let meta = match must.is {
        FileIs::Symlink | FileIs::Absent => fs::symlink_metadata(path),
        _ => fs::metadata(path),
    };
    match meta {
        Err(error) => unreachable_path(&error, must.is),
        Ok(_) if must.is == FileIs::Absent => Finding::fail("it exists"),
        Ok(meta) => mount_there(path, must)
            .or_else(|| wrong_kind(path, &meta, must))
            .or_else(|| wrong_rights(&meta, must))
            .unwrap_or_else(|| Finding::ok(kind(&meta))),
    }
}

/// What is wrong with what is mounted there, if something must be.
fn mount_there(path: &Path, must: &FileMust) -> Option<Finding> {
    if must.is != FileIs::Mount && must.fs_type.is_none() {
        return None;
    }
    let mount = match mount_of(path) {
        Ok(mount) => mount.map(|mount| mount.fs_type),
        Err(error) => return Some(Finding::unknown(error.to_string())),
    };
    match (mount, &must.fs_type) {
        (None, _) => Some(Finding::fail("nothing mounted there")),
        (Some(there), Some(wanted)) if there != *wanted => {
            Some(Finding::fail(format!("{there} mounted there")))
        }
        _ => None,
    }
}

fn wrong_kind(path: &Path, meta: &Metadata, must: &FileMust) -> Option<Finding> {
    let right = match must.is {
        FileIs::File => meta.is_file(),
        FileIs::Executable => meta.is_file() && meta.mode() & 0o111 != 0,
        FileIs::CharDevice => meta.file_type().is_char_device(),
        FileIs::Folder | FileIs::Mount => meta.is_dir(),
        FileIs::Symlink => meta.is_symlink(),
        FileIs::WritableFolder if meta.is_dir() => return not_writable(path),
        FileIs::WritableFolder => false,
        _ => true,
    };
    if !right {
        return Some(Finding::fail(kind(meta)));
    }
    let wanted = must.target.as_deref()?;
    match fs::read_link(path) {
        Ok(target) if target == Path::new(wanted) => None,
        Ok(target) => {
            let target = target.display().to_string();
            Some(Finding::fail(format!("it leads to {target}")).subject(target))
        }
        Err(error) => Some(Finding::unknown(error.to_string())),
    }
}

fn wrong_rights(meta: &Metadata, must: &FileMust) -> Option<Finding> {
    if let Some(owner) = &must.owner
        && uid_of(owner) != Some(meta.uid())
    {
        let uid = meta.uid();
        let found = name_of(uid).unwrap_or_else(|| format!("user {uid}"));
        return Some(Finding::fail(format!("it belongs to {found}")).subject(found));
    }
    let mode = meta.mode() & 0o7777;
    let wrong = must.mode.is_some_and(|wanted| mode != wanted);
    wrong.then(|| Finding::fail(format!("mode {mode:04o}")).subject(format!("{mode:04o}")))
}

/// A mounted file system, of a type and with options.
pub(super) fn mount(
    path: &str,
    fs_type: Option<&str>,
    options: &[String],
    host: &Host<'_>,
) -> Finding {
    let Some(path) = host.place(path) else {
        return Finding::no_place(path);
    };
    if let Err(error) = fs::metadata(&path) {
        return unreachable_path(&error, FileIs::Mount);
    }
    let mount = match mount_of(&path) {
        Ok(Some(mount)) => mount,
        Ok(None) => return Finding::fail("nothing mounted there"),
        Err(error) => return Finding::unknown(error.to_string()),
    };
    let found = format!("{} ({})", mount.fs_type, mount.options.join(","));
    let right = fs_type.is_none_or(|fs_type| mount.fs_type == fs_type);
    if right && options.iter().all(|option| mount.has(option)) {
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

fn not_writable(path: &Path) -> Option<Finding> {
    use rustix::fs::{Access, access};
    let tried = access(path, Access::WRITE_OK | Access::EXEC_OK);
    let error = tried.err()?;
    Some(Finding::fail(io::Error::from(error).to_string()))
}

/// Characters that break build scripts in paths: blanks, what shells and make read, what is not ASCII.
fn plain(path: &Path) -> Finding {
    let shown = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,=@~".contains(c);
    match shown.chars().find(|c| !is_plain(*c)) {
        None => Finding::ok(shown),
        Some(' ') => Finding::fail(format!("{shown}, with a space")),
        Some(c) => Finding::fail(format!("{shown}, with `{}`", c.escape_default())),
    }
}

fn free_of_mounts(path: &Path) -> Finding {
    let Ok(path) = path.canonicalize() else {
        return Finding::ok("it does not exist");
    };
    let mounts = match mounts() {
        Ok(mounts) => mounts,
        Err(error) => return Finding::unknown(error.to_string()),
    };
    let below = |point: &PathBuf| point.starts_with(&path);
    let points = mounts.into_iter().map(|mount| mount.point).filter(below);
    let mut points: Vec<String> = points.map(|point| point.display().to_string()).collect();
    // The deepest first: that is the order in which they are unmounted.
    points.reverse();
    if points.is_empty() {
        Finding::ok("nothing mounted there")
    } else {
        let first = points[0].clone();
        Finding::fail(format!("mounted: {}", points.join(", "))).subject(first)
    }
}

fn kind(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_symlink() {
        "a symlink"
    } else if kind.is_file() {
        "a file"
    } else {
        "something special"
    }
}

/// What is mounted at exactly `path`; the last mount there covers the others.
fn mount_of(path: &Path) -> io::Result<Option<Mounted>> {
    let path = path.canonicalize()?;
    let mounts = mounts()?;
    Ok(mounts.into_iter().rfind(|mount| mount.point == path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;

    #[test]
    fn paths_that_break_scripts_are_known() {
        let status = |path: &str| plain(Path::new(path)).status;
        for good in ["/mnt/lfs", "/home/me/build-1.0_x+y"] {
            assert_eq!(status(good), Status::Ok, "{good}");
        }
        for bad in [
            "/mnt/my lfs",
            "/home/jürgen",
            "/a:b",
            "/a'b",
            "/a$b",
            "/a%b",
            "/a\nb",
        ] {
            assert_eq!(status(bad), Status::Fail, "{bad}");
        }
    }
}
