//! Which boot of the machine this is.
use std::path::Path;

use super::{PathError, read};

/// The id of this boot.
pub fn boot_id() -> Result<String, PathError> {
    let text = read(Path::new("/proc/sys/kernel/random/boot_id"))?;
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
