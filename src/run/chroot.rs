//! Making a root the whole world of a script.
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{chroot, fchdir};

use super::mounts::{mount_all, open_root, own_folder, part, show};
use super::sandbox::{Refused, SUBSTEPS_INSIDE, Tried as _};
use super::{AttemptDir, Spec};
use crate::fs::{open_stream, read};

/// What a script is started by, and where, once the root is `/`.
pub(super) struct Inside {
    pub(super) program: PathBuf,
    pub(super) workdir: PathBuf,
    pub(super) missing: String,
    /// Through which the program is reached, if nothing can be put into the root.
    _script: Option<OwnedFd>,
}

/// Makes `root` the root of this process, with the script in it.
pub(super) fn enter(dir: &AttemptDir, spec: &Spec, root: &Path) -> Result<Inside, Refused> {
    if spec.sandbox.mounts {
        part()?;
    }
    let folder = open_root(root)?;
    let script = PathBuf::from(spec.argv.first().cloned().unwrap_or_default());
    // As it was when it was decided to run it, if that was kept.
    let bytes = read(&dir.script()).or_else(|_| read(&script));
    let bytes = bytes.map_err(|error| error.source);
    let bytes = bytes.tried(format!("read {}", script.display()))?;
    let (program, held) = if spec.sandbox.mounts {
        (bring(dir, (&script, &bytes), &folder)?, None)
    } else {
        let (program, held) = hold(&script)?;
        (program, Some(held))
    };
    fchdir(&folder).tried(format!("enter {}", root.display()))?;
    chroot(".").tried(format!("make {} the root", root.display()))?;
    let below = spec.workdir.strip_prefix(root).unwrap_or(Path::new(""));
    Ok(Inside {
        program,
        workdir: Path::new("/").join(below),
        missing: missing(spec, root, &bytes),
        _script: held,
    })
}

/// Mounts what the book has mounted, and puts a copy of the script beside it, in memory.
fn bring(
    dir: &AttemptDir,
    (script, bytes): (&Path, &[u8]),
    root: &OwnedFd,
) -> Result<PathBuf, Refused> {
    let substeps = open_stream(&dir.substeps()).map_err(|error| error.source);
    substeps.tried("create the file of substeps")?;
    mount_all(root)?;
    let folder = own_folder(root)?;
    let name = script.file_name().unwrap_or_default();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let copy = openat(&folder, name, flags, Mode::from_raw_mode(0o755));
    let copy = copy.tried("copy the script into the root")?;
    let written = std::io::Write::write_all(&mut std::fs::File::from(copy), bytes);
    written.tried("copy the script into the root")?;
    let events = Path::new(SUBSTEPS_INSIDE).file_name().unwrap_or_default();
    let events = events.to_string_lossy();
    openat(&folder, &*events, flags, Mode::from_raw_mode(0o644)).tried("show substeps")?;
    show(&dir.substeps(), &folder, &events)?;
    Ok(Path::new("/run/buildkeep").join(name))
}

/// Holds the script open, to be reached by `/proc` where nothing may be put into the root.
fn hold(script: &Path) -> Result<(PathBuf, OwnedFd), Refused> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(script, flags, Mode::empty());
    let file = file.tried(format!("open {}", script.display()))?;
    // The program that the script names has to find it, too.
    fcntl_setfd(&file, FdFlags::empty()).tried("hand the script over")?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok((path.into(), file))
}

/// What is most likely missing if the script does not start.
fn missing(spec: &Spec, root: &Path, script: &[u8]) -> String {
    let line = script.split(|byte| *byte == b'\n').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    let interpreter = line.strip_prefix("#!").unwrap_or_default();
    let interpreter = interpreter
        .split_whitespace()
        .next()
        .unwrap_or("its program");
    let proc = if spec.sandbox.mounts {
        ""
    } else {
        ", and /proc mounted there"
    };
    format!("is {interpreter} in {}{proc}?", root.display())
}
