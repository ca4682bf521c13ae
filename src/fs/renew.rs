//! Files that are there already, made as good as new ones.
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use super::{AtPath as _, Batch, PathError};

/// Gives a file that another program may have written the time of now, and makes it durable.
pub fn renew(path: &Path, batch: &mut Batch) -> Result<(), PathError> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    let file = File::open(path).at("open", path)?;
    futimens(&file, &times).at("touch", path)?;
    batch.wrote(file, path)
}

/// Gives a file, folder or link to a user and a group.
pub fn set_owner(path: &Path, user: u32, group: u32) -> Result<(), PathError> {
    std::os::unix::fs::lchown(path, Some(user), Some(group)).at("give away", path)
}

/// Gives a file or folder its mode.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), PathError> {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).at("change the mode of", path)
}
