//! Files and locks.
use super::{Failure, Kind};
use crate::fs::{LockError, PathError, is_without_names};
use crate::ui::quoted;

/// `EIO`, which the standard library has no name for.
const IO_ERROR: i32 = 5;

/// `EPERM`; `EACCES` is of the same kind.
const NOT_PERMITTED: i32 = 1;

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        let full = error.is_full();
        let denied = error.source.kind() == std::io::ErrorKind::PermissionDenied;
        let there = error.path.ancestors().find(|path| path.exists());
        let there = there.unwrap_or(&error.path).to_string_lossy();
        let there = quoted(&there);
        let failure = Self::new(Kind::User, &error);
        if full && is_without_names(&error.path) {
            failure.hint(format!(
                "there are too many files on it: `df -i {there}`; delete some"
            ))
        } else if full {
            failure.hint(format!("make room: `df -h {there}`"))
        } else if error.source.raw_os_error() == Some(NOT_PERMITTED) {
            failure.hint(format!(
                "who owns it, and is it immutable? `ls -ld {there}`, `lsattr -d {there}`"
            ))
        } else if denied {
            failure.hint(format!("look who owns it: `ls -ld {there}`"))
        } else if error.source.raw_os_error() == Some(IO_ERROR) {
            failure.hint("the disk may be failing: `dmesg | tail`")
        } else if error.source.kind() == std::io::ErrorKind::ReadOnlyFilesystem {
            failure.hint(format!(
                "it is mounted read-only: `findmnt --target {there}`"
            ))
        } else {
            failure
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Io(error) => error.into(),
            LockError::Busy {
                holder: Some(ref holder),
                ..
            } if holder.is_stopped() => {
                let pid = holder.pid;
                Self::new(Kind::Busy, &error).hint(format!(
                    "it is stopped: let it go on with `kill -CONT {pid}`"
                ))
            }
            LockError::Busy { .. } => Self::new(Kind::Busy, &error)
                .hint("wait until it is done and try again; the lock goes away with its holder"),
        }
    }
}
