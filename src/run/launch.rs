//! The process that becomes the script.
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, fchown};
use rustix::process::{Gid, Uid, chdir, setsid};

use super::error::Doing as _;
use super::files::{fill, save_first};
use super::process::ProcFile;
use super::sandbox::{Refused, Sandbox, Tried as _, barred};
use super::{AttemptDir, Error, Spec};
use crate::fs::{AtPath as _, open_stream};
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
    // Another user, and a script in a root, could not create it later.
    let early = spec.sandbox.is_apart().then(|| complaint(dir));
    let error = become_script(dir, &spec, output);
    let mut complaint = early.unwrap_or_else(|| complaint(dir))?;
    fill(&mut complaint, &error.to_string()).doing("say why the script was not started")?;
    Ok(match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    })
}

fn complaint(dir: &AttemptDir) -> Result<File, Error> {
    Ok(open_stream(&dir.launch_error())?)
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
    let mut command = Command::new(program);
    command.args(arguments).env(super::tree::COOKIE, dir.path());
    match prepare(dir, spec, output, &mut command) {
        Ok(()) => explained(command.exec(), spec, Path::new(program)),
        Err(refused) => io::Error::new(io::ErrorKind::PermissionDenied, refused.to_string()),
    }
}

/// Gives the script what it is to have: input, output, limits, user, folder.
fn prepare(
    dir: &AttemptDir,
    spec: &Spec,
    output: File,
    command: &mut Command,
) -> Result<(), Refused> {
    let sandbox = &spec.sandbox;
    let stdin = sandbox.open_stdin()?;
    if let Some(user) = &sandbox.user {
        // Scripts open `/dev/stderr` anew, as `tee` does.
        let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
        let _ = fchown(&output, Some(uid), Some(gid));
    }
    lend_substeps(dir, sandbox)?;
    sandbox.enter()?;
    if sandbox.user.is_some()
        && accessat(CWD, dir.substeps(), Access::WRITE_OK, AtFlags::EACCESS).is_err()
    {
        command.env_remove("BUILDKEEP_EVENTS");
    }
    chdir(&spec.workdir).tried(format!("enter {}", spec.workdir.display()))?;
    command
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .stderr(output.try_clone().tried("share the output")?)
        .stdout(output);
    Ok(())
}

/// Lets another user tell how far the script is.
fn lend_substeps(dir: &AttemptDir, sandbox: &Sandbox) -> Result<(), Refused> {
    let Some(user) = &sandbox.user else {
        return Ok(());
    };
    let path = dir.substeps();
    let file = open_stream(&path).map_err(|error| error.source);
    let file = file.tried(format!("create {}", path.display()))?;
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    // Where it cannot be given away, the script is not told of it.
    let _ = fchown(&file, Some(uid), Some(gid));
    Ok(())
}

/// The error of a script that did not start, with the folder that is in the way of its user.
fn explained(error: io::Error, spec: &Spec, program: &Path) -> io::Error {
    let user = spec.sandbox.user.as_ref();
    let (Some(user), Some(folder)) = (user, barred(program)) else {
        return error;
    };
    let (user, folder) = (&user.name, folder.display());
    let text = format!(
        "{error}: {user} may not enter {folder}; `chmod o+x {folder}`, or move the scripts"
    );
    io::Error::new(error.kind(), text)
}
