//! Seeing what a script would see, without its script.
use std::path::{Path, PathBuf};

use rustix::process::{chdir, chroot, fchdir};

use super::Sandbox;
use super::mounts::{mount_present, open_root, part, put_on_itself};
use super::sandbox::{Refused, Tried as _};

/// Makes this process see what a script in `sandbox` would; returns the folder it is in then.
///
/// Nothing is made in the root: what the book mounts is mounted where there is a place for it. This
/// process must have one thread, and it never comes back.
pub fn visit(sandbox: &Sandbox, workdir: &Path) -> Result<PathBuf, Refused> {
    let mut folder = workdir.to_owned();
    if let Some(root) = &sandbox.chroot {
        let parted = part();
        let mut opened = open_root(root)?;
        if sandbox.mounts {
            parted?;
            // From inside, the kernel tells of mounts below the root only: the root is to be one.
            opened = put_on_itself(&opened)?;
            mount_present(&opened)?;
        } else if parted.is_ok() {
            opened = put_on_itself(&opened)?;
        }
        fchdir(&opened).tried(format!("enter {}", root.display()))?;
        chroot(".").tried(format!("make {} the root", root.display()))?;
        folder = Path::new("/").join(workdir.strip_prefix(root).unwrap_or(Path::new("")));
    }
    sandbox.enter()?;
    chdir(&folder).tried(format!("enter {}", folder.display()))?;
    Ok(folder)
}
