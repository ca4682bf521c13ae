//! Waiting for a keep that cannot be written: what runs goes on meanwhile.
use std::path::PathBuf;
use std::time::Duration;

use crate::commands::Context;
use crate::failure::Failure;
use crate::fs::{PathError, remove_file_durable, write_durable};
use crate::run::{Interrupts, tell_syslog};
use crate::store::Keep;

/// How long to wait before the next try: at first, and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// More than the records of a step's end need.
const PROBE: usize = 64 << 10;

/// What waiting led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The keep can be written.
    Writable,
    /// Somebody does not want to wait.
    Interrupted,
}

/// Why the keep cannot be written, if waiting may help: our records or the history may be on a disk
/// of their own.
fn obstacle(keep: &Keep) -> Option<PathError> {
    let history = keep.repo().common_dir().join("buildkeep-probe");
    let probes = [keep.private("probe"), history];
    let try_one = |probe: &PathBuf| {
        let written = write_durable(probe, &vec![b'x'; PROBE]);
        written.and_then(|()| remove_file_durable(probe)).err()
    };
    let error = probes.iter().find_map(try_one)?;
    let kind = error.source.kind();
    let may_pass = error.is_full()
        || kind == std::io::ErrorKind::ReadOnlyFilesystem
        || error.source.raw_os_error() == Some(5);
    may_pass.then_some(error)
}

/// Waits until the keep can be written, if that is what is wrong; says so once.
pub(super) fn wait(cx: &mut Context, keep: &Keep, interrupts: &Interrupts) -> Option<Waited> {
    warn(cx, keep)?;
    let mut pause = PAUSES.0;
    while obstacle(keep).is_some() {
        cx.ui.live("waiting until the keep can be written");
        interrupts.wait(pause);
        pause = (pause * 2).min(PAUSES.1);
        if interrupts.came() {
            return Some(Waited::Interrupted);
        }
    }
    cx.ui.live_end();
    cx.ui
        .status("the keep can be written again; the run goes on");
    Some(Waited::Writable)
}

/// Says that the keep cannot be written, if that is so and may pass.
pub(super) fn warn(cx: &mut Context, keep: &Keep) -> Option<()> {
    let error = obstacle(keep)?;
    let failure = Failure::from(error);
    cx.ui.live_end();
    let told = format!("{}: a run waits for its keep", failure.message());
    tell_syslog(&cx.world.clock, &told);
    cx.ui.warn(format!(
        "{}: the run waits until that is possible, and what runs goes on",
        failure.message()
    ));
    for hint in failure.hints() {
        cx.ui.hint(hint);
    }
    Some(())
}
