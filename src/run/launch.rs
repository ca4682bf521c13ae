//! The process that becomes the script.
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::fs::{Mode, OFlags};
use rustix::process::setsid;

use super::error::Doing as _;
use super::files::{save, save_first};
use super::process::ProcFile;
use super::{AttemptDir, Error, Spec};
use crate::fs::AtPath as _;
use crate::world::Clock;

/// What shells return for a command that is there but cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
/// What shells return for a command that is not there.
const NOT_FOUND: u8 = 127;

/// Becomes the script of the attempt in `dir`; returns the code to end with only if it cannot.
///
/// The record about this process is written first, exclusively and durably: if it exists, somebody
/// else is the script or gave the attempt up, and this process must not be.
pub(super) fn launch(dir: &AttemptDir, clock: &Clock) -> Result<u8, Error> {
    setsid().doing("start a session")?;
    // Our helpers block signals, and a blocked signal stays blocked in the script.
    SigSet::empty().thread_set_mask().doing("unblock signals")?;
    let spec = Spec::load(dir)?;
    let output = open_output(&dir.fifo())?;
    if !save_first(&dir.process(), &ProcFile::of_self(clock)?)? {
        return Ok(NOT_EXECUTABLE);
    }
    let error = become_script(dir, &spec, output);
    save(&dir.launch_error(), &error.to_string())?;
    Ok(match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    })
}

/// Opened for reading, too: a script whose readers all died waits for a new one.
fn open_output(fifo: &Path) -> Result<File, Error> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(fifo, flags, Mode::empty()).at("open", fifo)?;
    Ok(file.into())
}

fn become_script(dir: &AttemptDir, spec: &Spec, output: File) -> io::Error {
    let Some((program, arguments)) = spec.argv.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "nothing to run");
    };
    if let Err(error) = rustix::process::chdir(&spec.workdir) {
        let text = format!("cannot enter {}: {error}", spec.workdir.display());
        return io::Error::new(io::ErrorKind::PermissionDenied, text);
    }
    let stderr = match output.try_clone() {
        Ok(file) => file,
        Err(error) => return error,
    };
    Command::new(program)
        .args(arguments)
        .env(super::tree::COOKIE, dir.path())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(stderr)
        .exec()
}
