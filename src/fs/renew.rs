//! Files that are there already, made as good as new ones.
use std::fs::File;
use std::path::Path;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use super::{AtPath as _, PathError};

/// Syncs a file that another program may have written, and gives it the time of now.
pub fn renew(path: &Path) -> Result<(), PathError> {
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
    file.sync_all().at("sync", path)
}
