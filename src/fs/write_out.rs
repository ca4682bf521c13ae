//! Data on its way to the disk, without what a sync does besides.
#![expect(
    unsafe_code,
    reason = "`sync_file_range` has no safe wrapper in the crates that we use"
)]
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

use nix::libc::{
    SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE, c_uint,
};

/// Has the disk begin to write what the file holds.
pub(super) fn begin(file: &File) -> io::Result<()> {
    sync_file_range(file, SYNC_FILE_RANGE_WRITE)
}

/// Waits until the disk has got what the file holds. It may still be in the disk's cache, and the
/// file system may not have noted in its log where it is.
pub(super) fn complete(file: &File) -> io::Result<()> {
    let all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    sync_file_range(file, all)
}

fn sync_file_range(file: &File, flags: c_uint) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and no memory is handed over.
    let done = unsafe { nix::libc::sync_file_range(file.as_raw_fd(), 0, 0, flags) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
