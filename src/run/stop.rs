//! Ending a script and all that it started.
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use super::files::{load, save_first};
use super::guard::{readable, wait_for};
use super::pause::thaw;
use super::process::ProcFile;
use super::tree::{Member, members};
use super::{AttemptDir, Cgroup, Error, Spec, Stop, StopReason};
use crate::world::Clock;

/// How often to look whether all have gone.
const POLL: Duration = Duration::from_millis(50);
/// How often processes that keep starting others are killed before we give up.
const ROUNDS: u32 = 200;

/// Asks all processes of the attempt in `dir` to end, and kills those that do not within its grace.
///
/// The wish is written down first, so that the end is known to be wanted. Returns once none is left;
/// the end goes on record by those in charge. In a `hurry` nobody has any grace.
pub fn stop(
    dir: &AttemptDir,
    reason: StopReason,
    clock: &Clock,
    hurry: impl Fn() -> bool,
) -> Result<(), Error> {
    let spec = Spec::load(dir)?;
    let wish = Stop {
        reason,
        time: clock.stamp(),
    };
    let noted = save_first(&dir.stop(), &wish).and_then(|_| give_up_if_not_started(dir));
    if !dir.process().exists() {
        noted?;
    }
    // Of what runs, the end matters more than the word for it: the disk may be full.
    signal(&all(dir)?, &[Signal::TERM, Signal::CONT]);
    // One that stays frozen is killed when its grace is over.
    let _ = thaw(dir);
    let deadline = clock.since_boot() + Duration::from_secs(spec.grace_s);
    while clock.since_boot() < deadline && !hurry() {
        let left = all(dir)?;
        let Some(first) = left.first() else {
            return Ok(());
        };
        wait_for(&mut [readable(&first.pidfd)], Some(POLL));
    }
    kill(dir)
}

/// A script that was not started yet must not be started any more.
fn give_up_if_not_started(dir: &AttemptDir) -> Result<(), Error> {
    save_first(&dir.process(), &ProcFile::nobody())?;
    Ok(())
}

fn kill(dir: &AttemptDir) -> Result<(), Error> {
    if let Some(cgroup) = Cgroup::of(dir)? {
        // Where the kernel cannot, what is in it is found below.
        let _ = cgroup.kill();
    }
    for _ in 0..ROUNDS {
        let left = all(dir)?;
        let Some(first) = left.first() else {
            break;
        };
        signal(&left, &[Signal::KILL]);
        wait_for(&mut [readable(&first.pidfd)], Some(POLL));
    }
    Ok(())
}

pub(super) fn all(dir: &AttemptDir) -> Result<Vec<Member>, Error> {
    let file: Option<ProcFile> = load(&dir.process())?;
    members(dir, file.and_then(|file| file.process).as_ref())
}

/// Descriptors were opened before the processes were recognised, so no other process is hit.
fn signal(members: &[Member], signals: &[Signal]) {
    for member in members {
        for signal in signals {
            // One that is gone, or not ours to end, shows at the next look.
            let _ = pidfd_send_signal(&member.pidfd, *signal);
        }
    }
}
