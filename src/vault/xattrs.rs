//! Reading extended attributes: ACLs and capabilities are some of them.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{fgetxattr, flistxattr, lgetxattr, llistxattr};
use rustix::io::{Errno, Result};

/// Attributes by name.
pub(super) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// The largest list or value that Linux allows.
const LARGEST: usize = 64 * 1024;

/// The attributes of an open file or folder.
pub(super) fn of_open(file: impl AsFd) -> Result<Xattrs> {
    let names = whole(|buffer| flistxattr(file.as_fd(), buffer))?;
    collect(&names, |name| {
        whole(|buffer| fgetxattr(file.as_fd(), name, buffer))
    })
}

/// The attributes of what cannot be opened: links, devices, pipes.
///
/// No system call takes a folder's descriptor and a name, so the path goes through `/proc`, or,
/// in a chroot without it, from the root of the file system.
pub(super) fn of_entry(dir: BorrowedFd<'_>, name: &[u8], full: &Path) -> Result<Xattrs> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()));
    let path = path.join(OsStr::from_bytes(name));
    match of_path(&path) {
        Err(Errno::NOENT | Errno::NOTDIR) => of_path(full),
        found => found,
    }
}

fn of_path(path: &Path) -> Result<Xattrs> {
    let names = whole(|buffer| llistxattr(path, buffer))?;
    collect(&names, |name| whole(|buffer| lgetxattr(path, name, buffer)))
}

fn collect(names: &[u8], get: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Xattrs> {
    let mut found = Xattrs::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        match get(name) {
            Ok(value) => drop(found.insert(name.to_vec(), value)),
            // It was taken away since the names were listed, or is not for us to see.
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Calls with a small buffer, and again with the largest if that was too small.
fn whole(call: impl Fn(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut small = [0; 512];
    match call(&mut small) {
        Ok(length) => Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {
            let mut large = vec![0; LARGEST];
            let length = call(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
