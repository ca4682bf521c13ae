//! The process that becomes the script.
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::SigSet;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, fchown};
use rustix::process::{Gid, Uid, chdir, setsid};

use super::chroot::Inside;
use super::error::Doing as _;
use super::files::{fill, save_first};
use super::process::ProcFile;
use super::raw::default_signals;
use super::sandbox::{Refused, Sandbox, Tried as _, barred};
use super::tty::Taken;
use super::{AttemptDir, Cgroup, Error, Spec, chroot, tty};
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
    // Our helpers block signals, and what is blocked or ignored stays so in the script.
    default_signals();
    SigSet::empty().thread_set_mask().doing("unblock signals")?;
    let spec = Spec::load(dir)?;
    let output = open_output(&dir.fifo())?;
    let tty = spec.sandbox.tty.then(|| tty::take(&output)).transpose()?;
    let cgroup = Cgroup::enter(&spec.attempt);
    if !save_first(&dir.process(), &ProcFile::of_self(clock, cgroup.as_ref())?)? {
        return Ok(NOT_EXECUTABLE);
    }
    // Another user, and a script in a root, could not create it later.
    let early = spec.sandbox.is_apart().then(|| complaint(dir));
    let error = become_script(dir, &spec, (output, tty));
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

fn become_script(dir: &AttemptDir, spec: &Spec, (output, tty): (File, Option<Taken>)) -> io::Error {
    let refused = match prepare(dir, spec, (output, tty)) {
        Ok(mut ready) => {
            let error = ready.command.exec();
            return explained(error, ready.inside.as_ref(), spec);
        }
        Err(refused) => refused,
    };
    io::Error::new(io::ErrorKind::PermissionDenied, refused.to_string())
}

/// A script that only has to be started.
struct Ready {
    command: Command,
    /// Held until then.
    inside: Option<Inside>,
    _tty: Option<Taken>,
}

/// The script's command line with what the script is to have: input, output, root, limits, user,
/// folder, in the order in which each is still allowed.
fn prepare(
    dir: &AttemptDir,
    spec: &Spec,
    (fifo, tty): (File, Option<Taken>),
) -> Result<Ready, Refused> {
    let sandbox = &spec.sandbox;
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or(io::ErrorKind::InvalidInput)
        .tried("run nothing")?;
    let output = match &tty {
        Some(tty) => tty.own.try_clone().tried("share the terminal")?.into(),
        None => fifo.try_clone().tried("share the output")?,
    };
    let stdin = match &tty {
        Some(_) if sandbox.stdin.is_none() => output.try_clone().tried("share the terminal")?,
        _ => sandbox.open_stdin()?,
    };
    lend(dir, sandbox, &output)?;
    let inside = sandbox.chroot.as_ref();
    let inside = inside
        .map(|root| chroot::enter(dir, spec, root))
        .transpose()?;
    let (program, workdir) = match &inside {
        Some(inside) => (inside.program.as_path(), inside.workdir.as_path()),
        None => (Path::new(program), spec.workdir.as_path()),
    };
    sandbox.enter()?;
    chdir(workdir).tried(format!("enter {}", workdir.display()))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env(super::tree::COOKIE, dir.path())
        .stdin(stdin)
        .stderr(output.try_clone().tried("share the output")?)
        .stdout(output);
    let events = sandbox.chroot.is_none().then(|| dir.substeps());
    let may_tell = |path| accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
    if sandbox.user.is_some() && !events.is_none_or(may_tell) {
        command.env_remove("BUILDKEEP_EVENTS");
    }
    Ok(Ready {
        command,
        inside,
        _tty: tty,
    })
}

/// Lets another user write the output, and tell how far the script is.
fn lend(dir: &AttemptDir, sandbox: &Sandbox, output: &File) -> Result<(), Refused> {
    let Some(user) = &sandbox.user else {
        return Ok(());
    };
    let path = dir.substeps();
    let file = open_stream(&path).map_err(|error| error.source);
    let file = file.tried(format!("create {}", path.display()))?;
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    // Scripts open `/dev/stderr` anew, as `tee` does. What cannot be given away stays ours.
    let _ = fchown(output, Some(uid), Some(gid));
    let _ = fchown(&file, Some(uid), Some(gid));
    Ok(())
}

/// The error of a script that did not start, with what is most likely in its way.
fn explained(error: io::Error, inside: Option<&Inside>, spec: &Spec) -> io::Error {
    let program = Path::new(spec.argv.first().map_or("", String::as_str));
    let user = spec.sandbox.user.as_ref();
    let text = if let Some(inside) = inside {
        inside.missing.clone()
    } else if let Some((user, folder)) = user.zip(barred(program)) {
        let (user, folder) = (&user.name, folder.display());
        format!("{user} may not enter {folder}; `chmod o+x {folder}`, or move the scripts")
    } else {
        return error;
    };
    io::Error::new(error.kind(), format!("{error}: {text}"))
}
