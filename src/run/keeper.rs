//! The process that drains the log, adopts orphans, and stands in for the shim.
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{getpid, set_child_subreaper, setsid};

use super::duty::{Duty, noted_ending};
use super::error::Doing as _;
use super::exit::{Ending, Unknown};
use super::guard::{Guard, Watch};
use super::helper::{Helper, Program};
use super::reaper::Children;
use super::tty::Tty;
use super::{AttemptDir, Error, Identity, boot_id};
use crate::fs::{AtPath as _, Holder, Lock};
use crate::world::Clock;

/// Longer than any look at the lock takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a script may write before the log must have it.
const PIPE_SIZE: usize = 1 << 20;

/// Starts the shim for the attempt in `dir`, and stays until the attempt is over.
pub(super) fn keep(dir: AttemptDir, clock: &Clock) -> Result<(), Error> {
    // Fails only for the leader of a session, which is what we want to be.
    let _ = setsid();
    let lock = Lock::acquire(&dir.lock(), &holder(clock), PATIENCE)?;
    let duty = Duty::new(dir, clock.clone(), "keeper")?;
    if duty.process()?.is_some() {
        // Somebody gave this attempt up before we came.
        return Ok(());
    }
    let children = Children::watch()?;
    set_child_subreaper(Some(getpid())).doing("adopt orphans")?;
    let fifo = open_fifo(&duty.dir)?;
    let tty = duty.spec.sandbox.tty.then(Tty::open).transpose()?;
    let for_shim = tty.as_ref().map(Tty::share).transpose()?;
    let mut guard = Guard::new(duty, children, fifo, tty)?;
    let me = getpid().as_raw_nonzero().get();
    let shim = Program::of_self()
        .helper(&Helper::Shim(me), &guard.duty().dir)
        .stdin(lock.share().doing("share the lock")?)
        .stdout(for_shim.map_or_else(Stdio::null, Stdio::from))
        .spawn()
        .doing("start the shim")?;
    guard.stay(Watch::Shim(shim.id() as i32));
    drop(lock);
    Ok(())
}

/// Takes charge of the attempt in `dir` if nobody is, and stays until it is over.
pub(super) fn adopt(dir: AttemptDir, clock: &Clock) -> Result<(), Error> {
    // Fails only for the leader of a session, which is what we want to be.
    let _ = setsid();
    let Some(lock) = Lock::try_acquire(&dir.lock(), &holder(clock))? else {
        return Ok(());
    };
    let mut duty = Duty::new(dir, clock.clone(), "adopter")?;
    let children = Children::watch()?;
    let fifo = open_fifo(&duty.dir)?;
    duty.taken_over()?;
    let watch = what_is_left(&duty)?;
    let tty = duty.spec.sandbox.tty.then(|| Tty::adopt(&duty.dir));
    Guard::new(duty, children, fifo, tty.flatten())?.stay(watch);
    drop(lock);
    Ok(())
}

/// What there is to wait for in an attempt that was left alone.
fn what_is_left(duty: &Duty) -> Result<Watch, Error> {
    if duty.dir.exit().exists() {
        return Ok(Watch::Nothing);
    }
    if let Some(ending) = noted_ending(&duty.dir)? {
        return Ok(Watch::Known(ending, None));
    }
    duty.give_up()?;
    let process = duty.process()?.and_then(|file| file.process);
    let unknown = match process {
        _ if duty.spec.boot_id != boot_id()? => Unknown::Reboot,
        None => Unknown::NeverStarted,
        Some(process) => match process.open().or_else(|| handed_down(&process)) {
            Some(fd) => return Ok(Watch::Stranger(process.pid, fd)),
            None => Unknown::Lost,
        },
    };
    Ok(Watch::Known(Ending::Unknown(unknown), None))
}

/// The descriptor of the script that who started us held, as our standard input.
fn handed_down(script: &Identity) -> Option<OwnedFd> {
    let fd = rustix::stdio::stdin().try_clone_to_owned().ok()?;
    script.is_pidfd(&fd).then_some(fd)
}

/// Holds both ends, so that the script never meets a FIFO without a reader, nor we one without a
/// writer.
pub(super) fn open_fifo(dir: &AttemptDir) -> Result<OwnedFd, Error> {
    let path = dir.fifo();
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fifo = rustix::fs::open(&path, flags, Mode::empty()).at("open", &path)?;
    // A smaller one only makes the script wait more often.
    let _ = rustix::pipe::fcntl_setpipe_size(&fifo, PIPE_SIZE);
    Ok(fifo)
}

fn holder(clock: &Clock) -> Holder {
    Holder {
        pid: getpid().as_raw_nonzero().get().unsigned_abs(),
        command: "buildkeep helper".into(),
        since: clock.stamp(),
    }
}
